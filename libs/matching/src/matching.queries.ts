import { Injectable } from '@nestjs/common';
import { type Page, type PageArgs, decodeCursor, isUuid, pageOf, pageSize } from '#kernel';
import { Ledger } from '#ledger';
import { UnitOfWork, type Viewer } from '#platform';
import { poolAccounts } from './domain/pool-postings.rule.js';
import { giftSums } from './store/gift.store.js';
import { type DepositRow, depositsOf } from './store/deposit.store.js';
import { type PoolRow, type SponsorRow, listPools, poolsById, sponsorsOf } from './store/pool.store.js';
import {
  type ExclusionRow,
  type ResultRow,
  exclusionsOf,
  findExclusion,
  ownExclusions,
  resultsOf,
} from './store/review.store.js';
import {
  type DraftsOf,
  type RoundCampaignRow,
  type RoundRow,
  campaignsOf,
  findRound,
  listRounds,
} from './store/round.store.js';

export type RoundCampaign = RoundCampaignRow & { readonly giftCount: number; readonly giftsMinor: bigint };

export interface PoolView {
  readonly pool: PoolRow;
  /** Not promised to any round. */
  readonly freeMinor: bigint;
  readonly sponsors: readonly SponsorRow[];
}

/** Reads of pools and rounds; all but drafts is public. */
@Injectable()
export class MatchingQueries {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
  ) {}

  async rounds(viewer: Viewer, args: PageArgs): Promise<Page<RoundRow>> {
    const limit = pageSize(args.first);
    const rows = await this.uow.read((tx) =>
      listRounds(tx, { before: cursorId(args.after), limit: limit + 1, draftsOf: draftsOf(viewer) }),
    );
    return pageOf(rows, limit, (row) => row.id);
  }

  async pools(args: PageArgs): Promise<Page<PoolView>> {
    const limit = pageSize(args.first);
    const rows = await this.uow.read((tx) => listPools(tx, cursorId(args.after), limit + 1));
    const views = await this.poolViews(rows.map((row) => row.id));
    const found = rows.flatMap((row) => views.get(row.id) ?? []);
    return pageOf(found, limit, ({ pool }) => pool.id);
  }

  /** Pools with what is free of them and their sponsors, by id; three statements for all. */
  poolViews(ids: readonly string[]): Promise<Map<string, PoolView>> {
    return this.uow.read(async (tx) => {
      const pools = await poolsById(tx, ids);
      const codeOf = (pool: PoolRow) => poolAccounts(pool.id, pool.currency).pool;
      const balances = await this.ledger.balances(tx, [...pools.values()].map(codeOf));
      const sponsors = Map.groupBy(await sponsorsOf(tx, ids), (sponsor) => sponsor.poolId);
      return new Map(
        [...pools.values()].map((pool) => {
          const balance = balances.get(codeOf(pool));
          const freeMinor = balance ? balance.creditsPosted - balance.debitsPosted : 0n;
          return [pool.id, { pool, freeMinor, sponsors: sponsors.get(pool.id) ?? [] }];
        }),
      );
    });
  }

  async pool(id: string): Promise<PoolView | undefined> {
    return (await this.poolViews([id])).get(id);
  }

  /** What the viewer himself paid into a pool, newest first. */
  deposits(viewer: Viewer, poolId: string): Promise<DepositRow[]> {
    if (viewer.kind !== 'contributor') return Promise.resolve([]);
    return this.uow.read((tx) => depositsOf(tx, poolId, viewer.contributorId));
  }

  /** Drafts only for those who manage the pool. */
  async round(viewer: Viewer, by: { id: string } | { slug: string }): Promise<RoundRow | undefined> {
    // Anything else can't be one, and some of it (a NUL) PostgreSQL would not even take.
    if ('slug' in by && !/^[a-z0-9-]{1,120}$/.test(by.slug)) return undefined;
    const round = await this.uow.read((tx) => findRound(tx, by));
    if (round?.state !== 'draft') return round;
    const drafts = draftsOf(viewer);
    return drafts.all || drafts.managerId === round.poolCreatedBy ? round : undefined;
  }

  /** The campaigns of a round with their gifts: as copied at the cut-off, or so far. */
  campaigns(round: RoundRow): Promise<RoundCampaign[]> {
    return this.uow.read(async (tx) => {
      const byId = new Map((await giftSums(tx, round)).map((sum) => [sum.campaignId, sum]));
      return (await campaignsOf(tx, [round.id])).map((row) => ({
        ...row,
        giftCount: byId.get(row.campaignId)?.giftCount ?? 0,
        giftsMinor: byId.get(row.campaignId)?.giftsMinor ?? 0n,
      }));
    });
  }

  /** The exclusions of a round, each with whether it concerns the viewer. */
  exclusions(viewer: Viewer, round: RoundRow): Promise<{ readonly row: ExclusionRow; readonly isOwn: boolean }[]> {
    return this.uow.read(async (tx) => {
      const rows = await exclusionsOf(tx, [round.id]);
      const own = viewer.kind === 'contributor' ? await ownExclusions(tx, round.id, viewer) : new Set<string>();
      return rows.map((row) => ({ row, isOwn: own.has(row.id) }));
    });
  }

  results(round: RoundRow): Promise<ResultRow[]> {
    return this.uow.read((tx) => resultsOf(tx, [round.id]));
  }

  exclusion(id: string): Promise<ExclusionRow | undefined> {
    return this.uow.read((tx) => findExclusion(tx, id));
  }

  /** A file of a result, by the round's name. */
  async file(slug: string, version: number | 'latest'): Promise<ResultRow | undefined> {
    if (!/^[a-z0-9-]{1,120}$/.test(slug)) return undefined;
    return this.uow.read(async (tx) => {
      const round = await findRound(tx, { slug });
      const results = round ? await resultsOf(tx, [round.id]) : [];
      return version === 'latest' ? results[0] : results.find((r) => r.version === version);
    });
  }
}

const cursorId = (after: PageArgs['after']): string | undefined => {
  const cursor = decodeCursor(after);
  return cursor !== undefined && isUuid(cursor) ? cursor : undefined;
};

const draftsOf = (viewer: Viewer): DraftsOf => {
  if (viewer.kind !== 'contributor') return {};
  return viewer.platformRoles.has('operator') ? { all: true } : { managerId: viewer.contributorId };
};
