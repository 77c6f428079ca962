import { acceleratorClass } from '#catalog';
import type { CampaignRow } from '#campaigns';
import { type Outcome, Refused, isRefused, parseMinorUnits } from '#kernel';
// oxlint-disable-next-line import/default -- CommonJS: Node gives its exports as the default
import rrule from 'rrule';
import { refusePledge } from '../pledge.refusal.js';
import { campaignRefusal, idempotencyKey } from './cash-pledge.rule.js';

export interface ComputeOffer {
  readonly gpuClass: string;
  readonly count: number;
  readonly milliseconds: bigint;
  readonly availability?: string | null | undefined;
  readonly region?: string | null | undefined;
  readonly idempotencyKey: string;
}

export interface ComputeTermsGiven {
  readonly gpuClass: string;
  readonly count: number;
  readonly milliseconds: bigint;
  readonly availability: string | null;
  readonly region: string | null;
  readonly idempotencyKey: string;
}

/** Checks what a donor offers, every fault at once. */
export function computeOffer(offer: ComputeOffer): Outcome<ComputeTermsGiven> {
  const milliseconds = parseMinorUnits(String(offer.milliseconds), ['input', 'milliseconds']);
  const key = idempotencyKey(offer.idempotencyKey);
  const accelerator = acceleratorClass(offer.gpuClass);
  const region = offer.region?.trim() || null;
  const availability = readAvailability(offer.availability);
  const faults = [
    milliseconds,
    key,
    availability,
    accelerator
      ? undefined
      : refusePledge('PLEDGE_CLASS_UNKNOWN', ['input', 'class'], `Got "${offer.gpuClass.slice(0, 60)}".`),
    Number.isInteger(offer.count) && offer.count >= 1 && offer.count <= 65_536
      ? undefined
      : refusePledge('PLEDGE_COUNT_INVALID', ['input', 'count'], `Got ${offer.count}.`),
    region === null || /^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/.test(region)
      ? undefined
      : refusePledge('PLEDGE_REGION_INVALID', ['input', 'region']),
  ].filter((fault) => fault instanceof Refused);
  if (faults.length > 0 || isRefused(milliseconds) || isRefused(key) || isRefused(availability) || !accelerator)
    return new Refused(faults.flatMap((fault) => fault.refusals));
  return { gpuClass: accelerator.class, count: offer.count, milliseconds, availability, region, idempotencyKey: key };
}

/**
 * Reads an RFC 5545 recurrence of hours. It must be a rule that comes round at all; minutes and seconds are too fine
 * for a donor's schedule and would be costly to walk.
 */
function readAvailability(text: string | null | undefined): Outcome<string | null> {
  const path = ['input', 'availability'];
  if (!text?.trim()) return null;
  const line = text.trim().replace(/^RRULE:/i, '');
  if (line.length > 400) return refusePledge('PLEDGE_AVAILABILITY_INVALID', path, 'It is longer than 400 characters.');
  try {
    const options = rrule.RRule.parseString(line);
    const { YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY } = rrule.RRule;
    if (options.freq === undefined || ![YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY].includes(options.freq))
      return refusePledge(
        'PLEDGE_AVAILABILITY_INVALID',
        path,
        'FREQ must be YEARLY, MONTHLY, WEEKLY, DAILY or HOURLY.',
      );
    const rule = new rrule.RRule({ ...options, dtstart: new Date(Date.UTC(2026, 0, 1)), count: 1, until: null });
    if (rule.all().length === 0) return refusePledge('PLEDGE_AVAILABILITY_INVALID', path, 'It never comes round.');
    return line;
  } catch (error) {
    return refusePledge('PLEDGE_AVAILABILITY_INVALID', path, error instanceof Error ? error.message : undefined);
  }
}

/** Whether the campaign takes this offer at this moment; undefined when it does. */
export function offerRefusal(
  campaign: CampaignRow | undefined,
  offer: ComputeTermsGiven,
  now: Date,
): Refused | undefined {
  const closed = campaignRefusal(campaign, now);
  if (closed || !campaign) return closed;
  return offer.gpuClass === campaign.gpuClass
    ? undefined
    : refusePledge('PLEDGE_CLASS_MISMATCH', ['input', 'class'], `It needs "${campaign.gpuClass}".`);
}
