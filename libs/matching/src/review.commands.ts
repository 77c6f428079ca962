import { Injectable } from '@nestjs/common';
import { projectRoles } from '#identity';
import { type Outcome, type Refused, newId } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';
import { refuseMatch } from './matching.refusal.js';
import { type SignedIn, mayManage, refuseText } from './pool.commands.js';
import { roundNotFound, wrongRoundState } from './round.commands.js';
import { roundEvent } from './round.event.js';
import { RoundSettlement } from './round.settlement.js';
import {
  type ExclusionKind,
  type ExclusionRow,
  findExclusion,
  insertExclusion,
  isSubject,
  ownerOf,
  writeAppeal,
  writeDecision,
} from './store/review.store.js';
import { type RoundRow, lockRound } from './store/round.store.js';

/**
 * What doesn't count of a round, why, and who says otherwise. Exclusions are possible until the review is over; a
 * computed round is computed again by each that changes what counts, in the same unit of work.
 */
@Injectable()
export class ReviewCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly settlement: RoundSettlement,
  ) {}

  /** Excludes a donor, a gift or a campaign with a recorded reason. Managers of the pool. Answers the exclusion's id. */
  exclude(
    viewer: SignedIn,
    input: { roundId: string; kind: ExclusionKind; subjectId: string; reason: string },
  ): Promise<Outcome<string>> {
    return this.uow.run('matching.exclude', async (tx) => {
      const round = await lockRound(tx, input.roundId);
      if (!round) return roundNotFound();
      const denied = mayManage(viewer, { createdBy: round.poolCreatedBy }) ?? notInReview(round, tx.now);
      const faulty = denied ?? refuseText(input.reason, 'reason');
      if (faulty) return faulty;
      if (!(await isSubject(tx, round.id, input.kind, input.subjectId)))
        return refuseMatch('MATCHING_SUBJECT_NOT_FOUND', ['input', 'subjectId']);
      const id = newId();
      const reason = input.reason.trim();
      const added = await insertExclusion(tx, { ...input, id, reason, excludedBy: viewer.contributorId });
      if (!added) return refuseMatch('MATCHING_EXCLUDED_ALREADY', ['input', 'subjectId']);
      tx.emit(roundEvent('match.excluded', round, { exclusionId: id, kind: input.kind, reason }));
      return (await this.again(tx, round)) ?? id;
    });
  }

  /** Says against an exclusion what speaks against it. The donor himself, or an owner or treasurer of the campaign. */
  appeal(viewer: SignedIn, exclusionId: string, statement: string): Promise<Outcome<string>> {
    return this.onExclusion('matching.appeal', exclusionId, async (tx, round, exclusion) => {
      const faulty = notInReview(round, tx.now) ?? refuseText(statement, 'statement');
      if (faulty) return faulty;
      if (!(await isOwn(tx, viewer, exclusion)))
        return refuseMatch('MATCHING_APPEAL_FORBIDDEN', ['input', 'exclusionId']);
      if (exclusion.state !== 'standing') return refuseMatch('MATCHING_APPEAL_TWICE', ['input', 'exclusionId']);
      await writeAppeal(tx, exclusion.id, viewer.contributorId, statement.trim());
      tx.emit(roundEvent('match.appealed', round, { exclusionId: exclusion.id }));
      return undefined;
    });
  }

  /** Decides an appeal: a manager of the pool or an operator who neither excluded nor appeals. */
  decide(viewer: SignedIn, exclusionId: string, lift: boolean, decision: string): Promise<Outcome<string>> {
    return this.onExclusion('matching.decide', exclusionId, async (tx, round, exclusion) => {
      const faulty = mayManage(viewer, { createdBy: round.poolCreatedBy }) ?? refuseText(decision, 'decision');
      if (faulty) return faulty;
      if (exclusion.state !== 'appealed') return refuseMatch('MATCHING_APPEAL_NONE', ['input', 'exclusionId']);
      if (exclusion.excludedBy === viewer.contributorId || exclusion.appellantId === viewer.contributorId)
        return refuseMatch('MATCHING_DECIDER_INVOLVED', ['input', 'exclusionId']);
      const state = lift ? 'lifted' : 'upheld';
      await writeDecision(tx, exclusion.id, state, viewer.contributorId, decision.trim());
      tx.emit(
        roundEvent('match.appeal.decided', round, {
          exclusionId: exclusion.id,
          outcome: state,
          reason: decision.trim(),
        }),
      );
      return lift ? this.again(tx, round) : undefined;
    });
  }

  private async again(tx: Tx, round: RoundRow): Promise<Refused | undefined> {
    return round.state === 'computed' ? this.settlement.computeIn(tx, round) : undefined;
  }

  private onExclusion(
    name: string,
    exclusionId: string,
    act: (tx: Tx, round: RoundRow, exclusion: ExclusionRow) => Promise<Refused | undefined>,
  ): Promise<Outcome<string>> {
    return this.uow.run(name, async (tx) => {
      const found = await findExclusion(tx, exclusionId);
      const round = found && (await lockRound(tx, found.roundId));
      // Read again under the round's lock, which every change of its exclusions takes.
      const exclusion = round && (await findExclusion(tx, exclusionId));
      if (!round || !exclusion) return refuseMatch('MATCHING_EXCLUSION_NOT_FOUND', ['input', 'exclusionId']);
      return (await act(tx, round, exclusion)) ?? exclusionId;
    });
  }
}

const REVIEWED: ReadonlySet<string> = new Set(['open', 'closed', 'computed']);

/** The review is over when its time is, even while the clock has not passed by. */
function notInReview(round: RoundRow, now: Date): Refused | undefined {
  if (!REVIEWED.has(round.state)) return wrongRoundState(round);
  const endsMs = round.closesAt.getTime() + Number(round.reviewSeconds) * 1000;
  return round.state === 'computed' && now.getTime() >= endsMs
    ? refuseMatch('MATCHING_STATE_INVALID', ['input', 'roundId'], 'The review is over.')
    : undefined;
}

async function isOwn(tx: Tx, viewer: SignedIn, exclusion: ExclusionRow): Promise<boolean> {
  const owner = await ownerOf(tx, exclusion.kind, exclusion.subjectId);
  if (owner.pseudonym !== undefined) return owner.pseudonym === viewer.pseudonym;
  if (owner.projectId === undefined) return false;
  const roles = await projectRoles(tx, viewer.contributorId, owner.projectId);
  return roles.has('owner') || roles.has('treasurer');
}
