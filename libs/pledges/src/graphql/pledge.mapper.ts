import { GpuTime, Money, toGlobalId } from '#platform';
import type { CashPageRow, ComputePageRow } from '../store/pledge-page.statement.js';
import type { CashPledge, ComputePledge, PledgeBacker, PledgeDispute, PledgeRefund } from './pledge.type.js';

const backer = (name: string | null | undefined, pseudonym: string | undefined): PledgeBacker => ({
  displayName: name ?? 'Erased contributor',
  pseudonym: pseudonym ?? null,
});
const ANONYMOUS_BACKER: PledgeBacker = { displayName: 'Anonymous', pseudonym: null };

/** `own` is for the backer himself: who he is, why his card was refused and why he asked for his money are his affair. */
export const toCashPledge = (row: CashPageRow, own = false): CashPledge => new CashPledgeView(row, own);

/**
 * A row as the schema shows it, each field made when it is read: a page has hundreds of pledges, and their rows hold just
 * the columns of the fields that were asked for.
 */
class CashPledgeView implements CashPledge {
  constructor(
    private readonly row: CashPageRow,
    private readonly own: boolean,
  ) {}

  get id(): string {
    return toGlobalId('CashPledge', this.row.id);
  }
  get campaignId(): string {
    return this.row.campaignId ?? '';
  }
  get amount(): Money {
    return this.money(this.row.amount);
  }
  get state(): string {
    return this.row.state ?? '';
  }
  get contributor(): PledgeBacker {
    const { anonymous, name, pseudonym } = this.row;
    return anonymous && !this.own ? ANONYMOUS_BACKER : backer(name, pseudonym);
  }
  get createdAt(): string {
    return this.row.createdAt ?? '';
  }
  get failureCode(): string | null {
    return this.own ? (this.row.failureCode ?? null) : null;
  }
  get refunds(): PledgeRefund[] {
    return (this.row.refunds ?? []).map((refund) => ({
      ...refund,
      reason: this.own ? refund.reason : null,
      amount: this.money(refund.amount),
    }));
  }
  get dispute(): PledgeDispute | null {
    const { dispute } = this.row;
    return dispute ? { state: dispute.state, amount: this.money(dispute.amount) } : null;
  }

  private money(amount: string | undefined): Money {
    return Money.of(BigInt(amount ?? 0), this.row.currency);
  }
}

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
