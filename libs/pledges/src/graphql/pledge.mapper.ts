import { GpuTime, Money, toGlobalId } from '#platform';
import type { CashPageRow, ComputePageRow } from '../store/pledge-page.statement.js';
import type { CashPledge, ComputePledge, PledgeBacker } from './pledge.type.js';

const backer = (name: string | null | undefined, pseudonym: string): PledgeBacker => ({
  displayName: name ?? 'Erased contributor',
  pseudonym,
});
const ANONYMOUS_BACKER: PledgeBacker = { displayName: 'Anonymous', pseudonym: null };

/** `own` is for the backer himself: who he is, why his card was refused and why he asked for his money are his affair. */
export const toCashPledge = (row: CashPageRow, own = false): CashPledge => ({
  id: toGlobalId('CashPledge', row.id),
  campaignId: row.campaignId,
  amount: Money.of(BigInt(row.amount), row.currency),
  state: row.state,
  contributor: row.anonymous && !own ? ANONYMOUS_BACKER : backer(row.name, row.pseudonym),
  createdAt: row.createdAt,
  failureCode: own ? row.failureCode : null,
  refunds: (row.refunds ?? []).map((refund) => ({
    ...refund,
    reason: own ? refund.reason : null,
    amount: Money.of(BigInt(refund.amount), row.currency),
  })),
  dispute: row.dispute
    ? { state: row.dispute.state, amount: Money.of(BigInt(row.dispute.amount), row.currency) }
    : null,
});

export const toComputePledge = (row: ComputePageRow): ComputePledge => ({
  id: toGlobalId('ComputePledge', row.id),
  campaignId: row.campaignId,
  class: row.class,
  count: row.count,
  time: GpuTime.of(BigInt(row.milliseconds), row.class),
  state: row.state,
  contributor: backer(row.name, row.pseudonym),
  availability: row.availability,
  region: row.region,
  reserved: GpuTime.of(BigInt(row.reserved), row.class),
  delivered: GpuTime.of(BigInt(row.delivered), row.class),
  accepted: GpuTime.of(BigInt(row.accepted), row.class),
  createdAt: row.createdAt,
});
