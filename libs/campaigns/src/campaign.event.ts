import type { DomainEventInput } from '#platform';

/** An event of a campaign; public ones go to the transparency log. */
export const event = (type: string, campaignId: string, payload: object, isPublic = true): DomainEventInput => ({
  type,
  aggregateType: 'campaign',
  aggregateId: campaignId,
  payload: { campaignId, ...payload },
  isPublic,
});

export const cashFigure = (amountMinor: bigint, currency: string) => ({ amountMinor: String(amountMinor), currency });
export const computeFigure = (milliseconds: bigint, gpuClass: string) => ({
  milliseconds: String(milliseconds),
  class: gpuClass,
});
