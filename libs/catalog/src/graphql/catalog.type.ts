import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { BigIntScalar, Connection, GpuTime, JsonScalar, Money, NodeInterface, UserError } from '#platform';

@ObjectType({
  implements: () => NodeInterface,
  description: 'Data that a model is trained on, by the hash of its bytes.',
})
export class Dataset {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'Name.' })
  name: string;
  @Field(() => String, { description: 'Licence, as an SPDX expression or in words.' })
  licence: string;
  @Field(() => String, { description: 'Where the bytes came from.' })
  source: string;
  @Field(() => String, { description: 'SHA-256 of the bytes, hexadecimal.' })
  sha256: string;
  @Field(() => BigIntScalar, { description: 'Size in bytes.' })
  bytes: bigint;
  @Field(() => BigIntScalar, { nullable: true, description: 'Size in tokens, where counted.' })
  tokens: bigint | null;
}

@ObjectType({
  implements: () => NodeInterface,
  description: 'A training described completely; its digest is its address.',
})
export class Recipe {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'Name.' })
  name: string;
  @Field(() => String, { description: 'SHA-256 of the canonical JSON (RFC 8785) of the recipe, hexadecimal.' })
  digest: string;
  @Field(() => String, { description: 'The program that trains, for example "tiny-lm".' })
  workload: string;
  @Field(() => String, { description: 'How the agent launches it: "process" or "torchrun".' })
  driver: string;
  @Field(() => String, { description: 'Accelerator class that it runs on.' })
  gpuClass: string;
  @Field(() => BigIntScalar, { description: 'Parameters of the model.' })
  parameters: bigint;
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Parameters that one token passes through; null when dense.',
  })
  activeParameters: bigint | null;
  @Field(() => BigIntScalar, { description: 'Tokens to train on.' })
  tokens: bigint;
  @Field(() => Int, { description: 'Fewest workers that it can run on.' })
  minWorkers: number;
  @Field(() => Int, { description: 'Most workers that it can use.' })
  maxWorkers: number;
  @Field(() => Int, { description: 'Steps between two checkpoints.' })
  checkpointEverySteps: number;
  @Field(() => JsonScalar, { description: 'Settings that the workload reads.' })
  hyperparameters: unknown;
  @Field(() => Dataset, { description: 'What it trains on.' })
  dataset: Dataset;
}

@ObjectType({ description: 'One page of a list of Dataset.' })
export class DatasetConnection extends Connection(Dataset) {}

@ObjectType({ description: 'One page of a list of Recipe.' })
export class RecipeConnection extends Connection(Recipe) {}

@ObjectType({ description: 'One figure of a compute budget with how it came about.' })
export class BudgetLine {
  @Field(() => String, { description: 'Stable name of the line, for example "flop".' })
  code: string;
  @Field(() => String, { description: 'What the line is, for people.' })
  label: string;
  @Field(() => BigIntScalar, { description: 'The figure, in the unit.' })
  amount: bigint;
  @Field(() => String, { description: 'Unit of the figure.' })
  unit: string;
  @Field(() => String, { description: 'How it is computed.' })
  formula: string;
  @Field(() => String, { description: 'Who says so: a paper, a data sheet, the recipe, the organiser.' })
  source: string;
}

@ObjectType({ description: 'What a training takes in arithmetic, accelerator time and money, every term shown.' })
export class ComputeBudget {
  @Field(() => BigIntScalar, { description: 'Floating-point operations: 6 · N · D.' })
  flop: bigint;
  @Field(() => BigIntScalar, { description: 'Dense peak of one device in FLOP per second.' })
  peakFlopPerSecond: bigint;
  @Field(() => String, { description: 'Share of the peak that is reached (model FLOP utilisation), decimal text.' })
  mfu: string;
  @Field(() => GpuTime, { description: 'Accelerator time to raise, overhead included.' })
  gpuTime: GpuTime;
  @Field(() => Money, { description: 'The same time rented for money.' })
  cash: Money;
  @Field(() => [BudgetLine], { description: 'Every term in the order of the calculation.' })
  lines: BudgetLine[];
}

@ObjectType('AcceleratorClass', { description: 'A kind of accelerator that GPU time is counted in.' })
export class AcceleratorClassType {
  @Field(() => String, { description: 'Name, as in GpuTime.class.' })
  class: string;
  @Field(() => String, { description: 'The device, for people.' })
  label: string;
  @Field(() => BigIntScalar, { description: 'Dense peak of one device in FLOP per second.' })
  peakFlopPerSecond: bigint;
  @Field(() => String, { description: 'Number format that the peak is for.' })
  precision: string;
  @Field(() => String, { description: 'Where the figure comes from.' })
  source: string;
}

@InputType({ description: 'The terms of a compute budget.' })
export class ComputeBudgetInput {
  @Field(() => BigIntScalar, { description: 'Parameters of the model, 1 to 10^14.' })
  parameters: bigint;
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Parameters that one token passes through, for a mixture of experts.',
  })
  activeParameters?: bigint | null;
  @Field(() => BigIntScalar, { description: 'Tokens to train on, 1 to 10^14.' })
  tokens: bigint;
  @Field(() => String, { description: 'Accelerator class.' })
  gpuClass: string;
  @Field(() => String, {
    nullable: true,
    description: 'Share of the peak, decimal text like "0.40"; what the class usually reaches when absent.',
  })
  mfu?: string | null;
  @Field(() => Int, {
    nullable: true,
    description: 'Time on top for restarts, evaluation and reserve, in percent (15 when absent).',
  })
  overheadPercent?: number | null;
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Rent of one device for an hour in US cents; the usual price of the class when absent.',
  })
  pricePerGpuHourMinor?: bigint | null;
}

@InputType({ description: 'A dataset to put on record.' })
export class DatasetRegisterInput {
  @Field(() => String, { description: 'Name, 1 to 120 characters.' })
  name: string;
  @Field(() => String, { description: 'Licence, as an SPDX expression or in words.' })
  licence: string;
  @Field(() => String, { description: 'Where the bytes came from.' })
  source: string;
  @Field(() => String, { description: 'SHA-256 of the bytes, 64 hexadecimal digits.' })
  sha256: string;
  @Field(() => BigIntScalar, { description: 'Size in bytes.' })
  bytes: bigint;
  @Field(() => BigIntScalar, { nullable: true, description: 'Size in tokens, where counted.' })
  tokens?: bigint | null;
}

@ObjectType({ description: 'Outcome of datasetRegister.' })
export class DatasetRegisterPayload {
  @Field(() => Dataset, { nullable: true, description: 'The dataset on record.' })
  dataset: Dataset | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}

@InputType({ description: 'A recipe to put on record.' })
export class RecipeRegisterInput {
  @Field(() => ID, { description: 'Global id of the project whose maintainer registers it.' })
  projectId: string;
  @Field(() => String, { description: 'Name, 1 to 120 characters.' })
  name: string;
  @Field(() => String, { description: 'The program that trains, for example "tiny-lm".' })
  workload: string;
  @Field(() => String, {
    nullable: true,
    description: 'How the agent launches it: "process" (when absent) or "torchrun".',
  })
  driver?: string | null;
  @Field(() => JsonScalar, { description: 'Settings that the workload reads, one JSON object.' })
  hyperparameters: unknown;
  @Field(() => ID, { description: 'Global id of the dataset.' })
  datasetId: string;
  @Field(() => String, { description: 'Accelerator class.' })
  gpuClass: string;
  @Field(() => BigIntScalar, { description: 'Parameters of the model.' })
  parameters: bigint;
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Parameters that one token passes through, for a mixture of experts.',
  })
  activeParameters?: bigint | null;
  @Field(() => BigIntScalar, { description: 'Tokens to train on.' })
  tokens: bigint;
  @Field(() => Int, { nullable: true, description: 'Fewest workers (1 when absent).' })
  minWorkers?: number | null;
  @Field(() => Int, { nullable: true, description: 'Most workers (minWorkers when absent).' })
  maxWorkers?: number | null;
  @Field(() => Int, { nullable: true, description: 'Steps between two checkpoints (100 when absent).' })
  checkpointEverySteps?: number | null;
}

@ObjectType({ description: 'Outcome of recipeRegister.' })
export class RecipeRegisterPayload {
  @Field(() => Recipe, { nullable: true, description: 'The recipe on record.' })
  recipe: Recipe | null;
  @Field(() => [UserError], { description: 'Why it was refused; empty on success.' })
  userErrors: UserError[];
}
