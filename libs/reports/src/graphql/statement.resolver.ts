import { Args, Query, Resolver } from '@nestjs/graphql';
import {
  Access,
  AFTER_ARG,
  Config,
  CursorKey,
  CurrentViewer,
  FIRST_ARG,
  Money,
  toConnection,
  toGlobalId,
  type Viewer,
} from '#platform';
import type { Definition, ReceiptFacts } from '../domain/statement.js';
import { STATEMENT_FORMATS } from '../render/statement-renderings.js';
import { Statements } from '../statements.js';
import { receiptSlug, type ReceiptVersionRow } from '../store/receipt.store.js';
import {
  CampaignAccountConnection,
  InvoiceConnection,
  Receipt,
  ReceiptConnection,
  type StatementDownload,
  YearlySummaryConnection,
} from './statement.types.js';

type Person = Viewer & { kind: 'contributor' };

/** Lists of what `/statements` lets its readers download, each of one's own. */
@Resolver(() => Receipt)
export class StatementResolver {
  constructor(
    private readonly statements: Statements,
    private readonly config: Config,
  ) {}

  @Access({ scope: 'pledge:write' })
  @Query(() => ReceiptConnection, { description: 'Receipts of the viewer’s pledges, newest pledge first.' })
  async myReceipts(@CurrentViewer() viewer: Person, @Args(FIRST_ARG) first?: number, @Args(AFTER_ARG) after?: string) {
    const page = await this.statements.receipts(viewer, { first, after });
    return toConnection(page, (row) => this.receipt(row), after);
  }

  @Access({ scope: 'pledge:write' })
  @CursorKey(/^\d{4}$/)
  @Query(() => YearlySummaryConnection, { description: 'Years in which the viewer gave, newest first.' })
  async myYearlySummaries(
    @CurrentViewer() viewer: Person,
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
  ) {
    const page = await this.statements.years(viewer, { first, after });
    return toConnection(
      page,
      (row) => ({ ...row, downloads: this.downloads('yearly-summary', `years/${row.year}`) }),
      after,
    );
  }

  @Access({ scope: 'pledge:write' })
  @Query(() => InvoiceConnection, { description: 'Invoices of the viewer’s pledges, newest pledge first.' })
  async myInvoices(@CurrentViewer() viewer: Person, @Args(FIRST_ARG) first?: number, @Args(AFTER_ARG) after?: string) {
    const page = await this.statements.invoices(viewer, { first, after });
    return toConnection(
      page,
      (row) => {
        const { number, issuedAt, dueAt, organisation, campaignTitle, currency } = row;
        const pledgeId = toGlobalId('CashPledge', row.pledgeId);
        const amount = Money.of(row.amountMinor, currency);
        const paid = Money.of(row.collectedMinor, currency);
        const downloads = organisation === null ? [] : this.downloads('invoice', `invoices/${pledgeId}`);
        return { pledgeId, number, issuedAt, dueAt, organisation, campaignTitle, amount, paid, downloads };
      },
      after,
    );
  }

  @Access({ scope: 'campaign:write' })
  @Query(() => CampaignAccountConnection, {
    description:
      'Accounts of campaigns, newest first: for owners, treasurers and auditors those of their projects, for an operator all.',
  })
  async campaignAccounts(
    @CurrentViewer() viewer: Person,
    @Args(FIRST_ARG) first?: number,
    @Args(AFTER_ARG) after?: string,
  ) {
    const page = await this.statements.campaigns(viewer, { first, after });
    return toConnection(
      page,
      ({ id, slug, title }) => {
        const campaignId = toGlobalId('Campaign', id);
        const downloads = this.downloads('campaign-account', `campaigns/${campaignId}`);
        return { campaignId, campaignSlug: slug, campaignTitle: title, downloads };
      },
      after,
    );
  }

  private receipt(row: ReceiptVersionRow): Receipt {
    // Only an erased person's receipts have no text, and he can't ask.
    const { facts } = (JSON.parse(row.signed ?? '{"statement":{}}') as { statement: { facts: ReceiptFacts } })
      .statement;
    const { currency } = facts.pledge;
    const money = (minor: string): Money => Money.of(BigInt(minor), currency);
    const pledgeId = toGlobalId('CashPledge', row.pledgeId);
    return {
      pledgeId,
      number: receiptSlug(row),
      version: row.version,
      issuedAt: row.issuedAt,
      sha256: row.sha256,
      campaignTitle: facts.campaign.title,
      received: money(facts.totals.receivedMinor),
      refunded: money(facts.totals.refundedMinor),
      disputed: money(facts.totals.disputedMinor),
      net: money(facts.totals.netMinor),
      fees: money(facts.totals.feesMinor),
      downloads: this.downloads('receipt', `receipts/${pledgeId}`),
    };
  }

  private downloads(definition: Definition, path: string): StatementDownload[] {
    return STATEMENT_FORMATS[definition].map((format) => ({
      format,
      url: new URL(`/statements/${path}.${format}`, this.config.publicUrl).href,
    }));
  }
}
