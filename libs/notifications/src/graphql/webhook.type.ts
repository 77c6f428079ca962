import { Field, ID, InputType, Int, ObjectType } from '@nestjs/graphql';
import { BigIntScalar, DateTimeScalar, UserError } from '#platform';

@ObjectType({ description: 'One try to deliver an event to a webhook.' })
export class WebhookAttempt {
  @Field(() => ID, { description: 'Id of the event, sent as the header webhook-id; the same in every try.' })
  eventId: string;
  @Field(() => String, { description: 'Type of the event.' })
  eventType: string;
  @Field(() => DateTimeScalar, { description: 'When it was tried.' })
  at: Date;
  @Field(() => Int, { description: 'How long the answer took, in milliseconds.' })
  durationMs: number;
  @Field(() => Int, { nullable: true, description: 'HTTP status of the answer; null when there was none.' })
  status: number | null;
  @Field(() => String, { nullable: true, description: 'Why it did not count as delivered; null when it did.' })
  error: string | null;
}

@ObjectType({ description: "An address of a program that hears of a project's public events (Standard Webhooks)." })
export class WebhookEndpoint {
  @Field(() => ID, { description: 'Id of the webhook.' })
  id: string;
  @Field(() => String, { description: 'Where events are sent.' })
  url: string;
  @Field(() => [String], { description: 'Types of events that are sent; empty for all.' })
  eventTypes: string[];
  @Field(() => Boolean, { description: 'Whether events are sent.' })
  enabled: boolean;
  @Field(() => String, { nullable: true, description: 'Why it is switched off.' })
  disabledReason: string | null;
  @Field(() => BigIntScalar, { description: 'Position in the record of the next event to look at.' })
  nextPosition: bigint;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Since when deliveries fail; null when they do not.' })
  failingSince: Date | null;
  @Field(() => DateTimeScalar, { description: 'When it was made.' })
  createdAt: Date;
  @Field(() => [WebhookAttempt], { description: 'The newest tries, newest first, at most 20.' })
  recentAttempts: WebhookAttempt[];
}

@InputType({ description: 'A webhook to make.' })
export class WebhookEndpointCreateInput {
  @Field(() => ID, { description: 'Project whose public events it hears.' })
  projectId: string;
  @Field(() => String, { description: 'Where events are sent, an https address.' })
  url: string;
  @Field(() => [String], { nullable: true, description: 'Types of events; all when absent.' })
  eventTypes?: string[] | null;
}
@InputType({ description: 'What to change about a webhook; what is absent stays.' })
export class WebhookEndpointSetInput {
  @Field(() => ID, { description: 'Which.' })
  webhookEndpointId: string;
  @Field(() => Boolean, { nullable: true, description: 'Whether events are sent.' })
  enabled?: boolean | null;
  @Field(() => [String], { nullable: true, description: 'Types of events, exactly these; empty for all.' })
  eventTypes?: string[] | null;
  @Field(() => BigIntScalar, { nullable: true, description: 'Send everything from this position of the record again.' })
  fromPosition?: bigint | null;
}
@InputType({ description: 'A webhook that is to have a new secret.' })
export class WebhookSecretRotateInput {
  @Field(() => ID, { description: 'Which.' })
  webhookEndpointId: string;
}
@ObjectType({ description: 'A webhook, and its secret where a new one was made.' })
export class WebhookEndpointPayload {
  @Field(() => WebhookEndpoint, { nullable: true, description: 'The webhook; null when refused.' })
  webhookEndpoint: WebhookEndpoint | null;
  @Field(() => String, { nullable: true, description: 'The new secret, shown here and never again.' })
  secret: string | null;
  @Field(() => [UserError], { description: 'Why nothing was changed; empty when it was.' })
  userErrors: UserError[];
}
