import type { DomainEventInput } from '#platform';

/** Pledges are part of their campaign's story, so their events stand under the campaign. */
export const pledgeEvent = (type: string, campaignId: string, payload: object): DomainEventInput => ({
  type,
  aggregateType: 'campaign',
  aggregateId: campaignId,
  payload: { ...payload, campaignId },
  isPublic: true,
});

/** What concerns the donor alone: it is told to him and no public record keeps it. */
export const donorEvent = (type: string, campaignId: string, payload: object): DomainEventInput => ({
  ...pledgeEvent(type, campaignId, payload),
  isPublic: false,
});

/** Nothing more fits under the campaign's hard cap: it may settle before its deadline. */
export const capFilled = (campaignId: string): DomainEventInput => donorEvent('pledge.cap.filled', campaignId, {});

/** What a donor is told about a pledge of his. */
export const toDonor = (pledge: { id: string; amountMinor: bigint; currency: string }) => ({
  pledgeId: pledge.id,
  amountMinor: String(pledge.amountMinor),
  currency: pledge.currency,
});

/**
 * Why a card was refused, as far as the public needs to know. The bank's own word (an empty account, a stolen card) is
 * between the bank and its cardholder, and the public record can't forget it.
 */
export const publicFailure = (code: string): 'authentication_failed' | 'declined' =>
  /authentication/.test(code) ? 'authentication_failed' : 'declined';

/** The public record names no pseudonym of somebody who asked to stay unnamed: his other pledges would name him. */
export const publicBacker = (pseudonym: string, isAnonymous: boolean): string =>
  isAnonymous ? 'anonymous' : pseudonym;
