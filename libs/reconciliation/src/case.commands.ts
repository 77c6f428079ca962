import { Injectable } from '@nestjs/common';
import { isRefused, type Outcome } from '#kernel';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { CASE_TRANSITIONS } from './domain/case.machine.js';
import { noteOf, refuseReconciliation } from './reconciliation.refusal.js';
import { type CaseRow, changeCase, isOperator, lockCase } from './store/case.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

/** What operators do about a difference by itself. That it is gone is found by the comparison, or made so by a correction. */
@Injectable()
export class CaseCommands {
  constructor(private readonly uow: UnitOfWork) {}

  /**
   * Takes a case in hand, or over, or gives it to another operator (`to`, a pseudonym).
   * Refusals: RECONCILIATION_FORBIDDEN, _CASE_NOT_FOUND, _CASE_CLOSED, _ASSIGNEE_UNKNOWN.
   */
  async assign(viewer: SignedIn, caseId: string, to?: string): Promise<Outcome<CaseRow>> {
    if (!viewer.platformRoles.has('operator')) return refuseReconciliation('RECONCILIATION_FORBIDDEN', []);
    return this.uow.run('reconciliation-assign', async (tx) => {
      const row = await lockCase(tx, caseId);
      if (row === undefined) return refuseReconciliation('RECONCILIATION_CASE_NOT_FOUND', 'caseId');
      if (!CASE_TRANSITIONS[row.state].includes('assigned')) return closed(row);
      const owner = to ?? viewer.pseudonym;
      if (to !== undefined && !(await isOperator(tx, to))) {
        return refuseReconciliation('RECONCILIATION_ASSIGNEE_UNKNOWN', 'to');
      }
      return changeCase(tx, caseId, { state: 'assigned', owner });
    });
  }

  /**
   * Says why a difference is right as it stands. It opens again when its amounts change.
   * Refusals: RECONCILIATION_FORBIDDEN, _CASE_NOT_FOUND, _CASE_CLOSED, _CASE_NOT_YOURS, _NOTE_INVALID, _CORRECTION_OPEN.
   */
  async explain(viewer: SignedIn, caseId: string, why: string): Promise<Outcome<CaseRow>> {
    if (!viewer.platformRoles.has('operator')) return refuseReconciliation('RECONCILIATION_FORBIDDEN', []);
    const note = noteOf(why);
    if (note === undefined) return refuseReconciliation('RECONCILIATION_NOTE_INVALID', 'note');
    return this.uow.run('reconciliation-explain', async (tx) => {
      const row = await caseInHand(tx, viewer, caseId);
      if (isRefused(row)) return row;
      const waiting = await tx.query(
        "SELECT 1 FROM reconciliation_correction WHERE case_id = $1 AND state = 'proposed'",
        [caseId],
      );
      if (waiting.length > 0) return refuseReconciliation('RECONCILIATION_CORRECTION_OPEN', 'caseId');
      return changeCase(tx, caseId, { state: 'explained', note });
    });
  }
}

/** The case, locked, which the viewer must have in hand. Refusals: RECONCILIATION_CASE_NOT_FOUND, _CLOSED, _NOT_YOURS. */
export async function caseInHand(tx: Tx, viewer: SignedIn, caseId: string): Promise<Outcome<CaseRow>> {
  const row = await lockCase(tx, caseId);
  if (row === undefined) return refuseReconciliation('RECONCILIATION_CASE_NOT_FOUND', 'caseId');
  if (row.state === 'explained' || row.state === 'corrected') return closed(row);
  if (row.owner !== viewer.pseudonym) return refuseReconciliation('RECONCILIATION_CASE_NOT_YOURS', 'caseId');
  return row;
}

const closed = (row: CaseRow) =>
  refuseReconciliation('RECONCILIATION_CASE_CLOSED', 'caseId', `The case is ${row.state}.`);
