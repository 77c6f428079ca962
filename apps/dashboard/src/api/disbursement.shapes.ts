/** What the money page asks for, as it arrives. */
import type { Money } from '../format/amount.js';

export interface Evidence {
  id: string;
  round: number;
  kind: string;
  submittedBy: string | null;
  submittedAt: string;
  value: string | null;
  tokens: string | null;
  checkpointId: string | null;
  report: string;
  outcome: string;
  files: { name: string; bytes: string; sha256: string; downloadUrl: string }[];
  vote: { closesAt: string; electorate: number; cast: number; yes: number | null; no: number | null } | null;
  approvals: { approver: string; approves: boolean; reason: string; at: string }[];
}
export interface Tranche {
  id: string;
  number: number;
  title: string;
  shareBp: number;
  budgetKind: string | null;
  evidenceKind: string;
  evidenceTerms: Record<string, string | number | undefined>;
  state: string;
  waitingFor: string;
  heldReason: string | null;
  amount: Money | null;
  attempts: {
    number: number;
    status: string;
    arrivalAt: string | null;
    failureCode: string | null;
    createdAt: string;
  }[];
  evidence: Evidence[];
}
export interface CashLine {
  escrow: Money;
  reserve: Money;
  onItsWay: Money;
  released: Money;
  fees: Money;
  net: Money;
}
export interface ReserveLine {
  currency: string;
  sizedAt: string;
  target: Money;
  rails: {
    rail: string;
    rateBp: number;
    windowDays: number | null;
    windowEndsAt: string | null;
    open: Money;
    disputed: Money;
    need: Money;
  }[];
}
export interface Disbursement {
  state: string;
  currency: string;
  termsVersion: number;
  approvalsRequired: number;
  safetyWindowEndsAt: string | null;
  viewerMayVote: boolean;
  payoutAccount: { status: string; country: string; requirementsDue: number } | null;
  cash: CashLine[];
  reserves: ReserveLine[];
  tranches: Tranche[];
}
