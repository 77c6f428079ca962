import { Field, ObjectType } from '@nestjs/graphql';
import { UrlScalar } from '#platform';

@ObjectType({ description: 'What a browser needs to pay by card. Nothing here is secret.' })
export class StripeConfig {
  @Field(() => String, { description: 'The publishable key with which a browser confirms a payment.' })
  publishableKey!: string;

  @Field(() => Boolean, {
    description: 'True when payments go to the sandbox: no bank is involved and no money moves.',
  })
  sandbox!: boolean;

  @Field(() => UrlScalar, {
    nullable: true,
    description: 'Where the sandbox answers; null when payments go to Stripe itself, through its own script.',
  })
  apiBase!: URL | null;
}
