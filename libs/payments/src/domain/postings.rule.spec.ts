import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { refusePayment, refuseRefund } from './acceptance.rule.js';
import { subjectOf } from './event.routing.js';
import * as rule from './postings.rule.js';

const terms: rule.MoneyTerms = {
  paymentId: 'p',
  purpose: 'pledge',
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

  it('of a refund that fails after it was paid, or before, cancel out', () => {
    fc.assert(
      fc.property(amount, fc.boolean(), (minor, wasPaid) => {
        const life = [
          ...rule.refundRequestedPostings(terms, 'r', minor),
          ...(wasPaid ? rule.refundPaidPostings(terms, 'r', minor) : []),
          ...rule.refundFailedPostings(terms, 'r', minor, wasPaid),
        ];
        for (const account of [AVAILABLE, 'escrow', 'payable']) expect(net(life, account)).toBe(0n);
        expect(new Set(life.map((each) => each.key)).size).toBe(life.length);
      }),
    );
  });

  it('of a dispute leave nothing receivable once it is closed', () => {
    fc.assert(
      fc.property(amount, fc.constant(1500n), fc.boolean(), (minor, fee, won) => {
        const life = [
          ...rule.disputeOpenedPostings(terms, 'd', minor, fee),
          ...(won ? rule.disputeWonPostings(terms, 'd', minor, 0n) : rule.disputeLostPostings(terms, 'd', minor)),
        ];
        expect(net(life, rule.disputesReceivable('USD'))).toBe(0n);
        expect(net(life, 'escrow')).toBe(won ? 0n : minor);
        expect(net(life, AVAILABLE)).toBe(won ? -fee : -minor - fee);
      }),
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
    expect(code(refusePayment({ amountMinor, currency: 'USD' }))).toBe(expected);
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
    ['payout.paid', { id: 'po_1' }, { kind: 'none' }],
    ['payment_intent.succeeded', {}, { kind: 'none' }],
  ])('of %s %o', (type, object, subject) => {
    expect(subjectOf(type, object)).toEqual(subject);
  });
});
