import { type Config, GpuTime, Money, toGlobalId } from '#platform';
import type { CashPageRow, ComputePageRow } from '../store/pledge-page.statement.js';
import type { FundingInstructions } from '#payments';
import type { PledgePayment, PledgeTransferInstructions } from './pledge.input.js';
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
  get collected(): Money {
    return this.money(this.row.collected);
  }
  get counted(): Money {
    return Money.of(BigInt(this.row.counted ?? 0), this.row.countedCurrency);
  }
  get exchangeRate(): string | null {
    return this.row.exchangeRate ?? null;
  }
  get rail(): string {
    return this.row.rail ?? 'card';
  }
  get chargedAtClose(): boolean {
    return this.row.chargedAtClose ?? false;
  }
  get instalments(): number {
    return this.row.instalments ?? 1;
  }
  get termsVersion(): number {
    return this.row.termsVersion ?? 1;
  }
  get state(): string {
    return this.row.state ?? '';
  }
  get contributor(): PledgeBacker {
    const { anonymous, name, pseudonym } = this.row;
    return anonymous && !this.own ? ANONYMOUS_BACKER : backer(name, pseudonym);
  }
  get anonymous(): boolean {
    return this.row.anonymous ?? false;
  }
  get createdAt(): string {
    return this.row.createdAt ?? '';
  }
  get failureCode(): string | null {
    return this.own ? (this.row.failureCode ?? null) : null;
  }
  get nextAt(): string | null {
    return this.own ? (this.row.nextAt ?? null) : null;
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

/** What the browser confirms with, of Stripe or of what stands in for it. */
export const toPledgePayment = (
  step: { readonly clientSecret: string | undefined; readonly status: string },
  savesMethod: boolean,
  { stripe }: Config,
): PledgePayment => ({
  clientSecret: step.clientSecret ?? null,
  savesMethod,
  publishableKey: stripe.publishableKey,
  apiBase: stripe.apiBase?.href ?? null,
  status: step.status,
});

/** "account_number" as people read it. */
const label = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');

export const toTransfer = (instructions: FundingInstructions): PledgeTransferInstructions => ({
  currency: instructions.currency,
  accounts: instructions.addresses.map((address) =>
    Object.entries(address.fields).map(([name, value]) => ({ label: label(name), value })),
  ),
});
