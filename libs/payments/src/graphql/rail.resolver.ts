import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { isRefused } from '#kernel';
import { Access, BigIntScalar, Money, toUserErrors, UnitOfWork } from '#platform';
import { GraphQLError } from 'graphql';
import { rateText } from '../domain/exchange-rate.rule.js';
import { quoteRails } from '../domain/rail.rule.js';
import { ExchangeRates } from '../exchange-rates.js';
import { ExchangeRate, ExchangeRatesImportInput, ExchangeRatesImportPayload } from './exchange-rate.type.js';
import { PaymentRail, RailQuote, RailUnavailable } from './rail.type.js';

const CURRENCY = /^[A-Z]{3}$/;

/** What a donor is told before he pays, and the rates by which a gift in another currency counts. */
@Resolver(() => RailQuote)
export class RailResolver {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly rates: ExchangeRates,
  ) {}

  @Access('public')
  @Query(() => [RailQuote], { description: 'Every rail with what it would make of an amount: fees, days, charges.' })
  railQuote(
    @Args('amountMinor', { type: () => BigIntScalar, description: 'The amount, minor units.' }) amountMinor: bigint,
    @Args('currency', { type: () => String, description: 'ISO 4217 code.' }) currency: string,
  ): RailQuote[] {
    const code = checked(currency);
    return quoteRails(amountMinor, code).map(({ isAvailable, reason, feeMinor, minimumMinor, ...facts }) => ({
      ...facts,
      rail: facts.rail as PaymentRail,
      available: isAvailable,
      reason: (reason as RailUnavailable | undefined) ?? null,
      fee: Money.of(feeMinor, code),
      minimumMinor: minimumMinor ?? null,
    }));
  }

  @Access('public')
  @Query(() => ExchangeRate, {
    nullable: true,
    description: 'The latest stored rate between two currencies; null where there is none that is fresh enough.',
  })
  async exchangeRate(
    @Args('base', { type: () => String, description: 'ISO 4217 code of what is converted.' }) base: string,
    @Args('quote', { type: () => String, description: 'ISO 4217 code of what it is converted to.' }) quote: string,
  ): Promise<ExchangeRate | null> {
    const rate = await this.uow.read((tx) => this.rates.at(tx, checked(base), checked(quote), tx.now));
    if (isRefused(rate)) return null;
    return { base: rate.base, quote: rate.quote, rate: rateText(rate), asOf: rate.asOf, source: rate.source };
  }

  @Access({ platformRole: 'operator' })
  @Mutation(() => ExchangeRatesImportPayload, {
    description: "Stores the European Central Bank's reference rates. What is there already stays as it is.",
  })
  async exchangeRatesImport(
    @Args({ name: 'input', description: 'The table.' }) input: ExchangeRatesImportInput,
  ): Promise<ExchangeRatesImportPayload> {
    const outcome = await this.uow.run('rates-import', (tx) => this.rates.importEcb(tx, input.csv));
    if (isRefused(outcome)) return { read: null, added: null, userErrors: toUserErrors(outcome) };
    return { ...outcome, userErrors: [] };
  }
}

function checked(currency: string): string {
  if (CURRENCY.test(currency)) return currency;
  throw new GraphQLError('A currency is three capital letters, like EUR.', { extensions: { code: 'BAD_USER_INPUT' } });
}
