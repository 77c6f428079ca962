import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { CampaignFunds, type CampaignRow } from '#campaigns';
import { type Outcome, type Refused, isRefused, isUuid, newId } from '#kernel';
import { Ledger } from '#ledger';
import { type Tx, UnitOfWork } from '#platform';
import { promiseOf, returnOf, roundAccount } from './domain/pool-postings.rule.js';
import { type RoundEvent, roundMachine } from './domain/round.machine.js';
import { roundSlug, roundWindow } from './domain/round-draft.rule.js';
import { parseMillionths } from './engine/weight.rule.js';
import { type RoundTerms, roundTerms } from './file/round-file.reader.js';
import { refuseMatch } from './matching.refusal.js';
import { type SignedIn, mayManage, poolNotFound, refuseText } from './pool.commands.js';
import { roundEvent } from './round.event.js';
import { findPool } from './store/pool.store.js';
import {
  type RoundRow,
  insertRound,
  insertScores,
  lockRound,
  setCampaigns,
  setGroups,
  writeRoundState,
} from './store/round.store.js';

export interface RoundDraft {
  readonly poolId: string;
  readonly title: string;
  readonly summary: string;
  readonly poolMinor: bigint;
  /** In the words of docs/matching.md. */
  readonly terms: unknown;
  readonly opensAt: Date;
  readonly closesAt: Date;
  readonly reviewSeconds: bigint;
  readonly campaigns: readonly { readonly campaignId: string; readonly capMinor?: bigint | null | undefined }[];
}

const MAX_CAMPAIGNS = 1000;
const PUBLIC_STATES: ReadonlySet<string> = new Set([
  'live',
  'settling',
  'extended',
  'suspended',
  'succeeded',
  'training',
  'completed',
]);

/** What the managers of a pool do with its rounds until the cut-off. Each answers the round's id, or why not. */
@Injectable()
export class RoundCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
    private readonly funds: CampaignFunds,
  ) {}

  /** Makes a draft. Managers of the pool. */
  create(viewer: SignedIn, draft: RoundDraft): Promise<Outcome<string>> {
    return this.uow.run('matching.round-create', async (tx) => {
      const pool = await findPool(tx, draft.poolId);
      if (!pool) return poolNotFound();
      const denied = mayManage(viewer, pool);
      if (denied) return denied;
      const terms = readTerms(draft.terms);
      if (isRefused(terms)) return terms;
      const faulty = roundWindow(draft, tx.now);
      if (faulty) return faulty;
      const id = newId();
      await insertRound(tx, {
        id,
        poolId: pool.id,
        slug: roundSlug(draft.title, id),
        title: draft.title.trim(),
        summary: draft.summary.trim(),
        currency: pool.currency,
        poolMinor: draft.poolMinor,
        rule: terms,
        opensAt: draft.opensAt,
        closesAt: draft.closesAt,
        reviewSeconds: draft.reviewSeconds,
        salt: randomBytes(16).toString('hex'),
        createdBy: viewer.contributorId,
      });
      const set = await this.setCampaigns(tx, id, pool.currency, draft.campaigns);
      return isRefused(set) ? set : id;
    });
  }

  /** Sets what the round promises aside from its pool, and puts it before the public. */
  open(viewer: SignedIn, id: string): Promise<Outcome<string>> {
    return this.step(viewer, id, 'open', async (tx, round) => {
      const late = round.closesAt <= tx.now ? refuseMatch('MATCHING_CUT_OFF_PASSED', ['input', 'roundId']) : undefined;
      if (late) return late;
      await this.ledger.openAccounts(tx, [
        {
          code: roundAccount(round.poolId, round.id, round.currency),
          unit: round.currency,
          limit: 'debits_must_not_exceed_credits',
        },
      ]);
      tx.emit(
        roundEvent('match.round.opened', round, {
          title: round.title,
          slug: round.slug,
          poolMinor: String(round.poolMinor),
          currency: round.currency,
          rule: round.rule,
          opensAt: round.opensAt.toISOString(),
          closesAt: round.closesAt.toISOString(),
        }),
      );
      const posted = await this.ledger.post(tx, [promiseOf(round, round.poolMinor)]);
      if (!isRefused(posted)) return undefined;
      return posted.first.code === 'LEDGER_LIMIT_EXCEEDED'
        ? refuseMatch('MATCHING_POOL_OVERDRAWN', ['input', 'roundId'], `It promises ${round.poolMinor}.`)
        : posted;
    });
  }

  /** Gives a round up before it is final; what it promised goes back to its pool. */
  cancel(viewer: SignedIn, id: string, reason: string): Promise<Outcome<string>> {
    return this.step(viewer, id, 'cancel', async (tx, round) => {
      const faulty = refuseText(reason, 'reason');
      if (faulty) return faulty;
      await tx.query('UPDATE match_round SET cancel_reason = $2 WHERE id = $1', [id, reason.trim()]);
      if (round.state === 'draft') return undefined;
      tx.emit(roundEvent('match.round.cancelled', round, { reason: reason.trim() }));
      const posted = await this.ledger.post(tx, [returnOf(round, round.poolMinor)]);
      return isRefused(posted) ? posted : undefined;
    });
  }

  /** Says anew which campaigns are in the round. Refused from the cut-off on. */
  replaceCampaigns(viewer: SignedIn, id: string, campaigns: RoundDraft['campaigns']): Promise<Outcome<string>> {
    return this.change(viewer, id, async (tx, round) => {
      const set = await this.setCampaigns(tx, id, round.currency, campaigns);
      if (isRefused(set)) return set;
      if (round.state === 'open')
        tx.emit(roundEvent('match.round.changed', round, { campaigns: campaigns.map((c) => c.campaignId) }));
      return undefined;
    });
  }

  /** Records identity scores with where they are from. The latest of a person counts. Refused from the cut-off on. */
  recordScores(
    viewer: SignedIn,
    id: string,
    source: string,
    scores: readonly { readonly pseudonym: string; readonly score: string }[],
  ): Promise<Outcome<string>> {
    return this.change(viewer, id, async (tx) => {
      if (source.trim().length < 3 || source.length > 200)
        return refuseMatch('MATCHING_TEXT_INVALID', ['input', 'source']);
      const wrong = scores.findIndex((s) => !isUuid(s.pseudonym) || parseMillionths(s.score) === undefined);
      if (wrong >= 0) return refuseMatch('MATCHING_TERMS_INVALID', ['input', 'scores', String(wrong)]);
      const rows = scores.map((s) => ({ ...s, id: newId() }));
      await insertScores(tx, id, viewer.contributorId, source.trim(), rows);
      return undefined;
    });
  }

  /** Says anew which donors belong together. Refused from the cut-off on. */
  replaceGroups(
    viewer: SignedIn,
    id: string,
    groups: readonly { readonly name: string; readonly members: readonly string[] }[],
  ): Promise<Outcome<string>> {
    return this.change(viewer, id, async (tx) => {
      const wrong = groups.findIndex((g) => g.name.length < 1 || g.name.length > 100 || !g.members.every(isUuid));
      if (wrong >= 0) return refuseMatch('MATCHING_TERMS_INVALID', ['input', 'groups', String(wrong)]);
      const members = groups.flatMap((g) => g.members.map((pseudonym) => ({ groupId: g.name, pseudonym })));
      await setGroups(tx, id, members);
      return undefined;
    });
  }

  private async setCampaigns(
    tx: Tx,
    id: string,
    currency: string,
    asked: RoundDraft['campaigns'],
  ): Promise<Outcome<undefined>> {
    if (asked.length > MAX_CAMPAIGNS || new Set(asked.map((c) => c.campaignId)).size !== asked.length)
      return refuseMatch('MATCHING_TERMS_INVALID', ['input', 'campaigns'], `Up to ${MAX_CAMPAIGNS}, each once.`);
    const known = await this.funds.hold(
      tx,
      asked.map((c) => c.campaignId),
    );
    for (const [index, { campaignId, capMinor }] of asked.entries()) {
      const path = ['input', 'campaigns', String(index)];
      const why = ineligible(known.get(campaignId), currency);
      if (why) return refuseMatch('MATCHING_CAMPAIGN_INELIGIBLE', path, why);
      if (capMinor != null && capMinor < 0n) return refuseMatch('MATCHING_TERMS_INVALID', [...path, 'capMinor']);
    }
    await setCampaigns(
      tx,
      id,
      asked.map((c) => ({ campaignId: c.campaignId, capMinor: c.capMinor ?? null })),
    );
    return undefined;
  }

  private change(
    viewer: SignedIn,
    id: string,
    act: (tx: Tx, round: RoundRow) => Promise<Refused | undefined>,
  ): Promise<Outcome<string>> {
    return this.uow.run('matching.round-change', async (tx) => {
      const round = await lockRound(tx, id);
      if (!round) return roundNotFound();
      const denied = mayManage(viewer, { createdBy: round.poolCreatedBy }) ?? pastCutOff(round, tx.now);
      return denied ?? (await act(tx, round)) ?? id;
    });
  }

  private step(
    viewer: SignedIn,
    id: string,
    event: RoundEvent,
    act: (tx: Tx, round: RoundRow) => Promise<Refused | undefined>,
  ): Promise<Outcome<string>> {
    return this.uow.run(`matching.round-${event}`, async (tx) => {
      const round = await lockRound(tx, id);
      if (!round) return roundNotFound();
      const denied = mayManage(viewer, { createdBy: round.poolCreatedBy });
      if (denied) return denied;
      const to = roundMachine.next(round.state, event);
      if (to === undefined) return wrongRoundState(round);
      const refused = await act(tx, round);
      if (refused) return refused;
      await writeRoundState(tx, id, to);
      return id;
    });
  }
}

export const roundNotFound = (): Refused => refuseMatch('MATCHING_ROUND_NOT_FOUND', ['input', 'roundId']);
export const wrongRoundState = (round: RoundRow): Refused =>
  refuseMatch('MATCHING_STATE_INVALID', ['input', 'roundId'], `It is ${round.state}.`);

/** What a round is about is fixed from its cut-off on, whether or not the clock has passed by. */
const pastCutOff = (round: RoundRow, now: Date): Refused | undefined =>
  (round.state === 'draft' || round.state === 'open') && now < round.closesAt
    ? undefined
    : refuseMatch('MATCHING_CUT_OFF_PASSED', ['input', 'roundId'], `It was at ${round.closesAt.toISOString()}.`);

function ineligible(campaign: CampaignRow | undefined, currency: string): string | undefined {
  if (!campaign || !PUBLIC_STATES.has(campaign.state)) return 'It is not public, or it has ended.';
  return campaign.currency === currency ? undefined : `It raises ${campaign.currency}, the pool holds ${currency}.`;
}

function readTerms(terms: unknown): Outcome<RoundTerms> {
  const parsed = roundTerms.safeParse(terms);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const path = (issue?.path ?? []).map(String);
  return refuseMatch('MATCHING_TERMS_INVALID', ['input', ...path], `${path.join('.')}: ${issue?.message ?? 'wrong'}.`);
}
