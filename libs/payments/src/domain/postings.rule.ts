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
  /** Money that a bank pushed stands with the donor until it is applied; all other money comes with the capture. */
  readonly rail: 'card' | 'us_bank_account' | 'sepa_debit' | 'bank_transfer';
  /** The campaign or the pool. */
  readonly beneficiaryId: string;
  readonly escrowAccount: string;
  readonly refundsPayableAccount: string;
  /** What is owed because money that had been spent was taken back. */
  readonly debtAccount: string;
  /** What is held back for disputes, where there is one. */
  readonly reserveAccount: string | undefined;
  readonly currency: string;
}

export const processorAvailable = (currency: string): string => `processor:available:${currency}`;
export const processorFees = (currency: string): string => `processor:fees:${currency}`;
export const disputesReceivable = (currency: string): string => `disputes_receivable:${currency}`;
export const processorDisputeFees = (currency: string): string => `processor:dispute_fees:${currency}`;

/** Cash of donors that Stripe holds on their customer balances. */
export const donorCashBalance = (currency: string): string => `donor_cash_balance:${currency}`;
/** What of a donor's cash is not applied to anything. */
export const unappliedCash = (pseudonym: string, currency: string): string =>
  `donor:${pseudonym}:unapplied_cash:${currency}`;
/** The platform's own bank account: refunds that were paid by another way leave from here. */
export const bankOperating = (currency: string): string => `bank:operating:${currency}`;
export const writeOff = (currency: string): string => `write_off:${currency}`;

/** The accounts this room keeps. Any of them may stand on either side: a dispute can exceed what Stripe holds. */
export const processorAccounts = (currency: string): readonly string[] => [
  processorAvailable(currency),
  processorFees(currency),
  disputesReceivable(currency),
  processorDisputeFees(currency),
  donorCashBalance(currency),
  bankOperating(currency),
  writeOff(currency),
  cashReturnsPayable(currency),
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

const CAPTURE_REASON: Readonly<Record<MoneyTerms['rail'], string>> = {
  card: 'card payment captured',
  us_bank_account: 'bank debit captured',
  sepa_debit: 'bank debit captured',
  bank_transfer: 'bank transfer applied at the processor',
};

export function capturePostings(terms: MoneyTerms, amountMinor: bigint, feeMinor: bigint): Posting[] {
  return [
    ...posting(terms, {
      key: `payment:${terms.paymentId}:capture`,
      debit: processorAvailable(terms.currency),
      credit: terms.rail === 'bank_transfer' ? donorCashBalance(terms.currency) : terms.escrowAccount,
      amount: amountMinor,
      reason: CAPTURE_REASON[terms.rail],
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

/** A refund that had left came back from the bank. It is owed still, so it stands in refunds payable again. */
export function refundReturnedPostings(terms: MoneyTerms, refundId: string, amountMinor: bigint): Posting[] {
  return posting(terms, {
    key: `refund:${refundId}:returned`,
    debit: processorAvailable(terms.currency),
    credit: terms.refundsPayableAccount,
    amount: amountMinor,
    reason: 'refund returned by the bank',
    refs: { refund: refundId },
  });
}

/** How a refund that could not be paid to its owner's card or account ends without Stripe. */
export function refundCasePostings(
  terms: MoneyTerms,
  refundCase: { caseId: string; refundId: string; amountMinor: bigint; resolution: 'paid_otherwise' | 'written_off' },
): Posting[] {
  const paid = refundCase.resolution === 'paid_otherwise';
  return posting(terms, {
    key: `refund_case:${refundCase.caseId}:${refundCase.resolution}`,
    debit: terms.refundsPayableAccount,
    credit: paid ? bankOperating(terms.currency) : writeOff(terms.currency),
    amount: refundCase.amountMinor,
    reason: paid ? 'refund paid by another way' : 'refund written off',
    refs: { refund: refundCase.refundId, refund_case: refundCase.caseId },
  });
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

/** Parts of one amount that come from, or go back to, reserve, escrow and debt. */
export interface Parts {
  readonly reserve: bigint;
  readonly escrow: bigint;
  readonly debt: bigint;
}

const partAccounts = (terms: MoneyTerms): [keyof Parts, string | undefined][] => [
  ['reserve', terms.reserveAccount],
  ['escrow', terms.escrowAccount],
  ['debt', terms.debtAccount],
];

/** Takes an amount from reserve, escrow and debt, each part by a posting of its own. */
export function takingPostings(
  terms: MoneyTerms,
  taking: { key: string; credit: string; reason: string; refs: Record<string, string> },
  parts: Parts,
): Posting[] {
  return partAccounts(terms).flatMap(([part, debit]) => {
    if (debit === undefined) return [];
    const key = part === 'escrow' ? taking.key : `${taking.key}:${part}`;
    const reason = part === 'debt' ? `${taking.reason}, more than was held` : taking.reason;
    return posting(terms, { ...taking, key, debit, reason, amount: parts[part] });
  });
}

/** What a bank gave back of a dispute, minor units. */
export interface Reinstatement {
  /** All that came back so far, this included: part of the key, so that each return is booked once. */
  readonly totalMinor: bigint;
  /** Against what stands receivable. */
  readonly receivableMinor: bigint;
  /** What had been booked as lost, and is the campaign's again. */
  readonly restored: Parts;
  readonly feeReturnedMinor: bigint;
  readonly isFirst: boolean;
}

export function disputeWonPostings(terms: MoneyTerms, disputeId: string, back: Reinstatement): Posting[] {
  const suffix = back.isFirst ? '' : `:${back.totalMinor}`;
  const key = `dispute:${disputeId}:reinstated${suffix}`;
  const refs = { dispute: disputeId };
  const reason = 'dispute won';
  const debit = processorAvailable(terms.currency);
  return [
    ...posting(terms, {
      key,
      debit,
      credit: disputesReceivable(terms.currency),
      amount: back.receivableMinor,
      reason,
      refs,
    }),
    ...partAccounts(terms).flatMap(([part, credit]) =>
      credit === undefined
        ? []
        : posting(terms, { key: `${key}:${part}`, debit, credit, amount: back.restored[part], reason, refs }),
    ),
    ...posting(terms, {
      key: `dispute:${disputeId}:fee_returned${suffix}`,
      debit,
      credit: processorDisputeFees(terms.currency),
      amount: back.feeReturnedMinor,
      reason: 'dispute fee returned',
      refs,
    }),
  ];
}

/** Cash came to a donor's customer balance: his until it is applied. */
export function cashReceivedPosting(receipt: {
  receiptId: string;
  pseudonym: string;
  currency: string;
  amountMinor: bigint;
}): Posting {
  return {
    key: `cash:${receipt.receiptId}:received`,
    kind: 'posted',
    debit: donorCashBalance(receipt.currency),
    credit: unappliedCash(receipt.pseudonym, receipt.currency),
    amount: receipt.amountMinor,
    reason: 'bank transfer received',
    refs: { receipt: receipt.receiptId },
  };
}

/** Unapplied cash becomes a gift. */
export function cashAppliedPosting(application: {
  id: string;
  pseudonym: string;
  currency: string;
  amountMinor: bigint;
  escrowAccount: string;
  purpose: MoneyTerms['purpose'];
  beneficiaryId: string;
}): Posting {
  const beneficiary = application.purpose === 'pledge' ? 'campaign' : 'pool';
  return {
    key: `cash_application:${application.id}`,
    kind: 'posted',
    debit: unappliedCash(application.pseudonym, application.currency),
    credit: application.escrowAccount,
    amount: application.amountMinor,
    reason: 'bank transfer applied',
    refs: { application: application.id, [beneficiary]: application.beneficiaryId },
  };
}

/** Unapplied cash on its way back to the donor's bank: set aside, then gone, or back. */
export function cashReturnPosting(
  step: 'requested' | 'paid' | 'failed' | 'bounced',
  back: { id: string; pseudonym: string; currency: string; amountMinor: bigint },
): Posting {
  const payable = cashReturnsPayable(back.currency);
  const own = unappliedCash(back.pseudonym, back.currency);
  const held = donorCashBalance(back.currency);
  const [debit, credit] = {
    requested: [own, payable],
    paid: [payable, held],
    failed: [payable, own],
    bounced: [held, own],
  }[step] as [string, string];
  return {
    key: `cash_return:${back.id}:${step}`,
    kind: 'posted',
    debit,
    credit,
    amount: back.amountMinor,
    reason: `return of a bank transfer ${step}`,
    refs: { cash_return: back.id },
  };
}

/** Unapplied cash that is being sent back. */
export const cashReturnsPayable = (currency: string): string => `cash_returns_payable:${currency}`;
