/**
 * Which ledger transfers each step of a payment makes. Keys are derived from our ids, so a step that is taken twice is
 * one transfer. The fee of a charge and of a dispute are postings of their own.
 */
export interface Posting {
  readonly key: string;
  readonly kind: 'posted';
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly reason: string;
  readonly refs: Record<string, string>;
}

export interface MoneyTerms {
  readonly paymentId: string;
  readonly purpose: 'pledge' | 'pool';
  /** The campaign or the pool. */
  readonly beneficiaryId: string;
  readonly escrowAccount: string;
  readonly refundsPayableAccount: string;
  /** What is owed because money that had been spent was taken back. */
  readonly debtAccount: string;
  readonly currency: string;
}

export const processorAvailable = (currency: string): string => `processor:available:${currency}`;
export const processorFees = (currency: string): string => `processor:fees:${currency}`;
export const disputesReceivable = (currency: string): string => `disputes_receivable:${currency}`;
export const processorDisputeFees = (currency: string): string => `processor:dispute_fees:${currency}`;

/** The same postings with the debt in the place of the escrow: for money that is gone already. */
export function owed(terms: MoneyTerms, transfers: readonly Posting[]): Posting[] {
  return transfers.map((each) =>
    each.debit === terms.escrowAccount
      ? { ...each, debit: terms.debtAccount, reason: `${each.reason}, more than escrow held` }
      : each,
  );
}

/** The accounts this room keeps. Any of them may stand on either side: a dispute can exceed what Stripe holds. */
export const processorAccounts = (currency: string): readonly string[] => [
  processorAvailable(currency),
  processorFees(currency),
  disputesReceivable(currency),
  processorDisputeFees(currency),
];

function posting(
  terms: MoneyTerms,
  input: { key: string; debit: string; credit: string; amount: bigint; reason: string; refs?: Record<string, string> },
): Posting[] {
  const { refs, ...rest } = input;
  if (input.amount === 0n) return [];
  const beneficiary = terms.purpose === 'pledge' ? 'campaign' : 'pool';
  return [{ ...rest, kind: 'posted', refs: { payment: terms.paymentId, [beneficiary]: terms.beneficiaryId, ...refs } }];
}

export function capturePostings(terms: MoneyTerms, amountMinor: bigint, feeMinor: bigint): Posting[] {
  return [
    ...posting(terms, {
      key: `payment:${terms.paymentId}:capture`,
      debit: processorAvailable(terms.currency),
      credit: terms.escrowAccount,
      amount: amountMinor,
      reason: 'card payment captured',
    }),
    ...posting(terms, {
      key: `payment:${terms.paymentId}:fee`,
      debit: processorFees(terms.currency),
      credit: processorAvailable(terms.currency),
      amount: feeMinor,
      reason: 'processing fee',
    }),
  ];
}

export function refundRequestedPostings(terms: MoneyTerms, refundId: string, amountMinor: bigint): Posting[] {
  return posting(terms, {
    key: `refund:${refundId}:requested`,
    debit: terms.escrowAccount,
    credit: terms.refundsPayableAccount,
    amount: amountMinor,
    reason: 'refund requested',
    refs: { refund: refundId },
  });
}

export function refundPaidPostings(terms: MoneyTerms, refundId: string, amountMinor: bigint): Posting[] {
  return posting(terms, {
    key: `refund:${refundId}:paid`,
    debit: terms.refundsPayableAccount,
    credit: processorAvailable(terms.currency),
    amount: amountMinor,
    reason: 'refund paid',
    refs: { refund: refundId },
  });
}

/** The refund did not reach its owner: the money is the campaign's again. `wasPaid` when it had left already. */
export function refundFailedPostings(
  terms: MoneyTerms,
  refundId: string,
  amountMinor: bigint,
  wasPaid: boolean,
): Posting[] {
  const back = posting(terms, {
    key: `refund:${refundId}:returned`,
    debit: processorAvailable(terms.currency),
    credit: terms.refundsPayableAccount,
    amount: amountMinor,
    reason: 'refund returned by the bank',
    refs: { refund: refundId },
  });
  return [
    ...(wasPaid ? back : []),
    ...posting(terms, {
      key: `refund:${refundId}:released`,
      debit: terms.refundsPayableAccount,
      credit: terms.escrowAccount,
      amount: amountMinor,
      reason: 'refund failed',
      refs: { refund: refundId },
    }),
  ];
}

export function disputeOpenedPostings(
  terms: MoneyTerms,
  disputeId: string,
  amountMinor: bigint,
  feeMinor: bigint,
): Posting[] {
  return [
    ...posting(terms, {
      key: `dispute:${disputeId}:withdrawn`,
      debit: disputesReceivable(terms.currency),
      credit: processorAvailable(terms.currency),
      amount: amountMinor,
      reason: 'dispute opened',
      refs: { dispute: disputeId },
    }),
    ...posting(terms, {
      key: `dispute:${disputeId}:fee`,
      debit: processorDisputeFees(terms.currency),
      credit: processorAvailable(terms.currency),
      amount: feeMinor,
      reason: 'dispute fee',
      refs: { dispute: disputeId },
    }),
  ];
}

export function disputeLostPostings(terms: MoneyTerms, disputeId: string, amountMinor: bigint): Posting[] {
  return posting(terms, {
    key: `dispute:${disputeId}:lost`,
    debit: terms.escrowAccount,
    credit: disputesReceivable(terms.currency),
    amount: amountMinor,
    reason: 'dispute lost',
    refs: { dispute: disputeId },
  });
}

export function disputeWonPostings(
  terms: MoneyTerms,
  disputeId: string,
  amountMinor: bigint,
  feeReturnedMinor: bigint,
): Posting[] {
  return [
    ...posting(terms, {
      key: `dispute:${disputeId}:reinstated`,
      debit: processorAvailable(terms.currency),
      credit: disputesReceivable(terms.currency),
      amount: amountMinor,
      reason: 'dispute won',
      refs: { dispute: disputeId },
    }),
    ...posting(terms, {
      key: `dispute:${disputeId}:fee_returned`,
      debit: processorAvailable(terms.currency),
      credit: processorDisputeFees(terms.currency),
      amount: feeReturnedMinor,
      reason: 'dispute fee returned',
      refs: { dispute: disputeId },
    }),
  ];
}
