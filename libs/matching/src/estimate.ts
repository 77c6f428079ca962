import { Injectable, Inject } from '@nestjs/common';
import type { Clock } from '#kernel';
import { CLOCK, type Tx, UnitOfWork, type Viewer } from '#platform';
import { claimsOf } from './engine/claim.rule.js';
import { countGifts } from './engine/counted.rule.js';
import { type Gain, withGift } from './engine/gain.rule.js';
import type { Counted, MatchRound } from './engine/match.type.js';
import { type Claim, scaleOf } from './engine/scale.rule.js';
import { divide } from './engine/shares.rule.js';
import { parseMillionths, weightOfScore } from './engine/weight.rule.js';
import { ruleOf } from './file/round-file.reader.js';
import { giftsSoFar } from './store/gift.store.js';
import { exclusionsOf } from './store/review.store.js';
import { type RoundRow, campaignsOf, findRound, groupsOf, scoresOf } from './store/round.store.js';

/** The round as it stands now: what each campaign would get, and what more would change. */
interface Standing {
  readonly round: RoundRow;
  readonly input: MatchRound;
  readonly counted: Counted;
  readonly claims: readonly Claim[];
  readonly parts: readonly bigint[];
  readonly asOf: Date;
}

export interface MatchEstimateRow {
  readonly round: RoundRow;
  readonly campaignId: string;
  /** What the amount would add to the campaign's match. */
  readonly matchMinor: bigint;
  /** What the campaign would get without it. */
  readonly standsMinor: bigint;
  readonly asOf: Date;
}

/** How long a standing is used before the gifts are read again. */
const FRESH_MS = 15_000;
const KEPT = 50;
const DIGITS = 9;

/**
 * What a gift would move, from sums that are at most 15 seconds old: the whole round is read and computed once in that
 * time, and a request only changes the sums of its own campaign.
 */
@Injectable()
export class MatchEstimates {
  private readonly known = new Map<
    string,
    { readonly atMs: number; readonly standing: Promise<Standing | undefined> }
  >();

  constructor(
    private readonly uow: UnitOfWork,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Undefined when no open round has the campaign, or its rule is too costly to ask for one gift. */
  async ofGift(viewer: Viewer, campaignId: string, amountMinor: bigint): Promise<MatchEstimateRow | undefined> {
    const roundId = await this.uow.read((tx) => openRoundOf(tx, campaignId));
    const standing = roundId === undefined ? undefined : await this.standing(roundId);
    const index = standing?.counted.projects.findIndex(({ id }) => id === campaignId) ?? -1;
    if (!standing || index < 0) return undefined;
    const { input, counted, claims, parts } = standing;
    const donor = viewer.kind === 'contributor' ? viewer.pseudonym : undefined;
    const gain: Gain = { index, donor, amountMinor };
    const claim = withGift(input, counted, claims, gain, scaleOf(DIGITS));
    if (!claim) return undefined;
    const after = partsOf(
      input,
      counted,
      claims.map((one, n) => (n === index ? claim : one)),
    );
    const standsMinor = parts[index] ?? 0n;
    const more = (after[index] ?? 0n) - standsMinor;
    return { round: standing.round, campaignId, matchMinor: more > 0n ? more : 0n, standsMinor, asOf: standing.asOf };
  }

  /** What each campaign of an open round would get if it ended now. */
  async ofRound(roundId: string): Promise<{ asOf: Date; matches: ReadonlyMap<string, bigint> } | undefined> {
    const standing = await this.standing(roundId);
    if (!standing) return undefined;
    const { counted, parts, asOf } = standing;
    return { asOf, matches: new Map(counted.projects.map(({ id }, n) => [id, parts[n] ?? 0n])) };
  }

  private standing(roundId: string): Promise<Standing | undefined> {
    const nowMs = this.clock.now().getTime();
    const found = this.known.get(roundId);
    if (found && nowMs - found.atMs < FRESH_MS) return found.standing;
    const standing = this.uow.read((tx) => read(tx, roundId));
    this.known.set(roundId, { atMs: nowMs, standing });
    if (this.known.size > KEPT) this.known.delete([...this.known.keys()][0] ?? '');
    standing.catch(() => this.known.delete(roundId));
    return standing;
  }
}

async function openRoundOf(tx: Tx, campaignId: string): Promise<string | undefined> {
  const [row] = await tx.query<{ id: string }>(
    `SELECT r.id FROM match_round_campaign c JOIN match_round r ON r.id = c.round_id
      WHERE c.campaign_id = $1 AND r.state = 'open' AND r.opens_at <= $2 AND r.closes_at > $2 ORDER BY r.id LIMIT 1`,
    [campaignId, tx.now],
  );
  return row?.id;
}

async function read(tx: Tx, roundId: string): Promise<Standing | undefined> {
  const round = await findRound(tx, { id: roundId });
  if (!round) return undefined;
  const input = await describe(tx, round);
  const counted = countGifts(input);
  const claims = claimsOf(input, counted, scaleOf(DIGITS));
  return { round, input, counted, claims, parts: partsOf(input, counted, claims), asOf: tx.now };
}

/** An estimate takes figures as they are: twelve decimals, whatever they leave undecided. */
function partsOf(input: MatchRound, counted: Counted, claims: readonly Claim[]): readonly bigint[] {
  const order = {
    claims,
    caps: counted.projects.map(({ capMinor }) => capMinor),
    poolMinor: input.poolMinor,
    unsaturated: input.unsaturated,
    scale: scaleOf(DIGITS),
  };
  return divide(order, true)?.parts ?? [];
}

async function describe(tx: Tx, round: RoundRow): Promise<MatchRound> {
  const terms = round.rule;
  const groups = new Map<string, string[]>();
  for (const { groupId, pseudonym } of await groupsOf(tx, round.id))
    groups.set(groupId, [...(groups.get(groupId) ?? []), pseudonym]);
  const scores = await scoresOf(tx, round.id);
  return {
    rule: ruleOf(terms.rule),
    poolMinor: round.poolMinor,
    unsaturated: terms.unsaturated,
    projects: (await campaignsOf(tx, [round.id])).map(({ campaignId, capMinor }) =>
      capMinor === null ? { id: campaignId } : { id: campaignId, capMinor },
    ),
    gifts: (await giftsSoFar(tx, round.id, round.opensAt, round.closesAt)).map((g) => ({
      id: g.pledgeId,
      donor: g.pseudonym,
      project: g.campaignId,
      amountMinor: g.amountMinor,
    })),
    ...(terms.capPerProject === undefined ? {} : { capPerProjectMinor: BigInt(terms.capPerProject) }),
    ...(terms.capPerDonor === undefined ? {} : { capPerDonorMinor: BigInt(terms.capPerDonor) }),
    ...(terms.minimumPerDonor === undefined ? {} : { minimumPerDonorMinor: BigInt(terms.minimumPerDonor) }),
    defaultWeightMillionths: parseMillionths(terms.defaultWeight) ?? 0n,
    weightMillionths: new Map(scores.map((s) => [s.pseudonym, weightOfScore(parseMillionths(s.score) ?? 0n)])),
    groups,
    exclusions: (await exclusionsOf(tx, [round.id]))
      .filter((e) => e.state !== 'lifted')
      .map((e) => ({ kind: e.kind === 'campaign' ? 'project' : e.kind, id: e.subjectId, reason: e.reason })),
  };
}
