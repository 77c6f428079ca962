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
  'gpu_time_differs',
] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

/** The processor's movements reach the books within this time, or there is a case. */
export const GRACE_MS = 5 * 60_000;
/** A payout is at the bank within this time, or there is a case: five working days and a weekend. */
export const BANK_GRACE_MS = 7 * 86_400_000;

/** What one side says of a subject. Minor units; positive came to the processor's balance. Fees are positive when paid. */
export interface Movement {
  readonly subject: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
  readonly atMs: number;
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
  if (!pair) subjects.set(movement.subject, (pair = { ledger: new Map(), processor: new Map(), newestMs: 0 }));
  pair.newestMs = Math.max(pair.newestMs, movement.atMs);
  let sum = pair[side].get(movement.currency);
  if (!sum) pair[side].set(movement.currency, (sum = { amount: 0n, fee: 0n, movements: 0 }));
  sum.amount += movement.amountMinor;
  sum.fee += movement.feeMinor;
  sum.movements += 1;
}

const NOTHING: Side = { amount: 0n, fee: 0n, movements: 0 };

function differ(subject: string, { ledger, processor }: Pair): Difference[] {
  const currencies = [...new Set([...ledger.keys(), ...processor.keys()])];
  const isElsewhere = ledger.size === 1 && processor.size === 1 && currencies.length === 2;
  return currencies.flatMap((unit): Difference[] => {
    const own = ledger.get(unit) ?? NOTHING;
    const theirs = processor.get(unit) ?? NOTHING;
    const of = (kind: DifferenceKind, expected: bigint, found: bigint): Difference[] =>
      expected === found ? [] : [{ kind, subject, unit, expected, found }];
    if (isElsewhere) return of('currency_differs', theirs.amount, own.amount);
    if (own.movements === 0) return of('missing_in_ledger', theirs.amount - theirs.fee, 0n);
    if (theirs.movements === 0) return of('missing_at_processor', 0n, own.amount - own.fee);
    return [...of('amount_differs', theirs.amount, own.amount), ...of('fee_differs', theirs.fee, own.fee)];
  });
}

/** A payout of the processor to the platform's bank (negative: money that the bank sent to the processor). */
export interface BankPayout {
  readonly payoutId: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly atMs: number;
}
export interface BankLine {
  readonly lineId: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly texts: readonly string[];
  /** The payout that it was matched with. */
  readonly matchedWith: string | undefined;
}
export interface BankComparison {
  readonly matches: readonly { readonly lineId: string; readonly payoutId: string }[];
  readonly differences: readonly Difference[];
}

/**
 * Which bank lines are which payouts, and what is left over. A line is a payout when it names it and has exactly what is
 * still missing of it; so a line is matched once, and a payout is never filled beyond its amount.
 */
export function compareBank(payouts: readonly BankPayout[], lines: readonly BankLine[], nowMs: number): BankComparison {
  const byId = new Map(payouts.map((payout) => [payout.payoutId, payout]));
  const arrived = new Map<string, bigint>();
  const matches: { lineId: string; payoutId: string }[] = [];
  const differences: Difference[] = [];
  const left = (payout: BankPayout): bigint => payout.amountMinor - (arrived.get(payout.payoutId) ?? 0n);
  const take = (payoutId: string, amount: bigint): void => {
    arrived.set(payoutId, (arrived.get(payoutId) ?? 0n) + amount);
  };
  for (const line of lines) if (line.matchedWith !== undefined) take(line.matchedWith, line.amountMinor);
  for (const line of lines) {
    if (line.matchedWith !== undefined) continue;
    const named = namedPayout(line, byId);
    const of = (kind: DifferenceKind, expected: bigint): void => {
      differences.push({
        kind,
        subject: `bank_line:${line.lineId}`,
        unit: line.currency,
        expected,
        found: line.amountMinor,
      });
    };
    if (named === undefined) of('unexpected_bank_line', 0n);
    else if (named.currency !== line.currency) of('currency_differs', 0n);
    else if (left(named) === line.amountMinor) {
      take(named.payoutId, line.amountMinor);
      matches.push({ lineId: line.lineId, payoutId: named.payoutId });
    } else if (left(named) === 0n) of('duplicate', 0n);
    else of('bank_amount_differs', left(named));
  }
  for (const payout of payouts) {
    if (left(payout) === 0n || payout.atMs > nowMs - BANK_GRACE_MS) continue;
    const found = arrived.get(payout.payoutId) ?? 0n;
    const kind = found === 0n ? 'missing_in_bank' : 'bank_amount_differs';
    differences.push({
      kind,
      subject: `payout:${payout.payoutId}`,
      unit: payout.currency,
      expected: payout.amountMinor,
      found,
    });
  }
  return { matches, differences };
}

const PAYOUT_ID = /\b(?:po|tu)_[A-Za-z0-9]+/g;

function namedPayout(line: BankLine, byId: ReadonlyMap<string, BankPayout>): BankPayout | undefined {
  for (const text of line.texts) {
    for (const [id] of text.matchAll(PAYOUT_ID)) {
      const found = byId.get(id);
      if (found) return found;
    }
  }
  return undefined;
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
