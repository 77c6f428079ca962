import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { Contributor } from '#identity';
import { Connection, DateTimeScalar, JsonScalar, NodeInterface, UserError } from '#platform';

@ObjectType({ description: 'Hours at which a node is lent, again and again.' })
export class NodeWindow {
  @Field(() => String, { description: 'RFC 5545 recurrence in UTC, for example "FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=8".' })
  rrule: string;
  @Field(() => Int, { description: 'How long each occurrence lasts, in minutes.' })
  durationMinutes: number;
}

@ObjectType({ implements: () => NodeInterface, description: 'A donated machine.' })
export class GpuNode {
  @Field(() => ID, { description: 'Global id.' })
  id: string;
  @Field(() => String, { description: 'Name that its donor gave it; it is public.' })
  name: string;
  @Field(() => String, {
    description:
      'registered, attesting, benchmarking, idle, leased, draining, suspect (missed heartbeats), lost, offline, quarantined or retired.',
  })
  state: string;
  @Field(() => String, { description: 'Accelerator class that it lends, for example "cpu".' })
  class: string;
  @Field(() => Int, { description: 'Devices of the class.' })
  count: number;
  @Field(() => String, { nullable: true, description: 'Where it stands, as its donor says.' })
  region: string | null;
  @Field(() => String, { description: 'Version of its agent.' })
  agentVersion: string;
  @Field(() => Contributor, { description: 'Who lends it.' })
  owner: Contributor;
  @Field(() => DateTimeScalar, { description: 'When it joined.' })
  joinedAt: Date;
  @Field(() => DateTimeScalar, { description: 'When it last sent a heartbeat, to half a heartbeat.' })
  lastSeenAt: Date;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When its hardware passed its challenge; null while it has yet to (again).',
  })
  verifiedAt: Date | null;
  @Field(() => String, { description: 'What brought it into its state.' })
  stateCause: string;
  @Field(() => [NodeWindow], { description: 'The hours at which it takes new work; none means always.' })
  hours: NodeWindow[];
  @Field(() => JsonScalar, {
    description: 'Its devices as the agent read them: class, memory, power limit. Serial numbers are left out.',
  })
  inventory: object;
}

@ObjectType({ description: 'One page of a list of GpuNode.' })
export class GpuNodeConnection extends Connection(GpuNode) {}

@InputType({ description: 'A token for one node to join with.' })
export class NodeJoinTokenCreateInput {
  @Field(() => String, {
    nullable: true,
    description: 'Name for the node; the agent names it when absent. It will be public.',
  })
  name?: string | null;
  @Field(() => ID, { nullable: true, description: 'The compute pledge that the node will deliver.' })
  computePledgeId?: string | null;
}

@ObjectType({ description: 'A new join token, or why there is none.' })
export class NodeJoinTokenCreatePayload {
  @Field(() => String, {
    nullable: true,
    description: 'The token. It is shown here only, works once, and for 24 hours.',
  })
  token: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'The command that joins a machine with it, in a copy of this repository.',
  })
  command: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'When it stops working.' })
  expiresAt: Date | null;
  @Field(() => [UserError], { description: 'Why it was refused.' })
  userErrors: UserError[];
}

@InputType({ description: 'The node to drain.' })
export class NodeDrainInput {
  @Field(() => ID, { description: 'Its id.' })
  nodeId: string;
}

@ObjectType({ description: 'The draining node, or why it does not drain.' })
export class NodeDrainPayload {
  @Field(() => GpuNode, { nullable: true, description: 'The node.' })
  node: GpuNode | null;
  @Field(() => [UserError], { description: 'Why it was refused.' })
  userErrors: UserError[];
}

@InputType({ description: 'Hours at which a node is lent, again and again.' })
export class NodeWindowInput {
  @Field(() => String, {
    description: 'RFC 5545 recurrence in UTC: FREQ of MONTHLY, WEEKLY or DAILY, without start or end.',
  })
  rrule: string;
  @Field(() => Int, { description: 'How long each occurrence lasts, 15 to 10080 minutes.' })
  durationMinutes: number;
}

@InputType({ description: 'The hours of a node, all of them.' })
export class NodeHoursSetInput {
  @Field(() => ID, { description: 'Which node.' })
  nodeId: string;
  @Field(() => [NodeWindowInput], { description: 'Its windows, 10 at most; none means always.' })
  windows: NodeWindowInput[];
}

@ObjectType({ description: 'The node with its hours, or why they were refused.' })
export class NodeHoursSetPayload {
  @Field(() => GpuNode, { nullable: true, description: 'The node.' })
  node: GpuNode | null;
  @Field(() => [UserError], { description: 'Why it was refused.' })
  userErrors: UserError[];
}
