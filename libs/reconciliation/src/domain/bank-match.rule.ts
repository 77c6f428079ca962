import type { Difference, DifferenceKind } from './comparison.rule.js';

/*
 * 1. A line is a payout when it names it and has exactly what is still missing of it, or when a person said so; so a line
 *    is matched once, and a payout is never filled beyond its amount.
 * 2. What a person took apart is not put together again by itself.
 */

/** A payout is at the bank within this time, or there is a case: five working days and a weekend. */
export const BANK_GRACE_MS = 7 * 86_400_000;

/** A payout of the processor to the platform's bank (negative: money that the bank sent to the processor). */
export interface BankPayout {
  readonly payoutId: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly atMs: number;
  /** What two persons corrected of it, in the direction of its amount. */
  readonly correctedMinor?: bigint;
}
export interface BankLine {
  readonly lineId: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly texts: readonly string[];
  /** The payout that it was matched with. */
  readonly matchedWith: string | undefined;
  /** It stands for a transfer that was in the books already, or was booked by two persons. */
  readonly isBooked?: boolean;
  /** Payouts that a person said it is not. */
  readonly apartFrom?: readonly string[];
}
export interface BankComparison {
  readonly matches: readonly { readonly lineId: string; readonly payoutId: string }[];
  readonly differences: readonly Difference[];
}

/** Which bank lines are which payouts, and what is left over. */
export function compareBank(payouts: readonly BankPayout[], lines: readonly BankLine[], nowMs: number): BankComparison {
  const byId = new Map(payouts.map((payout) => [payout.payoutId, payout]));
  const arrived = new Map<string, bigint>();
  const matches: { lineId: string; payoutId: string }[] = [];
  const differences: Difference[] = [];
  const left = (payout: BankPayout): bigint => payout.amountMinor - (arrived.get(payout.payoutId) ?? 0n);
  const take = (payoutId: string, amount: bigint): void => {
    arrived.set(payoutId, (arrived.get(payoutId) ?? 0n) + amount);
  };
  for (const { payoutId, correctedMinor = 0n } of payouts) take(payoutId, correctedMinor);
  for (const line of lines) if (line.matchedWith !== undefined) take(line.matchedWith, line.amountMinor);
  for (const line of lines) {
    if (line.matchedWith !== undefined || line.isBooked === true) continue;
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
      if (found && line.apartFrom?.includes(id) !== true) return found;
    }
  }
  return undefined;
}
