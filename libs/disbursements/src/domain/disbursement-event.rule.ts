import type { DomainEventInput } from '#platform';

/** Money that goes out is part of its campaign's story, so its events stand under the campaign, for everybody to read. */
export const disbursementEvent = (type: string, campaignId: string, payload: object): DomainEventInput => ({
  type: `disbursement.${type}`,
  aggregateType: 'campaign',
  aggregateId: campaignId,
  payload: { ...payload, campaignId },
  isPublic: true,
});

export const money = (amountMinor: bigint, currency: string) => ({ amountMinor: String(amountMinor), currency });
