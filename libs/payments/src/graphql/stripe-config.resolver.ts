import { Query, Resolver } from '@nestjs/graphql';
import { Access, Config } from '#platform';
import { StripeConfig } from './stripe-config.type.js';

@Resolver(() => StripeConfig)
export class StripeConfigResolver {
  constructor(private readonly config: Config) {}

  @Query(() => StripeConfig, { description: 'How payments by card are confirmed in the browser.' })
  @Access('public')
  stripeConfig(): StripeConfig {
    const { publishableKey, apiBase } = this.config.stripe;
    return { publishableKey, sandbox: apiBase !== undefined, apiBase: apiBase ?? null };
  }
}
