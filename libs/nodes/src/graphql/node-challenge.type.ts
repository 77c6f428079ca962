import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { BigIntScalar, DateTimeScalar, UserError } from '#platform';
import { GpuNode } from './node.type.js';

@ObjectType({
  description:
    'A hardware challenge: a chain of exact matrix products that a device works out against the clock, commits to, and opens where nobody could foresee.',
})
export class NodeChallenge {
  @Field(() => Int, { description: 'Which of the devices of its class, from 0.' })
  device: number;
  @Field(() => String, { description: 'Why: "join", "repeat" (unannounced) or "appeal".' })
  cause: string;
  @Field(() => String, {
    description: 'issued, started (its time runs), committed, opened (being checked), passed, failed or expired.',
  })
  state: string;
  @Field(() => String, {
    nullable: true,
    description:
      'Why it was not passed: "late", "silent", or what gave the work away as not done: "shape", "commitment", "rows", "chain".',
  })
  fault: string | null;
  @Field(() => String, { nullable: true, description: 'The same for people.' })
  detail: string | null;
  @Field(() => BigIntScalar, { description: 'Multiplications and additions that it takes.' })
  operations: bigint;
  @Field(() => BigIntScalar, {
    nullable: true,
    description: 'Operations a second that the device showed, from the nonce to the commitment by our clock.',
  })
  operationsPerSecond: bigint | null;
  @Field(() => DateTimeScalar, { description: 'When the node was told of it.' })
  issuedAt: Date;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was over.' })
  endedAt: Date | null;
}

@ObjectType({ description: 'What a donor said against a quarantine, and what an operator made of it.' })
export class NodeAppeal {
  @Field(() => String, { nullable: true, description: 'The statement; shown to the node’s owner and to operators.' })
  statement: string | null;
  @Field(() => DateTimeScalar, { description: 'When it was filed.' })
  filedAt: Date;
  @Field(() => String, {
    nullable: true,
    description: '"lifted": the node was challenged anew. "upheld": it stays in quarantine. Null while undecided.',
  })
  decision: string | null;
  @Field(() => String, { nullable: true, description: 'Why it was decided so.' })
  reason: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was decided.' })
  decidedAt: Date | null;
}

@InputType({ description: 'Why a node should come out of quarantine.' })
export class NodeAppealInput {
  @Field(() => ID, { description: 'Which node.' })
  nodeId: string;
  @Field(() => String, { description: 'What happened, in 10 to 2000 characters.' })
  statement: string;
}

@InputType({ description: 'What becomes of an appeal.' })
export class NodeAppealDecideInput {
  @Field(() => ID, { description: 'Which node.' })
  nodeId: string;
  @Field(() => Boolean, { description: 'True: the node is challenged anew. False: it stays in quarantine.' })
  lift: boolean;
  @Field(() => String, { description: 'Why, in 10 to 2000 characters. It is public.' })
  reason: string;
}

@ObjectType({ description: 'The node with its appeal, or why it was refused.' })
export class NodeAppealPayload {
  @Field(() => GpuNode, { nullable: true, description: 'The node.' })
  node: GpuNode | null;
  @Field(() => [UserError], { description: 'Why it was refused.' })
  userErrors: UserError[];
}

@ObjectType({ description: 'The node with its appeal, or why it was refused.' })
export class NodeAppealDecidePayload {
  @Field(() => GpuNode, { nullable: true, description: 'The node.' })
  node: GpuNode | null;
  @Field(() => [UserError], { description: 'Why it was refused.' })
  userErrors: UserError[];
}
