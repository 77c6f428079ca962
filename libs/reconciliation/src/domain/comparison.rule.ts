/*
 * 1. Everything is compared to the unit: there is no amount too small to be a case.
 * 2. A subject is one thing that moved money: a payment, a refund, a dispute, a transfer, a payout. What the books and
 *    the processor say of it is summed by currency, amount and fee apart, so any number of movements compare.
 * 3. What is younger than the grace is still on its way and no difference yet.
 */
export const DIFFERENCE_KINDS = [
  'missing_in_ledger',
  'missing_at_processor',
  'amount_differs',
  'fee_differs',
  'currency_differs',
  'missing_in_bank',
  'bank_amount_differs',
  'unexpected_bank_line',
  'duplicate',
  'donor_cash_differs',
  'gpu_time_differs',
] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

/** The processor's movements reach the books within this time, or there is a case. */
export const GRACE_MS = 5 * 60_000;

/** What one side says of a subject. Minor units; positive came to the processor's balance. Fees are positive when paid. */
export interface Movement {
  readonly subject: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
  readonly atMs: number;
  /**
   * Two persons corrected the subject as a whole, by one transfer: amount and fee of the processor can't be told apart in
   * it, so the subject is compared by what is left of both.
   */
  readonly isNet?: boolean;
}

export interface Difference {
  readonly kind: DifferenceKind;
  readonly subject: string;
  /** A currency, or `ms`. */
  readonly unit: string;
  /** What the other side (processor, payout, meter) says. */
  readonly expected: bigint;
  /** What the books (or the bank, for a payout) say. */
  readonly found: bigint;
}

interface Side {
  amount: bigint;
  fee: bigint;
  movements: number;
}
interface Pair {
  isNet: boolean;
  readonly ledger: Map<string, Side>;
  readonly processor: Map<string, Side>;
  newestMs: number;
}

/** The differences between the books and the processor, older than the grace at `nowMs`. */
export function compareMovements(
  ledger: readonly Movement[],
  processor: readonly Movement[],
  nowMs: number,
): Difference[] {
  const subjects = new Map<string, Pair>();
  for (const movement of ledger) add(subjects, 'ledger', movement);
  for (const movement of processor) add(subjects, 'processor', movement);
  return [...subjects].flatMap(([subject, pair]) => (pair.newestMs > nowMs - GRACE_MS ? [] : differ(subject, pair)));
}

function add(subjects: Map<string, Pair>, side: 'ledger' | 'processor', movement: Movement): void {
  let pair = subjects.get(movement.subject);
  if (!pair)
    subjects.set(movement.subject, (pair = { ledger: new Map(), processor: new Map(), newestMs: 0, isNet: false }));
  pair.isNet ||= movement.isNet === true;
  pair.newestMs = Math.max(pair.newestMs, movement.atMs);
  let sum = pair[side].get(movement.currency);
  if (!sum) pair[side].set(movement.currency, (sum = { amount: 0n, fee: 0n, movements: 0 }));
  sum.amount += movement.amountMinor;
  sum.fee += movement.feeMinor;
  sum.movements += 1;
}

const NOTHING: Side = { amount: 0n, fee: 0n, movements: 0 };

function differ(subject: string, { ledger, processor, isNet }: Pair): Difference[] {
  const currencies = [...new Set([...ledger.keys(), ...processor.keys()])];
  const isElsewhere = ledger.size === 1 && processor.size === 1 && currencies.length === 2;
  return currencies.flatMap((unit): Difference[] => {
    const own = ledger.get(unit) ?? NOTHING;
    const theirs = processor.get(unit) ?? NOTHING;
    const of = (kind: DifferenceKind, expected: bigint, found: bigint): Difference[] =>
      expected === found ? [] : [{ kind, subject, unit, expected, found }];
    if (isNet) return of('amount_differs', theirs.amount - theirs.fee, own.amount - own.fee);
    if (isElsewhere) return of('currency_differs', theirs.amount, own.amount);
    if (own.movements === 0) return of('missing_in_ledger', theirs.amount - theirs.fee, 0n);
    if (theirs.movements === 0) return of('missing_at_processor', 0n, own.amount - own.fee);
    return [...of('amount_differs', theirs.amount, own.amount), ...of('fee_differs', theirs.fee, own.fee)];
  });
}

/** Milliseconds of GPU time of one ended lease, as each place that keeps them says. */
export interface GpuReading {
  readonly leaseId: string;
  readonly booked: bigint;
  readonly metered: bigint;
  readonly recorded: bigint;
  readonly acceptedBooked: bigint;
  readonly acceptedRecorded: bigint;
  /** What its heartbeats can account for at most. */
  readonly beaten: bigint;
}

/** GPU time is compared to the millisecond: books, lease, usage record, and what heartbeats allow. */
export function compareGpuTime(readings: readonly GpuReading[]): Difference[] {
  return readings.flatMap((reading) => {
    const pairs: [expected: bigint, found: bigint][] = [
      [reading.metered, reading.booked],
      [reading.recorded, reading.booked],
      [reading.acceptedRecorded, reading.acceptedBooked],
      [reading.beaten < reading.booked ? reading.beaten : reading.booked, reading.booked],
    ];
    const wrong = pairs.find(([expected, found]) => expected !== found);
    return wrong === undefined
      ? []
      : [
          {
            kind: 'gpu_time_differs' as const,
            subject: `lease:${reading.leaseId}`,
            unit: 'ms',
            expected: wrong[0],
            found: wrong[1],
          },
        ];
  });
}

/** Cash of one donor in one currency, minor units. */
export interface DonorCash {
  readonly pseudonym: string;
  readonly currency: string;
  /** What the processor says that it holds for him. */
  readonly atProcessor: bigint;
  /** What the books say: unapplied, and applied or given back where the processor is yet to move it. */
  readonly booked: bigint;
  /** When either side moved last, or the processor was asked. */
  readonly atMs: number;
}

/** Cash of donors is compared donor by donor: two errors that cancel out are two cases. */
export function compareDonorCash(donors: readonly DonorCash[], nowMs: number): Difference[] {
  return donors.flatMap(({ pseudonym, currency, atProcessor, booked, atMs }) =>
    atProcessor === booked || atMs > nowMs - GRACE_MS
      ? []
      : [
          {
            kind: 'donor_cash_differs' as const,
            subject: `donor_cash:${pseudonym}`,
            unit: currency,
            expected: atProcessor,
            found: booked,
          },
        ],
  );
}
