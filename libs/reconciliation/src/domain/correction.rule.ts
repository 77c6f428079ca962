import type { DifferenceKind } from './comparison.rule.js';

/*
 * 1. A correction takes away exactly one difference, all of it: the account that was compared moves by what the other
 *    side says beyond the books, and the counter account tells what it was.
 * 2. The counter account is the platform's own and is compared with nothing. Accounts of campaigns, pools and donors are
 *    out of reach: what is theirs is derived from their payments, and a transfer past those would part the two.
 * 3. GPU time and cash of donors have no correction: they are booked by their lease and their receipts, which is where
 *    the fault is mended.
 */

/** Where the other half of a correction may stand, without the unit. */
export const COUNTER_ACCOUNTS = [
  // Fees that belong to no payment: those have accounts that are derived from the payments.
  'processor:other_fees',
  'suspense',
  'other_income',
  'write_off',
] as const;
export type CounterAccount = (typeof COUNTER_ACCOUNTS)[number];

export interface Corrected {
  readonly kind: DifferenceKind;
  readonly subject: string;
  readonly unit: string;
  readonly expected: bigint;
  readonly found: bigint;
}

/** What a correction of a difference has to do. */
export interface NeededCorrection {
  /** The account that was compared. */
  readonly account: string;
  /** On which side it stands in the correction. */
  readonly side: 'debit' | 'credit';
  /** Minor units, above zero. */
  readonly amountMinor: bigint;
}

/** The correction that makes both sides say the same; undefined where no transfer can (rule 3). */
export function neededCorrection(of: Corrected): NeededCorrection | undefined {
  const anchor = anchorOf(of);
  if (anchor === undefined || anchor.delta === 0n) return undefined;
  const { account, delta } = anchor;
  return delta > 0n ? { account, side: 'debit', amountMinor: delta } : { account, side: 'credit', amountMinor: -delta };
}

/** The compared account and by how much its debits must grow. */
function anchorOf({ kind, subject, unit, expected, found }: Corrected): { account: string; delta: bigint } | undefined {
  const missing = expected - found;
  const what = subject.slice(0, subject.indexOf(':'));
  switch (what) {
    case 'lease':
    case 'donor_cash':
      return undefined;
    case 'bank_line':
      // The line is not in the books at all: all of it is at the bank.
      return { account: `bank:operating:${unit}`, delta: found };
    case 'payout':
      if (kind === 'missing_in_bank' || kind === 'bank_amount_differs') {
        return { account: `bank:in_transit:${unit}`, delta: -missing };
      }
      return { account: `processor:available:${unit}`, delta: missing };
    default:
      return { account: `processor:available:${unit}`, delta: kind === 'fee_differs' ? -missing : missing };
  }
}

const WHOLE: readonly DifferenceKind[] = ['missing_in_ledger', 'missing_at_processor'];

/** The key of the transfer: the comparison reads from its end what the transfer counts as. */
export function correctionKey(correctionId: string, kind: DifferenceKind): string {
  const suffix = kind === 'fee_differs' ? ':fee' : WHOLE.includes(kind) ? ':net' : '';
  return `correction:${correctionId}${suffix}`;
}

/** Whether both accounts are what rule 1 and 2 ask for. */
export function fits(needed: NeededCorrection, unit: string, debit: string, credit: string): boolean {
  const [own, other] = needed.side === 'debit' ? [debit, credit] : [credit, debit];
  return own === needed.account && COUNTER_ACCOUNTS.some((account) => other === `${account}:${unit}`);
}
