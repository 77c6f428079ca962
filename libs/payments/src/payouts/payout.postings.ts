import { type Posting, processorAvailable } from '../domain/postings.rule.js';

/** Money that has left the processor's balance and is not at the project's bank yet. */
export const bankInTransit = (currency: string): string => `bank:in_transit:${currency}`;
/** What was paid out for good, over all campaigns: the expense beside what campaigns released. */
export const grantsPaid = (currency: string): string => `grants_paid:${currency}`;

/** Platform accounts that payouts touch; they may be open already. */
export const payoutAccounts = (currency: string): string[] => [
  processorAvailable(currency),
  bankInTransit(currency),
  grantsPaid(currency),
];

export interface PayoutTerms {
  readonly payoutId: string;
  readonly attemptId: string;
  readonly beneficiaryId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly escrowAccount: string;
  /** Where the money waits: the campaign's payouts payable. */
  readonly fromAccount: string;
  readonly releasedAccount: string;
}

interface PendingPosting extends Omit<Posting, 'kind'> {
  readonly kind: 'pending';
}
interface Resolution {
  readonly key: string;
  readonly kind: 'post_pending' | 'void_pending';
  readonly pendingKey: string;
  readonly reason: string;
  readonly refs: Readonly<Record<string, string>>;
}

const refsOf = (terms: PayoutTerms) => ({ payout: terms.payoutId, campaign: terms.beneficiaryId });
const keyOf = (terms: PayoutTerms, step: string): string => `payout:${terms.attemptId}:${step}`;

/** Set aside: from here on nothing else can spend it. */
export function reservePosting(terms: PayoutTerms): PendingPosting {
  return {
    key: keyOf(terms, 'reserve'),
    kind: 'pending',
    debit: terms.escrowAccount,
    credit: terms.fromAccount,
    amount: terms.amountMinor,
    reason: 'set aside for a payout',
    refs: refsOf(terms),
  };
}

/** Given up before the processor heard of it, or refused by it. */
export function voidPosting(terms: PayoutTerms): Resolution {
  return {
    key: keyOf(terms, 'void'),
    kind: 'void_pending',
    pendingKey: keyOf(terms, 'reserve'),
    reason: 'payout not made',
    refs: refsOf(terms),
  };
}

/** The processor moved it from our balance to the project's account. */
export function transferredPostings(terms: PayoutTerms): (Resolution | Posting)[] {
  return [
    {
      key: keyOf(terms, 'leave'),
      kind: 'post_pending',
      pendingKey: keyOf(terms, 'reserve'),
      reason: 'payout owed',
      refs: refsOf(terms),
    },
    move(terms, 'transfer', bankInTransit(terms.currency), processorAvailable(terms.currency), 'payout on its way'),
  ];
}

/** It is at the project's bank: nothing is owed any more. */
export function paidPostings(terms: PayoutTerms): Posting[] {
  return [
    move(terms, 'paid', terms.fromAccount, terms.releasedAccount, 'payout arrived'),
    move(terms, 'granted', grantsPaid(terms.currency), bankInTransit(terms.currency), 'payout arrived'),
  ];
}

/** The bank sent back what had arrived. */
export function sentBackPostings(terms: PayoutTerms): Posting[] {
  return [
    move(terms, 'unpaid', terms.releasedAccount, terms.fromAccount, 'payout sent back'),
    move(terms, 'ungranted', bankInTransit(terms.currency), grantsPaid(terms.currency), 'payout sent back'),
  ];
}

/** The transfer was taken back: the money is where it was before. */
export function returnedPostings(terms: PayoutTerms): Posting[] {
  return [
    move(terms, 'returned', processorAvailable(terms.currency), bankInTransit(terms.currency), 'payout failed'),
    move(terms, 'restored', terms.fromAccount, terms.escrowAccount, 'payout failed'),
  ];
}

function move(terms: PayoutTerms, step: string, debit: string, credit: string, reason: string): Posting {
  return {
    key: keyOf(terms, step),
    kind: 'posted',
    debit,
    credit,
    amount: terms.amountMinor,
    reason,
    refs: refsOf(terms),
  };
}
