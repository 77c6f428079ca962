import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { type Outcome, isRefused } from '#kernel';
import { Access, CurrentViewer, Money, type Viewer, fromGlobalId, toUserErrors } from '#platform';
import { ExchangeCommands, type ExchangeOffer } from '../exchange.commands.js';
import {
  DisbursementExchangeInput,
  DisbursementExchangePayload,
  DisbursementExchangePreviewInput,
} from './exchange.type.js';

type SignedIn = Viewer & { kind: 'contributor' };

@Resolver()
export class ExchangeResolver {
  constructor(private readonly commands: ExchangeCommands) {}

  @Access({ scope: 'campaign:write', projectRoles: ['treasurer'] })
  @Query(() => DisbursementExchangePayload, {
    description: 'What exchanging a campaign’s money into the currency of its payouts would give now.',
  })
  disbursementExchangePreview(
    @Args({ name: 'input', description: 'The money.' }) input: DisbursementExchangePreviewInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<DisbursementExchangePayload> {
    return this.answer(input, (request) => this.commands.preview(viewer, request));
  }

  @Access({ scope: 'campaign:write', projectRoles: ['treasurer'] })
  @Mutation(() => DisbursementExchangePayload, {
    description: 'Exchanges a campaign’s money into the currency of its payouts, after the safety window.',
  })
  disbursementExchange(
    @Args({ name: 'input', description: 'The money.' }) input: DisbursementExchangeInput,
    @CurrentViewer() viewer: SignedIn,
  ): Promise<DisbursementExchangePayload> {
    return this.answer(input, (request) => this.commands.exchange(viewer, request, input.idempotencyKey));
  }

  private async answer(
    input: DisbursementExchangePreviewInput,
    act: (request: { campaignId: string; currency: string; amountMinor: bigint }) => Promise<Outcome<ExchangeOffer>>,
  ): Promise<DisbursementExchangePayload> {
    const campaignId = fromGlobalId('Campaign', input.campaignId, ['input', 'campaignId']);
    const { currency, amountMinor } = input;
    const offer = isRefused(campaignId) ? campaignId : await act({ campaignId, currency, amountMinor });
    if (isRefused(offer)) return { exchange: null, userErrors: toUserErrors(offer) };
    return {
      exchange: {
        gives: Money.of(offer.giveMinor, offer.giveCurrency),
        gets: Money.of(offer.getMinor, offer.getCurrency),
        rate: offer.rate,
        rateExact: `${offer.rateNumerator}/${offer.rateDenominator}`,
        rateAsOf: offer.rateAsOf,
        rateSource: offer.rateSource,
        available: Money.of(offer.availableMinor, offer.giveCurrency),
      },
      userErrors: [],
    };
  }
}
