import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CampaignQueries, type PagePart, type Selection } from '#campaigns';
import { type Page, type PageArgs, pageOf } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';
import { commitmentAccount } from './domain/pledge-postings.rule.js';
import {
  type CashPageRow,
  type ComputePageRow,
  asJson,
  cashSelect,
  computeSelect,
  pageBounds,
} from './store/pledge-page.statement.js';

/** GPU time that a donor committed and that a scheduler may lease from. */
export interface OpenCommitment {
  readonly pledgeId: string;
  readonly contributorId: string;
  readonly pseudonym: string;
  readonly gpuClass: string;
  readonly count: number;
  /** Not yet delivered and not reserved by a lease. */
  readonly remainingMs: bigint;
  readonly commitmentAccount: string;
  /** RFC 5545 recurrence, or null for any time. */
  readonly availability: string | null;
  readonly region: string | null;
}

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

  /** The campaign's accepted commitments that still hold GPU time, oldest first: what a scheduler may lease from. */
  async openCommitments(tx: Tx, campaignId: string): Promise<OpenCommitment[]> {
    const rows = await tx.query<Omit<OpenCommitment, 'commitmentAccount'>>(
      `SELECT p.id AS "pledgeId", p.contributor_id AS "contributorId", p.pseudonym, p.gpu_class AS "gpuClass",
              p.device_count AS count, p.availability, p.region,
              a.credits_posted - a.debits_posted - a.debits_pending AS "remainingMs"
         FROM compute_pledge p
         JOIN ledger_account a ON a.code = 'pledge:' || p.id || ':commitment:' || p.gpu_class
        WHERE p.campaign_id = $1 AND p.state IN ('accepted', 'delivering')
          AND a.credits_posted - a.debits_posted - a.debits_pending > 0
        ORDER BY p.id`,
      [campaignId],
    );
    return rows.map((row) => ({ ...row, commitmentAccount: commitmentAccount(row.pledgeId, row.gpuClass) }));
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
      return asJson(select(asked, limit + 1, after));
    },
    read: (page, asked): Page<Row> =>
      pageOf((page as Row[] | null) ?? [], pageBounds(asked.args).limit, (pledge) => pledge.id),
  };
}
