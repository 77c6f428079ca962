/**
 * Donated compute, floating-point operations by both official countings, and energy.
 * Sources: guidelines of 18 July 2025, annex A.1 and A.2 (hardware and architecture method; a figure is good when
 * the true value lies within 30 % of it).
 */
import { largestRemainder } from '#kernel';
import { type CitedEvent, groupBy, optionalText, sum, text, whole } from './cited-event.js';

export interface DonorFacts {
  /** The donor's pseudonym. */
  readonly contributor: string;
  readonly class: string;
  readonly deliveredMs: string;
  readonly acceptedMs: string;
  readonly tokens: string;
  /** Part of all accepted time of the class, in hundredths of a percent; the parts of a class sum to 10,000. */
  readonly shareBasisPoints: number;
}

export interface ComputeFacts {
  readonly offeredMs: readonly { readonly class: string; readonly milliseconds: string }[];
  readonly totals: readonly { readonly class: string; readonly deliveredMs: string; readonly acceptedMs: string }[];
  readonly donors: readonly DonorFacts[];
}

export interface FlopFacts {
  /** Architecture method: 6 · parameters · tokens. */
  readonly model: string;
  /** Hardware method: units · seconds · peak FLOP/s · utilisation. */
  readonly hardware: string;
  /** hardware / model to four decimals; null when either is zero. */
  readonly ratio: string | null;
  /** Whether the hardware count lies within 30 % of the architecture count. */
  readonly within30Percent: boolean | null;
}

export interface EnergyFacts {
  readonly microWh: string;
  readonly measuredMicroWh: string;
  readonly estimatedMicroWh: string;
  readonly methods: readonly { readonly method: string; readonly microWh: string }[];
  readonly regions: readonly { readonly region: string; readonly microWh: string }[];
}

export function computeFacts(events: readonly CitedEvent[]): ComputeFacts {
  const usage = usageOf(events);
  const offered = events.filter((event) => event.type === 'pledge.compute.offered');
  const byClass = groupBy(usage, ({ payload }) => text(payload, 'class'));
  return {
    offeredMs: [...groupBy(offered, ({ payload }) => text(payload, 'class'))]
      .map(([name, group]) => ({ class: name, milliseconds: total(group, 'milliseconds') }))
      .sort(by('class')),
    totals: [...byClass]
      .map(([name, group]) => ({
        class: name,
        deliveredMs: total(group, 'deliveredMs'),
        acceptedMs: total(group, 'acceptedMs'),
      }))
      .sort(by('class')),
    donors: [...byClass].toSorted(([a], [b]) => compare(a, b)).flatMap(([name, group]) => donorsOf(name, group)),
  };
}

function donorsOf(name: string, usage: readonly CitedEvent[]): DonorFacts[] {
  const donors = [...groupBy(usage, ({ payload }) => text(payload, 'contributor'))].toSorted(([a], [b]) =>
    compare(a, b),
  );
  const accepted = donors.map(([, group]) => BigInt(total(group, 'acceptedMs')));
  const shares = sum(accepted) > 0n ? largestRemainder(10_000n, accepted) : accepted.map(() => 0n);
  return donors.map(([contributor, group], i) => ({
    contributor,
    class: name,
    deliveredMs: total(group, 'deliveredMs'),
    acceptedMs: total(group, 'acceptedMs'),
    tokens: total(group, 'tokens'),
    shareBasisPoints: Number(shares[i] ?? 0n),
  }));
}

export function flopFacts(events: readonly CitedEvent[]): FlopFacts {
  const usage = usageOf(events);
  // Before anything is settled, what the run itself stated at its end is all there is.
  const source = usage.length > 0 ? usage : events.filter((event) => event.type === 'run.completed');
  const model = sum(source.map(({ payload }) => whole(payload, 'flopModel')));
  const hardware = sum(source.map(({ payload }) => whole(payload, 'flopHardware')));
  const known = model > 0n && hardware > 0n;
  return {
    model: String(model),
    hardware: String(hardware),
    ratio: known ? ratioText(hardware, model) : null,
    within30Percent: known ? hardware * 10n >= model * 7n && hardware * 10n <= model * 13n : null,
  };
}

/** a / b to four decimals, rounded half up, for positive b and non-negative a. Exact: no float on the way. */
export function ratioText(a: bigint, b: bigint): string {
  const scaled = (a * 20_000n + b) / (2n * b);
  const digits = String(scaled).padStart(5, '0');
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`;
}

export function energyFacts(events: readonly CitedEvent[]): EnergyFacts {
  const usage = usageOf(events);
  const measured = usage.filter((event) => isMeasured(methodOf(event)));
  const all = BigInt(total(usage, 'energyMicroWh'));
  const measuredMicroWh = BigInt(total(measured, 'energyMicroWh'));
  return {
    microWh: String(all),
    measuredMicroWh: String(measuredMicroWh),
    estimatedMicroWh: String(all - measuredMicroWh),
    methods: [...groupBy(usage, methodOf)]
      .map(([method, group]) => ({ method, microWh: total(group, 'energyMicroWh') }))
      .sort(by('method')),
    regions: [...groupBy(usage, ({ payload }) => optionalText(payload, 'region') ?? NOT_STATED)]
      .map(([region, group]) => ({ region, microWh: total(group, 'energyMicroWh') }))
      .sort(by('region')),
  };
}

const NOT_STATED = 'not stated';

function methodOf({ payload }: CitedEvent): string {
  return optionalText(payload, 'energyMethod') ?? NOT_STATED;
}

/** The protocol names estimates `estimate:…`; any other stated method read a meter. */
function isMeasured(method: string): boolean {
  return method !== NOT_STATED && !method.startsWith('estimate');
}

function usageOf(events: readonly CitedEvent[]): CitedEvent[] {
  return events.filter((event) => event.type === 'usage.settled');
}

function total(events: readonly CitedEvent[], key: string): string {
  return String(sum(events.map(({ payload }) => whole(payload, key))));
}

/** By UTF-16 units, whatever the machine's locale. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function by<K extends string>(key: K): (a: Record<K, unknown>, b: Record<K, unknown>) => number {
  return (a, b) => compare(String(a[key]), String(b[key]));
}
