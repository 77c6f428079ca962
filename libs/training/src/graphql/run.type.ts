import { Field, Float, ID, InputType, Int, ObjectType, registerEnumType } from '@nestjs/graphql';
import { BigIntScalar, Connection, DateTimeScalar, GpuTime, JsonScalar, NodeInterface, UserError } from '#platform';

export enum RunStateEnum {
  QUEUED = 'queued',
  ASSEMBLING = 'assembling',
  RUNNING = 'running',
  DEGRADED = 'degraded',
  STARVED = 'starved',
  FINISHING = 'finishing',
  DONE = 'done',
  FAILED = 'failed',
  CANCELLED = 'cancelled',
}
registerEnumType(RunStateEnum, {
  name: 'RunState',
  description: 'Where a run stands.',
  valuesMap: {
    QUEUED: { description: 'Waits for its next attempt.' },
    ASSEMBLING: { description: 'Leases are offered; the agents prepare.' },
    RUNNING: { description: 'Trains with as many workers as it can use.' },
    DEGRADED: { description: 'Trains with fewer workers than it could use.' },
    STARVED: { description: 'Has fewer workers than it needs.' },
    FINISHING: { description: 'Has made its last step; its workers end.' },
    DONE: { description: 'Complete and settled.' },
    FAILED: { description: 'Given up after too many attempts without progress.' },
    CANCELLED: { description: 'Called off.' },
  },
});

@ObjectType({ implements: () => NodeInterface, description: 'One execution of a recipe for a campaign.' })
export class Run {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => RunStateEnum, { description: 'Where it stands.' })
  state: RunStateEnum;
  @Field(() => String, { nullable: true, description: 'What brought it there, as a code.' })
  stateReason: string | null;
  @Field(() => String, { nullable: true, description: 'Why it waits and what would unblock it; null while it trains.' })
  waitReason: string | null;
  @Field(() => BigIntScalar, { description: 'Last step that was reported of the present attempt.' })
  step: bigint;
  @Field(() => BigIntScalar, { description: 'Steps that the recipe asks for.' })
  targetSteps: bigint;
  @Field(() => BigIntScalar, { description: 'Tokens trained on until that step.' })
  tokens: bigint;
  @Field(() => Float, {
    nullable: true,
    description: 'Loss of the first step reported (natural logarithm, mean a token).',
  })
  firstLoss: number | null;
  @Field(() => Float, { nullable: true, description: 'Loss of the last step reported.' })
  lastLoss: number | null;
  @Field(() => BigIntScalar, {
    description: 'Operations of settled work by the architecture: 6 for each parameter and token.',
  })
  flopModel: bigint;
  @Field(() => BigIntScalar, {
    description:
      'Operations of settled work as the workload counted them, or by 6 N D with attention where it did not.',
  })
  flopHardware: bigint;
  @Field(() => Int, { description: 'Fewest nodes with which it trains.' })
  minWorkers: number;
  @Field(() => Int, { description: 'Most nodes that it can use.' })
  maxWorkers: number;
  @Field(() => BigIntScalar, { nullable: true, description: 'Step of the checkpoint from which it would go on.' })
  promotedStep: bigint | null;
  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  createdAt: Date;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it first trained.' })
  startedAt: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was done, failed or cancelled.' })
  endedAt: Date | null;
  /** Database ids for the fields that are resolved apart. */
  rowId: string;
  campaignRowId: string;
  recipeRowId: string;
}

@ObjectType({ description: 'The loss at one step.' })
export class LossPoint {
  @Field(() => BigIntScalar, { description: 'Step, counted from 1.' })
  step: bigint;
  @Field(() => Float, { description: 'Loss (natural logarithm, mean a token).' })
  loss: number;
  @Field(() => BigIntScalar, { description: 'Tokens trained on until then.' })
  tokens: bigint;
  @Field(() => DateTimeScalar, { description: 'When the platform heard of it.' })
  at: Date;
  @Field(() => Int, { description: 'Number of the attempt that made the step; a change marks a restart.' })
  attempt: number;
}

@ObjectType({ description: "A node's part in an attempt, for as long as its heartbeats renew it." })
export class Lease {
  @Field(() => ID, { description: 'Id, as in the public record.' })
  id: string;
  @Field(() => Int, { description: 'Rank of the node in the gang, counted from 0.' })
  rank: number;
  @Field(() => BigIntScalar, { description: 'Fencing token: a write with a smaller one is refused.' })
  token: bigint;
  @Field(() => String, { description: 'offered, active, released, expired or revoked.' })
  state: string;
  @Field(() => String, { description: 'What its process does: offered, ready, running, exited or stopped.' })
  phase: string;
  @Field(() => BigIntScalar, { nullable: true, description: 'Last step that the node reported.' })
  step: bigint | null;
  @Field(() => DateTimeScalar, { description: 'When it was offered.' })
  grantedAt: Date;
  @Field(() => DateTimeScalar, { description: 'When it runs out unless renewed.' })
  expiresAt: Date;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it ended.' })
  endedAt: Date | null;
  @Field(() => String, { nullable: true, description: 'Why it ended, as a code.' })
  endReason: string | null;
  @Field(() => BigIntScalar, {
    description: 'GPU-milliseconds delivered: final once it has ended, until then as of its last heartbeat.',
  })
  milliseconds: bigint;
  nodeRowId: string;
}

@ObjectType({ description: 'One try of the whole gang, from the last promoted checkpoint.' })
export class Attempt {
  @Field(() => ID, { description: 'Id, as in the public record.' })
  id: string;
  @Field(() => Int, { description: 'Counted from 1.' })
  number: number;
  @Field(() => String, { description: 'assembling, running, draining, stopping or ended.' })
  state: string;
  @Field(() => String, { nullable: true, description: 'Why it ended, as a code: completed, node_lost, drained …' })
  reason: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When all members were ready and it began.' })
  startedAt: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When the last of its leases had ended.' })
  endedAt: Date | null;
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Step of the checkpoint that it went on from; null at the beginning.',
  })
  restoredFromStep: bigint | null;
  @Field(() => [Lease], { description: 'Its members by rank.' })
  members: Lease[];
}

@ObjectType({ description: 'What one lease was worth.' })
export class Usage {
  @Field(() => ID, { description: 'Id of the lease.' })
  leaseId: string;
  @Field(() => String, { description: 'Accelerator class.' })
  class: string;
  @Field(() => GpuTime, { description: 'Time between start and last sign of life, never after expiry.' })
  delivered: GpuTime;
  @Field(() => GpuTime, {
    nullable: true,
    description: 'The part that a promoted checkpoint proves; null until settled.',
  })
  accepted: GpuTime | null;
  @Field(() => BigIntScalar, { nullable: true, description: 'Its share of the tokens proven; null until settled.' })
  tokens: bigint | null;
  @Field(() => BigIntScalar, { nullable: true, description: 'Its share of the operations, 6 N D; null until settled.' })
  flop: bigint | null;
  @Field(() => BigIntScalar, { description: 'Energy that its agent reported, in micro-watt-hours.' })
  energyMicroWh: bigint;
  @Field(() => String, {
    nullable: true,
    description: 'How the energy was found: counted by hardware, or the estimate used.',
  })
  energyMethod: string | null;
  nodeRowId: string;
  contributorPseudonym: string;
}

@ObjectType({ description: 'Something that happened to a run, from the public record.' })
export class RunEvent {
  @Field(() => ID, { description: 'Id of the event, as in the transparency log.' })
  id: string;
  @Field(() => String, { description: 'What happened, for programs: "lease.ended".' })
  type: string;
  @Field(() => BigIntScalar, { description: 'Place in the order of all events, counted from 0.' })
  position: bigint;
  @Field(() => DateTimeScalar, { description: 'When.' })
  occurredAt: Date;
  @Field(() => String, { description: 'What happened, for people.' })
  summary: string;
  @Field(() => JsonScalar, { description: 'The figures as published.' })
  payload: unknown;
}

@ObjectType({ description: "A piece of what a lease's process printed." })
export class LeaseLogPiece {
  @Field(() => BigIntScalar, { description: "Place of its first byte in the lease's log, lost bytes counted." })
  byteOffset: bigint;
  @Field(() => String, { description: 'What was printed.' })
  text: string;
  @Field(() => BigIntScalar, { description: 'Bytes lost just before, because the agent could not keep up.' })
  droppedBytes: bigint;
  @Field(() => DateTimeScalar, { description: 'When the platform got it.' })
  at: Date;
}

export const LeaseLogConnection = Connection(LeaseLogPiece);
export const RunConnection = Connection(Run);
export const LeaseConnection = Connection(Lease);
export const RunEventConnection = Connection(RunEvent);

@InputType({ description: 'The campaign to train for.' })
export class RunCreateInput {
  @Field(() => ID, { description: 'Global id of a funded campaign; its recipe is trained.' })
  campaignId: string;
}

@InputType({ description: 'The run to call off.' })
export class RunCancelInput {
  @Field(() => ID, { description: 'Global id of the run.' })
  runId: string;
}

@ObjectType({ description: 'The run, or why it was refused.' })
export class RunPayload {
  @Field(() => Run, { nullable: true, description: 'The run as it stands now.' })
  run: Run | null;
  @Field(() => [UserError], { description: 'Empty when it was done.' })
  userErrors: UserError[];
}
