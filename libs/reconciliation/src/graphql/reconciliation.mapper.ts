import { GpuTime, Money, toGlobalId } from '#platform';
import type { CaseRow, StepRow } from '../store/case.store.js';
import type { CorrectionRow } from '../store/correction.store.js';
import type { Candidate, LineRow } from '../store/match.store.js';
import type { GpuSides, SummaryRow } from '../store/summary.store.js';
import type { Saying } from '../store/trail.store.js';
import type { ReconciliationCaseStep, ReconciliationSaying, ReconciliationSide } from './case-record.type.js';
import type { ReconciliationCase, ReconciliationCaseKind, ReconciliationCaseStateEnum } from './case.type.js';
import type { ReconciliationCorrection, ReconciliationCorrectionState } from './correction.type.js';
import type { BankLine, BankMatchCandidate } from './match.type.js';
import type { ReconciliationFigures, ReconciliationGpuFigures } from './summary.type.js';

export function toCase(row: CaseRow): ReconciliationCase {
  return {
    id: toGlobalId('ReconciliationCase', row.id),
    kind: row.kind as ReconciliationCaseKind,
    state: row.state as ReconciliationCaseStateEnum,
    subject: row.subject,
    unit: row.unit,
    expected: row.expected,
    found: row.found,
    owner: row.owner,
    note: row.note,
    openedAt: row.opened_at,
    changedAt: row.changed_at,
  };
}

export const toStep = (row: StepRow): ReconciliationCaseStep => ({
  ...row,
  state: row.state as ReconciliationCaseStateEnum,
});

export const toSaying = ({ transfer_id: transferId, side, ...row }: Saying): ReconciliationSaying => ({
  ...row,
  side: side as ReconciliationSide,
  transferId: transferId === null ? null : toGlobalId('LedgerTransfer', transferId),
});

export function toCorrection(row: CorrectionRow): ReconciliationCorrection {
  return {
    id: toGlobalId('ReconciliationCorrection', row.id),
    state: row.state as ReconciliationCorrectionState,
    debit: row.debit,
    credit: row.credit,
    unit: row.unit,
    amountMinor: row.amount_minor,
    reason: row.reason,
    proposedBy: row.proposed_by,
    proposedAt: row.proposed_at,
    decidedBy: row.decided_by,
    decidedAt: row.decided_at,
    decidedNote: row.decided_note,
  };
}

export function toBankLine(row: LineRow): BankLine {
  return {
    id: toGlobalId('BankLine', row.id),
    account: row.account,
    reference: row.reference,
    bookedOn: row.booked_on,
    amount: Money.of(row.amount_minor, row.currency),
    texts: row.texts,
    counterparty: row.counterparty,
    match:
      row.ledger_key === null || row.matched_at === null
        ? null
        : {
            payoutId: row.payout_id,
            ledgerKey: row.ledger_key,
            matchedBy: row.matched_by,
            note: row.note,
            matchedAt: row.matched_at,
          },
  };
}

export const toCandidate = (row: Candidate): BankMatchCandidate => ({
  payoutId: row.payout_id,
  transferId: row.transfer_id === null ? null : toGlobalId('LedgerTransfer', row.transfer_id),
  what: row.what,
  at: row.at,
});

export function toFigures(row: SummaryRow): ReconciliationFigures {
  const of = (minor: string): Money => Money.of(BigInt(minor), row.currency);
  return {
    bookedAtProcessor: of(row.booked_at_processor),
    saidByProcessor: of(row.said_by_processor),
    bookedInTransit: of(row.booked_in_transit),
    bookedAtBank: of(row.booked_at_bank),
    saidByBank: of(row.said_by_bank),
    donorCash: of(row.donor_cash),
    donorCashAtProcessor: of(row.donor_cash_said),
    fees: of(row.fees),
  };
}

export function toGpuFigures(row: GpuSides): ReconciliationGpuFigures {
  const of = (ms: string): GpuTime => GpuTime.of(BigInt(ms), row.class);
  return { booked: of(row.booked), metered: of(row.metered), recorded: of(row.recorded) };
}
