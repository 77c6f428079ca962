import { Injectable } from '@nestjs/common';
import { type Outcome, newId } from '#kernel';
import type { Tx } from '#platform';
import { refuseDisbursement } from './disbursement.refusal.js';
import { disbursementEvent } from './domain/disbursement-event.rule.js';
import { type TrancheEvent, trancheMachine } from './domain/tranche.machine.js';
import { type PlanRow, type TrancheChange, type TrancheRow, writeTranche } from './store/disbursement.store.js';
import { approvalsOf, insertEvidence, judgeEvidence } from './store/evidence.store.js';

/** What every event of a tranche names. */
export const about = (tranche: TrancheRow) => ({ trancheId: tranche.id, number: tranche.number, title: tranche.title });

/** Takes steps of the machine, each with its event, in the caller's unit of work. */
@Injectable()
export class TrancheSteps {
  /** Refusal: DISBURSEMENT_STATE_INVALID. */
  async take(
    tx: Tx,
    tranche: TrancheRow,
    event: TrancheEvent,
    told: { type: string; payload?: object } | undefined,
    change: TrancheChange = {},
  ): Promise<Outcome<void>> {
    const to = trancheMachine.next(tranche.state, event);
    if (to === undefined) {
      return refuseDisbursement('DISBURSEMENT_STATE_INVALID', ['input', 'trancheId'], `It is ${tranche.state}.`);
    }
    await writeTranche(tx, tranche.id, to, change);
    if (told !== undefined) this.tell(tx, tranche, told);
  }

  /** Something about a tranche that leaves it where it stands. */
  tell(tx: Tx, tranche: TrancheRow, told: { type: string; payload?: object }): void {
    tx.emit(disbursementEvent(told.type, tranche.campaignId, { ...about(tranche), ...told.payload }));
  }

  /** Approves the tranche when its evidence has as many approvals as the terms ask for. @returns whether it has. */
  async approveIfEnough(tx: Tx, plan: PlanRow, tranche: TrancheRow): Promise<Outcome<boolean>> {
    if (tranche.evidenceId === null) return false;
    const approvals = (await approvalsOf(tx, [tranche.evidenceId])).filter((approval) => approval.approves);
    if (approvals.length < plan.approvalsRequired) return false;
    await judgeEvidence(tx, tranche.evidenceId, 'accepted');
    const payload = { evidenceId: tranche.evidenceId, approvals: approvals.length };
    const taken = await this.take(tx, tranche, 'approve', { type: 'approved', payload });
    return taken ?? true;
  }

  /** A tranche that needs no evidence says so itself when its time has come. */
  async stateDue(tx: Tx, plan: PlanRow, tranche: TrancheRow, statement: string): Promise<Outcome<void>> {
    const id = newId();
    await insertEvidence(tx, {
      id,
      trancheId: tranche.id,
      kind: 'none',
      submittedBy: null,
      pseudonym: null,
      report: statement,
      files: [],
    });
    const payload = { evidenceId: id, kind: 'none' };
    const taken = await this.take(
      tx,
      tranche,
      'submit_evidence',
      { type: 'evidence_submitted', payload },
      { evidenceId: id },
    );
    if (taken !== undefined) return taken;
    const approved = await this.approveIfEnough(tx, plan, { ...tranche, state: 'evidence_submitted', evidenceId: id });
    return approved === true || approved === false ? undefined : approved;
  }
}
