import type { DomainEventInput } from '#platform';

/** Pledges are part of their campaign's story, so their events stand under the campaign. */
export const pledgeEvent = (type: string, campaignId: string, payload: object): DomainEventInput => ({
  type,
  aggregateType: 'campaign',
  aggregateId: campaignId,
  payload: { ...payload, campaignId },
  isPublic: true,
});

/** The public record names no pseudonym of somebody who asked to stay unnamed: his other pledges would name him. */
export const publicBacker = (pseudonym: string, isAnonymous: boolean): string =>
  isAnonymous ? 'anonymous' : pseudonym;
