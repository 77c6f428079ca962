import { Injectable } from '@nestjs/common';
import { type Outcome, isRefused } from '#kernel';
import type { Tx } from '#platform';
import { voteResult } from './domain/backers-vote.rule.js';
import { disbursementEvent } from './domain/disbursement-event.rule.js';
import type { PlanRow, TrancheRow } from './store/disbursement.store.js';
import { type EvidenceRow, backersOf, ballotsOf, countVotes } from './store/evidence.store.js';
import { TrancheSteps, about } from './tranche.steps.js';

/** When the terms don't say: no quorum, more than half. */
const DEFAULTS = { quorumBp: 0, majorityBp: 5_000 };

/** Decides votes of backers when they can be decided. */
@Injectable()
export class BackersVotes {
  constructor(private readonly steps: TrancheSteps) {}

  /** Looks whether the vote on this evidence is decided, and acts on it if so. */
  async decide(tx: Tx, plan: PlanRow, tranche: TrancheRow, evidence: EvidenceRow): Promise<Outcome<void>> {
    if (evidence.outcome !== 'voting' || evidence.closesAt === null) return;
    const cast = await ballotsOf(tx, evidence.id);
    const electorate = Math.max(evidence.electorate ?? 0, await backersOf(tx, plan.campaignId), cast.yes + cast.no);
    const terms = {
      quorumBp: tranche.evidenceTerms.quorumBp ?? DEFAULTS.quorumBp,
      majorityBp: tranche.evidenceTerms.majorityBp ?? DEFAULTS.majorityBp,
    };
    const result = voteResult(terms, { electorate, ...cast }, evidence.closesAt <= tx.now);
    if (result === undefined) return;
    await countVotes(tx, evidence.id, { electorate, ...cast }, result === 'won');
    const payload = { ...about(tranche), evidenceId: evidence.id, electorate, ...cast, ...terms, result };
    tx.emit(disbursementEvent('vote_closed', plan.campaignId, payload));
    if (result === 'lost') {
      const told = { type: 'evidence_rejected', payload: { evidenceId: evidence.id, reason: 'the vote was lost' } };
      return this.steps.take(tx, tranche, 'reject', told, { evidenceId: null });
    }
    const approved = await this.steps.approveIfEnough(tx, plan, tranche);
    return isRefused(approved) ? approved : undefined;
  }
}
