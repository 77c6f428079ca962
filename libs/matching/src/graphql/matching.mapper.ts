import { Money, type Viewer, toGlobalId } from '#platform';
import type { PoolView } from '../matching.queries.js';
import type { FundingInstructions } from '#payments';
import type { DepositRow } from '../store/deposit.store.js';
import type { ExclusionRow, ResultRow } from '../store/review.store.js';
import type { RoundRow } from '../store/round.store.js';
import {
  type MatchDeposit,
  type MatchTransfer,
  type MatchExclusion,
  type MatchPool,
  type MatchResultVersion,
  type MatchRound,
} from './matching.type.js';

export const manages = (viewer: Viewer, createdBy: string): boolean =>
  viewer.kind === 'contributor' && (viewer.contributorId === createdBy || viewer.platformRoles.has('operator'));

const node = <T extends object>(typename: string, fields: T): T => Object.assign(fields, { __typename: typename });

export function toMatchPool({ pool, freeMinor, sponsors }: PoolView, viewer: Viewer): MatchPool {
  const money = (minor: bigint) => Money.of(minor, pool.currency);
  return node('MatchPool', {
    id: toGlobalId('MatchPool', pool.id),
    title: pool.title,
    deposited: money(pool.depositedMinor),
    refunded: money(pool.refundedMinor),
    fees: money(pool.feesMinor),
    granted: money(pool.grantedMinor),
    free: money(freeMinor),
    sponsors: sponsors.map((s) => ({ displayName: s.displayName ?? 'Anonymous', amount: money(s.amountMinor) })),
    viewerManages: manages(viewer, pool.createdBy),
    createdAt: pool.createdAt,
  });
}

export function toMatchRound(round: RoundRow, viewer: Viewer): MatchRound {
  return node('MatchRound', {
    id: toGlobalId('MatchRound', round.id),
    slug: round.slug,
    title: round.title,
    summary: round.summary,
    state: round.state,
    promised: Money.of(round.poolMinor, round.currency),
    paid: round.paidMinor === null ? null : Money.of(round.paidMinor, round.currency),
    terms: round.rule,
    opensAt: round.opensAt,
    closesAt: round.closesAt,
    reviewEndsAt: new Date(round.closesAt.getTime() + Number(round.reviewSeconds) * 1000),
    cancelReason: round.cancelReason,
    viewerManages: manages(viewer, round.poolCreatedBy),
    row: round,
  });
}

export function toResultVersion(result: ResultRow, slug: string, publicUrl: string): MatchResultVersion {
  const address = (file: string) => new URL(`/matching/${slug}/v/${result.version}/${file}.json`, publicUrl).href;
  return {
    version: result.version,
    roundSha256: result.roundSha256,
    resultSha256: result.resultSha256,
    resultUrl: address('result'),
    roundUrl: address('round'),
    computedAt: result.computedAt,
  };
}

/** Who it is about is told to himself and to managers; everybody reads that something was left out, and why. */
export function toExclusion(e: ExclusionRow, round: RoundRow, viewer: Viewer, isOwn: boolean): MatchExclusion {
  const isManager = manages(viewer, round.poolCreatedBy);
  const me = viewer.kind === 'contributor' ? viewer.contributorId : undefined;
  const inReview = round.state === 'open' || round.state === 'closed' || round.state === 'computed';
  const sees = isManager || isOwn || e.kind === 'campaign';
  return {
    id: toGlobalId('MatchExclusion', e.id),
    kind: e.kind,
    subject: sees ? e.subjectId : null,
    reason: e.reason,
    state: e.state,
    excludedAt: e.excludedAt,
    appeal: isManager || isOwn ? e.appeal : null,
    decision: e.decision,
    viewerMayAppeal: isOwn && e.state === 'standing' && inReview,
    viewerMayDecide: isManager && e.state === 'appealed' && me !== e.excludedBy && me !== e.appellantId,
  };
}

export const toDeposit = (row: DepositRow): MatchDeposit => ({
  id: toGlobalId('MatchDeposit', row.id),
  amount: Money.of(row.amountMinor, row.currency),
  refunded: Money.of(row.refundedMinor, row.currency),
  rail: row.rail,
  state: row.state,
  anonymous: row.isAnonymous,
  createdAt: row.createdAt,
  collectedAt: row.collectedAt,
});

/** "account_number" as people read it. */
const label = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');

export const toTransfer = (instructions: FundingInstructions): MatchTransfer => ({
  currency: instructions.currency,
  accounts: instructions.addresses.map((address) =>
    Object.entries(address.fields).map(([name, value]) => ({ label: label(name), value })),
  ),
});
