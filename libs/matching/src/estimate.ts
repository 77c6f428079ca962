import { Injectable, Inject } from '@nestjs/common';
import type { Clock } from '#kernel';
import { CLOCK, type Tx, UnitOfWork, type Viewer } from '#platform';
import type { Claim } from './engine/scale.rule.js';
import { type Standing, readStanding } from './standing.js';
import { type RoundRow, findRound } from './store/round.store.js';

export interface MatchEstimateRow {
  readonly round: RoundRow;
  readonly campaignId: string;
  /** What the amount would add to the campaign's match if the round ended now. */
  readonly matchMinor: bigint;
  /** The same if gifts to all campaigns went on until the cut-off as they came so far. */
  readonly atPaceMinor: bigint;
  /** What the campaign would get without it. */
  readonly standsMinor: bigint;
  readonly asOf: Date;
}

/** How long a standing is used before the sums are read again. */
const FRESH_MS = 15_000;
/** A standing that was costly is used this many times as long as it took, so that estimates take a fortieth of the time. */
const REST = 40;
const KEPT = 50;
/** A round that has hardly begun says little about its pace. */
const MOST_GROWTH = 10n;

interface Kept {
  readonly standing: Promise<Standing | undefined>;
  freshUntilMs: number;
}

/**
 * What a gift would move, from sums that are at most 15 seconds old: the database sums the round once in that time for
 * all who ask this process, and a request changes the sums of its own campaign alone. It reads no gift but the asker's.
 */
@Injectable()
export class MatchEstimates {
  private readonly known = new Map<string, Kept>();

  constructor(
    private readonly uow: UnitOfWork,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Undefined when no open round has the campaign, or its rule is too costly to ask for one gift. */
  async ofGift(viewer: Viewer, campaignId: string, amountMinor: bigint): Promise<MatchEstimateRow | undefined> {
    const roundId = await this.uow.read((tx) => openRoundOf(tx, campaignId));
    const standing = roundId === undefined ? undefined : await this.standing(roundId);
    const index = standing?.campaignIds.indexOf(campaignId) ?? -1;
    if (!standing || index < 0) return undefined;
    const claims = await this.uow.read((tx) => standing.claimsWith(tx, viewer, index, amountMinor));
    if (!claims) return undefined;
    const { round, asOf } = standing;
    return {
      round,
      campaignId,
      matchMinor: gainOf(standing, index, claims, { times: 1n, of: 1n }),
      atPaceMinor: gainOf(standing, index, claims, growthOf(round, this.clock.now())),
      standsMinor: standing.parts[index] ?? 0n,
      asOf,
    };
  }

  /** What each campaign of an open round would get if it ended now. */
  async ofRound(roundId: string): Promise<{ asOf: Date; matches: ReadonlyMap<string, bigint> } | undefined> {
    const standing = await this.standing(roundId);
    if (!standing) return undefined;
    const { campaignIds, parts, asOf } = standing;
    return { asOf, matches: new Map(campaignIds.map((id, n) => [id, parts[n] ?? 0n])) };
  }

  private standing(roundId: string): Promise<Standing | undefined> {
    const begunMs = this.clock.now().getTime();
    const found = this.known.get(roundId);
    if (found && begunMs < found.freshUntilMs) return found.standing;
    const standing = this.uow.read(async (tx) => {
      const round = await findRound(tx, { id: roundId });
      return round && readStanding(tx, round);
    });
    const kept: Kept = { standing, freshUntilMs: begunMs + FRESH_MS };
    this.known.set(roundId, kept);
    if (this.known.size > KEPT) this.known.delete([...this.known.keys()][0] ?? '');
    standing.then(
      () => {
        const tookMs = this.clock.now().getTime() - begunMs;
        kept.freshUntilMs = Math.max(kept.freshUntilMs, begunMs + tookMs * REST);
      },
      () => this.known.delete(roundId),
    );
    return standing;
  }
}

/** What the changed claims add to a campaign's match, with the claims of all grown alike before. */
function gainOf(
  standing: Standing,
  index: number,
  changed: readonly Claim[],
  growth: { readonly times: bigint; readonly of: bigint },
): bigint {
  const before = standing.claims.map(({ figure, claim }): Claim => ({
    figure,
    claim: { low: (claim.low * growth.times) / growth.of, high: (claim.high * growth.times) / growth.of },
  }));
  const after = changed.map(({ figure, claim }, n): Claim => {
    const old = standing.claims[n]?.claim ?? { low: 0n, high: 0n };
    const grown = before[n]?.claim ?? old;
    return { figure, claim: { low: grown.low + claim.low - old.low, high: grown.high + claim.high - old.high } };
  });
  const stands = growth.times === growth.of ? standing.parts : standing.divided(before);
  const gain = (standing.divided(after)[index] ?? 0n) - (stands[index] ?? 0n);
  return gain > 0n ? gain : 0n;
}

/** How much larger claims would be at the cut-off, if they grew on evenly: the whole window over what of it is past. */
function growthOf(round: RoundRow, now: Date): { times: bigint; of: bigint } {
  const whole = BigInt(round.closesAt.getTime() - round.opensAt.getTime());
  const past = BigInt(Math.max(now.getTime() - round.opensAt.getTime(), 1));
  if (past >= whole) return { times: 1n, of: 1n };
  return past * MOST_GROWTH < whole ? { times: MOST_GROWTH, of: 1n } : { times: whole, of: past };
}

async function openRoundOf(tx: Tx, campaignId: string): Promise<string | undefined> {
  const [row] = await tx.query<{ id: string }>(
    `SELECT r.id FROM match_round_campaign c JOIN match_round r ON r.id = c.round_id
      WHERE c.campaign_id = $1 AND r.state = 'open' AND r.opens_at <= $2 AND r.closes_at > $2 ORDER BY r.id LIMIT 1`,
    [campaignId, tx.now],
  );
  return row?.id;
}
