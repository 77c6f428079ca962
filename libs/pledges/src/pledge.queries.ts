import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CampaignQueries, type PagePart, type Selection } from '#campaigns';
import { type Page, type PageArgs, pageOf } from '#kernel';
import { UnitOfWork } from '#platform';
import { type SettlementRow, settlementOf } from './store/close.store.js';
import { type InvoiceData, type ReceiptData, invoiceOf, invoicesOf, receiptsOf } from './store/invoice.store.js';
import { type PlanRow, plansOf } from './store/plan.store.js';
import {
  type CashPageRow,
  type ComputePageRow,
  asJson,
  cashSelect,
  computeSelect,
  pageBounds,
} from './store/pledge-page.statement.js';

/** Reads of pledges, and the parts of the campaign page that pledges deliver. */
@Injectable()
export class PledgeQueries implements OnModuleInit {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly campaigns: CampaignQueries,
  ) {}

  onModuleInit(): void {
    this.campaigns.addPart(
      pagePart<CashPageRow>('pledges', (asked, limit, after) =>
        cashSelect('p.campaign_id = c.id', limit, after, asked),
      ),
    );
    this.campaigns.addPart(
      pagePart<ComputePageRow>('computePledges', (_, limit, after) =>
        computeSelect('p.campaign_id = c.id', limit, after),
      ),
    );
  }

  cashOf(by: 'campaign_id' | 'contributor_id', id: string, args: PageArgs): Promise<Page<CashPageRow>> {
    const { limit, after } = pageBounds(args);
    return this.list(cashSelect(`p.${by} = $1`, limit + 1, after), id, limit);
  }

  computeOf(by: 'campaign_id' | 'contributor_id', id: string, args: PageArgs): Promise<Page<ComputePageRow>> {
    const { limit, after } = pageBounds(args);
    return this.list(computeSelect(`p.${by} = $1`, limit + 1, after), id, limit);
  }

  async cash(id: string): Promise<CashPageRow | undefined> {
    return (await this.list<CashPageRow>(cashSelect('p.id = $1', 1), id, 1)).nodes[0];
  }

  async compute(id: string): Promise<ComputePageRow | undefined> {
    return (await this.list<ComputePageRow>(computeSelect('p.id = $1', 1), id, 1)).nodes[0];
  }

  /** A person's monthly pledges. */
  plans(contributorId: string): Promise<PlanRow[]> {
    return this.uow.read((tx) => plansOf(tx, contributorId));
  }

  /** How far the newest close of the campaign is. */
  settlement(campaignId: string): Promise<SettlementRow | undefined> {
    return this.uow.read((tx) => settlementOf(tx, campaignId));
  }

  /** What the invoice of a pledge says, where it has one. */
  invoiceData(pledgeId: string): Promise<InvoiceData | undefined> {
    return this.uow.read((tx) => invoiceOf(tx, pledgeId));
  }

  /** Invoices of a person's pledges, newest first. */
  async invoices(contributorId: string, args: PageArgs): Promise<Page<InvoiceData>> {
    const { limit, after } = pageBounds(args);
    const rows = await this.uow.read((tx) => invoicesOf(tx, contributorId, { before: after, limit: limit + 1 }));
    return pageOf(rows, limit, (row) => row.pledgeId);
  }

  /** What the receipt of one pledge says, or of all that a person gave in a span of time. Empty where no money came. */
  receiptData(
    by: { readonly pledgeId: string } | { readonly contributorId: string; readonly from: Date; readonly until: Date },
  ): Promise<ReceiptData[]> {
    return this.uow.read((tx) => receiptsOf(tx, by));
  }

  private async list<Row extends { id: string }>(select: string, id: string, limit: number): Promise<Page<Row>> {
    const [row] = await this.uow.read((tx) => tx.query<{ page: Row[] | null }>(asJson(select), [id]));
    return pageOf(row?.page ?? [], limit, (pledge) => pledge.id);
  }
}

function pagePart<Row extends { id: string }>(
  field: string,
  select: (asked: Selection, limit: number, after: string | undefined) => string,
): PagePart {
  return {
    field,
    lateral: (asked) => {
      const { limit, after } = pageBounds(asked.args);
      // One more than is shown tells whether there is more, for those who ask.
      const ahead = asked.children.some((child) => child.name === 'pageInfo') ? 1 : 0;
      return asJson(select(asked, limit + ahead, after));
    },
    read: (page, asked): Page<Row> =>
      pageOf((page as Row[] | null) ?? [], pageBounds(asked.args).limit, (pledge) => pledge.id),
  };
}
