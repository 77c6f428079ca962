import { Injectable } from '@nestjs/common';
import { isRefused, newId, type Outcome } from '#kernel';
import { Ledger } from '#ledger';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { caseInHand } from './case.commands.js';
import { CORRECTION_TRANSITIONS, type CorrectionState } from './domain/correction.machine.js';
import { correctionKey, fits, neededCorrection } from './domain/correction.rule.js';
import { takeTurn } from './exclusive.js';
import { noteOf, refuseReconciliation } from './reconciliation.refusal.js';
import { type CaseRow, changeCase, lockCase } from './store/case.store.js';
import { type CorrectionRow, decideCorrection, insertCorrection, lockCorrection } from './store/correction.store.js';
import { insertMatch } from './store/match.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

/** A correcting transfer: two accounts of the chart, minor units of the case's currency, and why. */
export interface CorrectionDraft {
  readonly caseId: string;
  readonly debit: string;
  readonly credit: string;
  readonly amountMinor: bigint;
  readonly reason: string;
}

/** Corrections by two persons: one proposes, another posts or rejects. */
@Injectable()
export class Corrections {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
  ) {}

  /**
   * Proposes the transfer that takes a difference away, for a case that the viewer has in hand. Refusals:
   * RECONCILIATION_FORBIDDEN, _NOTE_INVALID, _CASE_NOT_FOUND, _CASE_CLOSED, _CASE_NOT_YOURS, _CORRECTION_UNFIT,
   * _CORRECTION_ACCOUNT, _CORRECTION_AMOUNT, _CORRECTION_OPEN.
   */
  async propose(viewer: SignedIn, draft: CorrectionDraft): Promise<Outcome<CorrectionRow>> {
    if (!viewer.platformRoles.has('operator')) return refuseReconciliation('RECONCILIATION_FORBIDDEN', []);
    const reason = noteOf(draft.reason);
    if (reason === undefined) return refuseReconciliation('RECONCILIATION_NOTE_INVALID', 'reason');
    return this.uow.run('correction-propose', async (tx) => {
      const row = await caseInHand(tx, viewer, draft.caseId);
      if (isRefused(row)) return row;
      const needed = neededCorrection(row);
      if (needed === undefined) return refuseReconciliation('RECONCILIATION_CORRECTION_UNFIT', 'caseId');
      if (!fits(needed, row.unit, draft.debit, draft.credit)) {
        const says = `The ${needed.side} is ${needed.account}.`;
        return refuseReconciliation('RECONCILIATION_CORRECTION_ACCOUNT', needed.side, says);
      }
      if (draft.amountMinor !== needed.amountMinor) {
        const says = `The difference is ${needed.amountMinor} ${row.unit}.`;
        return refuseReconciliation('RECONCILIATION_CORRECTION_AMOUNT', 'amountMinor', says);
      }
      const made = await insertCorrection(tx, {
        ...draft,
        id: newId(),
        unit: row.unit,
        reason,
        by: viewer.pseudonym,
      });
      return made ?? refuseReconciliation('RECONCILIATION_CORRECTION_OPEN', 'caseId');
    });
  }

  /**
   * The second person's word: the transfer is posted, the case closed and the public told, all in one transaction.
   * Refusals: RECONCILIATION_FORBIDDEN, _CORRECTION_NOT_FOUND, _CORRECTION_DECIDED, _CORRECTION_OWN, _CORRECTION_STALE,
   * and those of the ledger.
   */
  async approve(viewer: SignedIn, correctionId: string): Promise<Outcome<CorrectionRow>> {
    if (!viewer.platformRoles.has('operator')) return refuseReconciliation('RECONCILIATION_FORBIDDEN', []);
    return this.uow.run('correction-approve', async (tx) => {
      await takeTurn(tx);
      const correction = await this.#open(tx, correctionId, 'posted');
      if (isRefused(correction)) return correction;
      if (correction.proposed_by === viewer.pseudonym) {
        return refuseReconciliation('RECONCILIATION_CORRECTION_OWN', 'correctionId');
      }
      const row = await lockCase(tx, correction.case_id);
      if (row === undefined || !stillNeeded(row, correction)) {
        return refuseReconciliation('RECONCILIATION_CORRECTION_STALE', 'correctionId');
      }
      const posted = await decideCorrection(tx, correction.id, { state: 'posted', by: viewer.pseudonym, note: null });
      await changeCase(tx, row.id, { state: 'corrected', note: `Corrected by two persons: ${correction.reason}` });
      return this.#post(tx, row, posted);
    });
  }

  /**
   * Another person says no. Refusals: RECONCILIATION_FORBIDDEN, _NOTE_INVALID, _CORRECTION_NOT_FOUND, _CORRECTION_DECIDED,
   * _CORRECTION_OWN.
   */
  reject(viewer: SignedIn, correctionId: string, why: string): Promise<Outcome<CorrectionRow>> {
    return this.#turnDown(viewer, correctionId, why, 'rejected');
  }

  /** Its proposer takes it back. Refusals: as of {@link reject}, with _CORRECTION_NOT_OWN in place of _CORRECTION_OWN. */
  withdraw(viewer: SignedIn, correctionId: string, why: string): Promise<Outcome<CorrectionRow>> {
    return this.#turnDown(viewer, correctionId, why, 'withdrawn');
  }

  async #turnDown(
    viewer: SignedIn,
    correctionId: string,
    why: string,
    state: 'rejected' | 'withdrawn',
  ): Promise<Outcome<CorrectionRow>> {
    if (!viewer.platformRoles.has('operator')) return refuseReconciliation('RECONCILIATION_FORBIDDEN', []);
    const note = noteOf(why);
    if (note === undefined) return refuseReconciliation('RECONCILIATION_NOTE_INVALID', 'note');
    return this.uow.run(`correction-${state}`, async (tx) => {
      const correction = await this.#open(tx, correctionId, state);
      if (isRefused(correction)) return correction;
      const isOwn = correction.proposed_by === viewer.pseudonym;
      if (isOwn && state === 'rejected') return refuseReconciliation('RECONCILIATION_CORRECTION_OWN', 'correctionId');
      if (!isOwn && state === 'withdrawn') {
        return refuseReconciliation('RECONCILIATION_CORRECTION_NOT_OWN', 'correctionId');
      }
      return decideCorrection(tx, correction.id, { state, by: viewer.pseudonym, note });
    });
  }

  async #open(tx: Tx, id: string, to: CorrectionState): Promise<Outcome<CorrectionRow>> {
    const row = await lockCorrection(tx, id);
    if (row === undefined) return refuseReconciliation('RECONCILIATION_CORRECTION_NOT_FOUND', 'correctionId');
    return CORRECTION_TRANSITIONS[row.state].includes(to)
      ? row
      : refuseReconciliation('RECONCILIATION_CORRECTION_DECIDED', 'correctionId', `It is ${row.state}.`);
  }

  async #post(tx: Tx, row: CaseRow, correction: CorrectionRow): Promise<Outcome<CorrectionRow>> {
    const { id, debit, credit, unit, amount_minor: amount } = correction;
    const key = correctionKey(id, row.kind);
    const [what = '', lineId = ''] = row.subject.split(':');
    if (what === 'bank_line') {
      const match = {
        id: newId(),
        lineId,
        payoutId: null,
        ledgerKey: key,
        by: correction.decided_by,
        note: correction.reason,
      };
      // A line that was matched meanwhile has no difference: the comparison has not been round yet.
      if (!(await insertMatch(tx, match))) {
        return refuseReconciliation('RECONCILIATION_CORRECTION_STALE', 'correctionId');
      }
    }
    tx.emit({
      type: 'reconciliation.corrected',
      aggregateType: 'reconciliation_case',
      aggregateId: row.id,
      isPublic: true,
      payload: {
        caseId: row.id,
        correctionId: id,
        kind: row.kind,
        debit,
        credit,
        unit,
        amountMinor: amount.toString(),
        transferKey: key,
        proposedBy: correction.proposed_by,
        approvedBy: correction.decided_by,
      },
    });
    await this.ledger.openAccounts(
      tx,
      [debit, credit].map((code) => ({ code, unit, limit: 'none' as const })),
    );
    const posted = await this.ledger.post(tx, [
      {
        key,
        kind: 'posted',
        debit,
        credit,
        amount,
        reason: 'correction by two persons',
        refs: { reconciles: row.subject, reconciliation_case: row.id, correction: id },
      },
    ]);
    return isRefused(posted) ? posted : correction;
  }
}

/** The case still asks for exactly this transfer. */
function stillNeeded(row: CaseRow, correction: CorrectionRow): boolean {
  if (row.state === 'corrected' || row.state === 'explained') return false;
  const needed = neededCorrection(row);
  return (
    needed !== undefined &&
    needed.amountMinor === correction.amount_minor &&
    fits(needed, row.unit, correction.debit, correction.credit)
  );
}
