import { describe, expect, it } from 'vitest';
import type { DifferenceKind } from './comparison.rule.js';
import { correctionKey, fits, neededCorrection } from './correction.rule.js';

const needed = (kind: DifferenceKind, subject: string, expected: bigint, found: bigint, unit = 'USD') => {
  const correction = neededCorrection({ kind, subject, unit, expected, found });
  return correction && `${correction.side} ${correction.account} ${correction.amountMinor}`;
};

describe('the correction of a difference (rule 1)', () => {
  it.each([
    ['missing_in_ledger', 'entry:txn_1', -250n, 0n, 'credit processor:available:USD 250'],
    ['missing_at_processor', 'payment:p', 0n, 25n, 'credit processor:available:USD 25'],
    ['missing_at_processor', 'payment:p', 0n, -25n, 'debit processor:available:USD 25'],
    ['amount_differs', 'payment:p', 101n, 100n, 'debit processor:available:USD 1'],
    // A fee that is higher at the processor leaves less of the money there.
    ['fee_differs', 'payment:p', 30n, 29n, 'credit processor:available:USD 1'],
    ['missing_in_bank', 'payout:po_1', 100n, 0n, 'credit bank:in_transit:USD 100'],
    ['missing_in_bank', 'payout:tu_1', -100n, 0n, 'debit bank:in_transit:USD 100'],
    ['bank_amount_differs', 'payout:po_1', 100n, 98n, 'credit bank:in_transit:USD 2'],
    ['amount_differs', 'payout:po_1', -100n, -90n, 'credit processor:available:USD 10'],
    ['unexpected_bank_line', 'bank_line:l', 0n, 700n, 'debit bank:operating:USD 700'],
    ['unexpected_bank_line', 'bank_line:l', 0n, -700n, 'credit bank:operating:USD 700'],
    ['bank_amount_differs', 'bank_line:l', 100n, 99n, 'debit bank:operating:USD 99'],
  ] as const)('%s of %s: %s where %s', (kind, subject, expected, found, says) => {
    expect(needed(kind, subject, expected, found)).toBe(says);
  });

  it('is none for what is booked by its lease or its receipts (rule 3)', () => {
    expect(needed('gpu_time_differs', 'lease:l', 5n, 6n, 'ms')).toBeUndefined();
    expect(needed('donor_cash_differs', 'donor_cash:d', 5n, 6n)).toBeUndefined();
  });

  it('has a counter account that is compared with nothing (rule 2)', () => {
    const correction = neededCorrection({
      kind: 'amount_differs',
      subject: 'payment:p',
      unit: 'USD',
      expected: 2n,
      found: 1n,
    });
    if (!correction) throw new Error('there is one');
    const fit = (debit: string, credit: string) => fits(correction, 'USD', debit, credit);
    expect(fit('processor:available:USD', 'suspense:USD')).toBe(true);
    expect(fit('suspense:USD', 'processor:available:USD')).toBe(false);
    expect(fit('processor:available:USD', 'suspense:EUR')).toBe(false);
    expect(fit('processor:available:USD', 'bank:operating:USD')).toBe(false);
    expect(fit('processor:available:USD', 'campaign:1:escrow:USD')).toBe(false);
  });

  it('is named by what it counts as', () => {
    expect(correctionKey('1', 'fee_differs')).toBe('correction:1:fee');
    expect(correctionKey('1', 'missing_in_ledger')).toBe('correction:1:net');
    expect(correctionKey('1', 'bank_amount_differs')).toBe('correction:1');
  });
});
