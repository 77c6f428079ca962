/** What the API answers about reconciliation, as the pages read it. */
import type { GpuTime, Money } from '../format/amount.js';

export interface Status {
  comparedAt: string | null;
  processorReadUntil: string | null;
  eventsBackfilledUntil: string | null;
  oldestOpenedAt: string | null;
  explainedCases: number;
  openDifferences: { unit: string; cases: number; difference: string }[];
}
export interface Figures {
  bookedAtProcessor: Money;
  saidByProcessor: Money;
  bookedInTransit: Money;
  bookedAtBank: Money;
  saidByBank: Money;
  donorCash: Money;
  donorCashAtProcessor: Money;
  fees: Money;
}
export interface GpuFigures {
  booked: GpuTime;
  metered: GpuTime;
  recorded: GpuTime;
}
export interface Operator {
  pseudonym: string;
  displayName: string | null;
}
export interface Viewer {
  contributor: { pseudonym: string };
  platformRoles: string[];
}
export interface Case {
  id: string;
  kind: string;
  state: string;
  subject: string;
  unit: string;
  expected: string;
  found: string;
  owner: string | null;
  note: string | null;
  openedAt: string;
  changedAt: string;
}
export interface Saying {
  side: 'LEDGER' | 'PROCESSOR' | 'BANK' | 'METER';
  what: string;
  reference: string;
  amount: string;
  fee: string | null;
  at: string;
  transferId: string | null;
  account: string | null;
}
export interface Step {
  state: string;
  owner: string | null;
  note: string | null;
  expected: string;
  found: string;
  at: string;
}
export interface Correction {
  id: string;
  state: string;
  debit: string;
  credit: string;
  unit: string;
  amountMinor: string;
  reason: string;
  proposedBy: string;
  proposedAt: string;
  decidedBy: string | null;
  decidedAt: string | null;
  decidedNote: string | null;
}
export interface BankLine {
  id: string;
  account: string;
  reference: string;
  bookedOn: string;
  amount: Money;
  texts: string[];
  counterparty: string | null;
  match: {
    payoutId: string | null;
    ledgerKey: string;
    matchedBy: string | null;
    note: string | null;
    matchedAt: string;
  } | null;
}
export interface Candidate {
  payoutId: string | null;
  transferId: string | null;
  what: string;
  at: string;
}
export interface CaseRecord {
  reconciliationCase: Case;
  sayings: Saying[];
  steps: Step[];
  corrections: Correction[];
  neededCorrection: { account: string; isDebit: boolean; amountMinor: string; counterAccounts: string[] } | null;
  bankLine: BankLine | null;
  candidates: Candidate[];
}
