import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { refusePayment, refuseRefund } from './acceptance.rule.js';
import { subjectOf } from './event.routing.js';
import { restoreLoss, splitLoss, sumOf } from './loss.rule.js';
import * as rule from './postings.rule.js';

const terms: rule.MoneyTerms = {
  paymentId: 'p',
  purpose: 'pledge',
  rail: 'card',
  reserveAccount: 'reserve',
  beneficiaryId: 'c',
  escrowAccount: 'escrow',
  refundsPayableAccount: 'payable',
  debtAccount: 'debt',
  currency: 'USD',
};
const AVAILABLE = rule.processorAvailable('USD');

/** Debits less credits of an account over some postings. */
const net = (postings: rule.Posting[], account: string): bigint =>
  postings.reduce(
    (sum, each) => sum + (each.debit === account ? each.amount : 0n) - (each.credit === account ? each.amount : 0n),
    0n,
  );
const amount = fc.bigInt({ min: 1n, max: 99_999_999n });

describe('postings', () => {
  it('of a capture leave the net at the processor and the gross in escrow', () => {
    fc.assert(
      fc.property(amount, amount, (gross, fee) => {
        const postings = rule.capturePostings(terms, gross, fee);
        expect(net(postings, AVAILABLE)).toBe(gross - fee);
        expect(net(postings, 'escrow')).toBe(-gross);
        expect(net(postings, rule.processorFees('USD'))).toBe(fee);
      }),
    );
  });

  it('of no fee are one transfer: the ledger knows no zero', () => {
    expect(rule.capturePostings(terms, 100n, 0n)).toHaveLength(1);
  });

  it('of a refund that comes back leave what is owed set aside, and nothing else', () => {
    fc.assert(
      fc.property(
        amount,
        fc.constantFrom('paid_otherwise' as const, 'written_off' as const),
        (amountMinor, resolution) => {
          const stuck = [
            ...rule.refundRequestedPostings(terms, 'r', amountMinor),
            ...rule.refundPaidPostings(terms, 'r', amountMinor),
            ...rule.refundReturnedPostings(terms, 'r', amountMinor),
          ];
          expect(net(stuck, AVAILABLE)).toBe(0n);
          expect(net(stuck, 'escrow')).toBe(amountMinor);
          expect(net(stuck, 'payable')).toBe(-amountMinor);
          const life = [
            ...stuck,
            ...rule.refundCasePostings(terms, { caseId: 'c', refundId: 'r', amountMinor, resolution }),
          ];
          expect(net(life, 'payable')).toBe(0n);
          expect(new Set(life.map((each) => each.key)).size).toBe(life.length);
        },
      ),
    );
  });

  it('of a bank transfer never touch escrow at the processor: cash counted when it was applied', () => {
    const postings = rule.capturePostings({ ...terms, rail: 'bank_transfer' }, 1000n, 5n);
    expect(net(postings, rule.donorCashBalance('USD'))).toBe(-1000n);
    expect(net(postings, 'escrow')).toBe(0n);
  });

  it('of cash that is received, applied in part and sent back leave nothing over', () => {
    fc.assert(
      fc.property(amount, amount, (sent, given) => {
        const of = { pseudonym: 'd', currency: 'USD' };
        const applied = given < sent ? given : sent;
        const back = { id: 'b', ...of, amountMinor: sent - applied };
        const life = [
          rule.cashReceivedPosting({ receiptId: 'r', ...of, amountMinor: sent }),
          rule.cashAppliedPosting({ id: 'a', ...of, amountMinor: applied, ...terms, escrowAccount: 'escrow' }),
          ...rule.capturePostings({ ...terms, rail: 'bank_transfer' }, applied, 0n),
          ...(back.amountMinor === 0n
            ? []
            : [rule.cashReturnPosting('requested', back), rule.cashReturnPosting('paid', back)]),
        ];
        expect(net(life, rule.unappliedCash('d', 'USD'))).toBe(0n);
        expect(net(life, rule.donorCashBalance('USD'))).toBe(0n);
        expect(net(life, 'escrow')).toBe(-applied);
      }),
    );
  });

  it('of a dispute leave nothing receivable once it is closed, and take a loss from reserve, escrow and debt', () => {
    const taking = { key: 'k', credit: rule.disputesReceivable('USD'), reason: 'dispute lost', refs: {} };
    fc.assert(
      fc.property(amount, amount, amount, amount, (minor, reserve, escrow, held) => {
        const parts = splitLoss(minor, { reserve, escrow }, held);
        expect(sumOf(parts)).toBe(minor);
        expect(parts.reserve <= reserve && parts.escrow <= escrow && parts.escrow <= held).toBe(true);
        expect(
          parts.debt === 0n || (parts.reserve === reserve && (parts.escrow === escrow || parts.escrow === held)),
        ).toBe(true);
        const life = [
          ...rule.disputeOpenedPostings(terms, 'd', minor, 1500n),
          ...rule.takingPostings(terms, taking, parts),
        ];
        expect(net(life, rule.disputesReceivable('USD'))).toBe(0n);
        expect(net(life, AVAILABLE)).toBe(-minor - 1500n);
        expect([net(life, 'reserve'), net(life, 'escrow'), net(life, 'debt')]).toEqual([
          parts.reserve,
          parts.escrow,
          parts.debt,
        ]);
      }),
    );
  });

  it('of a late win give back what was lost, debt first, to the minor unit', () => {
    fc.assert(
      fc.property(
        amount,
        amount,
        amount,
        fc.bigInt({ min: 0n, max: 3n * 99_999_999n }),
        (reserve, escrow, debt, back) => {
          const lost = { reserve, escrow, debt };
          const restored = restoreLoss(back, lost);
          expect(sumOf(restored)).toBe(back < sumOf(lost) ? back : sumOf(lost));
          expect(restored.escrow === 0n || restored.debt === debt).toBe(true);
          expect(restored.reserve === 0n || restored.escrow === escrow).toBe(true);
        },
      ),
    );
  });
});

describe('acceptance', () => {
  const code = (outcome: unknown): string | undefined => (isRefused(outcome) ? outcome.first.code : undefined);
  const refund = { amountMinor: 100n, isCaptured: true, isDisputed: false, capturedMinor: 500n, refundedMinor: 0n };

  it.each([
    [50n, undefined],
    [49n, 'PAYMENT_AMOUNT_TOO_SMALL'],
    [-1n, 'PAYMENT_AMOUNT_TOO_SMALL'],
    [99_999_999n, undefined],
    [100_000_000n, 'PAYMENT_AMOUNT_TOO_LARGE'],
    [10n ** 30n, 'PAYMENT_AMOUNT_TOO_LARGE'],
  ])('of a payment of %s cents: %s', (amountMinor, expected) => {
    expect(code(refusePayment({ amountMinor, currency: 'USD', rail: 'card' }))).toBe(expected);
  });

  it.each([
    [{}, undefined],
    [{ amountMinor: 0n }, 'REFUND_AMOUNT_INVALID'],
    [{ isCaptured: false }, 'REFUND_NOT_CAPTURED'],
    [{ isDisputed: true }, 'REFUND_DISPUTED'],
    [{ refundedMinor: 401n }, 'REFUND_EXCEEDS_PAYMENT'],
    [{ refundedMinor: 400n }, undefined],
  ])('of a refund with %o: %s', (change, expected) => {
    expect(code(refuseRefund({ ...refund, ...change }))).toBe(expected);
  });
});

describe('event routing', () => {
  it.each([
    [
      'payment_intent.succeeded',
      { id: 'pi_1', metadata: { payment_id: 'x' } },
      { kind: 'payment', intentId: 'pi_1', paymentId: 'x' },
    ],
    [
      'charge.succeeded',
      { id: 'ch_1', payment_intent: 'pi_1', metadata: {} },
      { kind: 'payment', intentId: 'pi_1', paymentId: undefined },
    ],
    [
      'charge.updated',
      { id: 'ch_1', payment_intent: { id: 'pi_1' } },
      { kind: 'payment', intentId: 'pi_1', paymentId: undefined },
    ],
    ['charge.refunded', { id: 'ch_1', payment_intent: 'pi_1' }, { kind: 'refunds', intentId: 'pi_1' }],
    [
      'charge.refund.updated',
      { id: 're_1', payment_intent: 'pi_1' },
      { kind: 'refund', refundId: 're_1', intentId: 'pi_1' },
    ],
    ['refund.failed', { id: 're_1', payment_intent: 'pi_1' }, { kind: 'refund', refundId: 're_1', intentId: 'pi_1' }],
    [
      'charge.dispute.closed',
      { id: 'du_1', payment_intent: 'pi_1' },
      { kind: 'dispute', disputeId: 'du_1', intentId: 'pi_1' },
    ],
    ['charge.succeeded', { id: 'ch_1', payment_intent: null }, { kind: 'none' }],
    ['customer.created', { id: 'cus_1', payment_intent: 'pi_1' }, { kind: 'none' }],
    ['payout.paid', { id: 'po_1' }, { kind: 'payout', objectId: 'po_1', attemptId: undefined }],
    [
      'radar.early_fraud_warning.created',
      { id: 'issfr_1', charge: 'ch_1', payment_intent: 'pi_1' },
      { kind: 'warning', warningId: 'issfr_1', intentId: 'pi_1' },
    ],
    ['radar.early_fraud_warning.created', { id: 'issfr_1', charge: 'ch_1' }, { kind: 'none' }],
    [
      'setup_intent.succeeded',
      { id: 'seti_1', metadata: { setup_id: 's' } },
      { kind: 'setup', setupIntentId: 'seti_1', setupId: 's' },
    ],
    [
      'customer_cash_balance_transaction.created',
      { id: 'ccsbtxn_1', customer: 'cus_1' },
      { kind: 'cash', customerId: 'cus_1' },
    ],
    ['cash_balance.funds_available', { customer: { id: 'cus_1' } }, { kind: 'cash', customerId: 'cus_1' }],
    ['payment_intent.succeeded', {}, { kind: 'none' }],
  ])('of %s %o', (type, object, subject) => {
    expect(subjectOf(type, object)).toEqual(subject);
  });
});
