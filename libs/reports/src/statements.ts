import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { requireProjectRole } from '#identity';
import { canonicalJson, decodeCursor, isRefused, isUuid, type Page, type PageArgs, pageOf, pageSize } from '#kernel';
import { BankTransfers } from '#payments';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { PledgeQueries } from '#pledges';
import { TransparencyLog } from '#transparency';
import { bytes } from '#transparency/pure';
import { SIGNED_STATEMENT_FORMAT, type SignedStatement } from './domain/signed-statement.js';
import {
  accountSums,
  type ReceiptFacts,
  type Statement,
  statement,
  statementText,
  totalsOf,
  type YearEntry,
  yearSums,
} from './domain/statement.js';
import {
  insertReceipt,
  insertReceiptVersion,
  lockReceipt,
  receiptOf,
  receiptSlug,
  receiptsOfPerson,
  type ReceiptVersionRow,
} from './store/receipt.store.js';
import {
  campaignOf,
  campaignPostings,
  computeOf,
  entriesOf,
  giftsOf,
  givingYears,
  ledgerSums,
  payerOf,
  pledgeFacts,
  readableCampaigns,
} from './store/statement.store.js';

type Person = Viewer & { kind: 'contributor' };

const digestOf = (of: Statement): string => createHash('sha256').update(statementText(of)).digest('hex');

/** Receipts, invoices, yearly summaries and accounts of campaigns, signed by the key of the log. */
@Injectable()
export class Statements {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly log: TransparencyLog,
    private readonly pledges: PledgeQueries,
    private readonly transfers: BankTransfers,
  ) {}

  /**
   * Issues the next version of a pledge's receipt, inside the caller's transaction, when its money says something else
   * than the last version did; so it may be called for every event, however often. Does nothing before money came.
   */
  async issueReceipt(tx: Tx, pledgeId: string): Promise<void> {
    await lockReceipt(tx, pledgeId);
    const pledge = await pledgeFacts(tx, pledgeId);
    const entries = (await entriesOf(tx, [pledgeId])).map(({ entry }) => entry);
    if (!pledge || !entries.some((entry) => entry.kind === 'payment')) return;
    const last = await receiptOf(tx, pledgeId);
    const before = last?.signed ? (JSON.parse(last.signed) as { statement: { facts: ReceiptFacts } }).statement : null;
    const facts: ReceiptFacts = {
      // A name that changed later is no reason to correct what was said.
      payer: before?.facts.payer ?? pledge.payer,
      campaign: before?.facts.campaign ?? pledge.campaign,
      terms: { version: pledge.termsVersion, sha256: pledge.termsSha256 },
      pledge: {
        id: pledgeId,
        at: pledge.at.toISOString(),
        rail: pledge.rail,
        amountMinor: String(pledge.amountMinor),
        currency: pledge.currency,
        countedMinor: String(pledge.countedMinor),
        countedCurrency: pledge.countedCurrency,
        exchangeRate: pledge.exchangeRate,
        month: pledge.month,
      },
      entries,
      totals: totalsOf(entries),
    };
    if (before && canonicalJson(before.facts) === canonicalJson(facts)) return;
    const named = last ?? (await insertReceipt(tx, { pledgeId, contributorId: pledge.contributorId }));
    const version = (last?.version ?? 0) + 1;
    const issued = statement('receipt', receiptSlug(named), facts, moments(entries), {
      version,
      corrects: last ? { version: last.version, sha256: last.sha256 } : null,
    });
    const signed = canonicalJson(await this.sign(issued));
    await insertReceiptVersion(tx, { pledgeId, version, sha256: digestOf(issued), signed });
  }

  /** The signed receipt of a pledge of the viewer's own: the newest version, or the one asked for. */
  async receipt(viewer: Person, pledgeId: string, version?: number): Promise<string | undefined> {
    const row = await this.uow.read((tx) => receiptOf(tx, pledgeId, version));
    return row?.contributorId === viewer.contributorId ? (row.signed ?? undefined) : undefined;
  }

  /** Newest versions of the viewer's receipts. */
  async receipts(viewer: Person, args: PageArgs): Promise<Page<ReceiptVersionRow>> {
    const limit = pageSize(args.first);
    const cursor = decodeCursor(args.after);
    const before = cursor !== undefined && isUuid(cursor) ? cursor : undefined;
    const rows = await this.uow.read((tx) => receiptsOfPerson(tx, viewer.contributorId, { before, limit: limit + 1 }));
    return pageOf(rows, limit, (row) => row.pledgeId);
  }

  /** The years of which there is a summary for the viewer, newest first. */
  async years(viewer: Person, args: PageArgs): Promise<Page<{ year: number; isRunning: boolean }>> {
    const limit = pageSize(args.first);
    const before = Number(decodeCursor(args.after) ?? Infinity);
    return this.uow.read(async (tx) => {
      const years = (await givingYears(tx, viewer.contributorId)).filter((year) => year < before);
      const running = tx.now.getUTCFullYear();
      const rows = years.map((year) => ({ year, isRunning: year === running }));
      return pageOf(rows, limit, (row) => String(row.year));
    });
  }

  /** Invoices of the viewer's own pledges, newest first. */
  invoices(viewer: Person, args: PageArgs): ReturnType<PledgeQueries['invoices']> {
    return this.pledges.invoices(viewer.contributorId, args);
  }

  /** Campaigns whose account the viewer may read, newest first. */
  async campaigns(
    viewer: Person,
    args: PageArgs,
  ): Promise<Page<Awaited<ReturnType<typeof readableCampaigns>>[number]>> {
    const limit = pageSize(args.first);
    const cursor = decodeCursor(args.after);
    const before = cursor !== undefined && isUuid(cursor) ? cursor : undefined;
    const { contributorId, platformRoles } = viewer;
    const reader = { contributorId, isOperator: platformRoles.has('operator') };
    const rows = await this.uow.read((tx) => readableCampaigns(tx, reader, { before, limit: limit + 1 }));
    return pageOf(rows, limit, (row) => row.id);
  }

  /** The invoice of a pledge of the viewer's own, where it has one and its addressee was not erased. */
  async invoice(viewer: Person, pledgeId: string): Promise<string | undefined> {
    const row = await this.pledges.invoiceData(pledgeId);
    if (row?.contributorId !== viewer.contributorId || row.organisation === null || row.address === null)
      return undefined;
    const where = await this.transfers.instructions(viewer.pseudonym, row.currency);
    if (isRefused(where)) throw new Error(`An invoice in ${row.currency} has no account to pay to.`);
    const invoice = statement(
      'invoice',
      `invoice-${row.number.toLowerCase()}`,
      {
        addressee: {
          organisation: row.organisation,
          address: row.address,
          taxId: row.taxId,
          reference: row.reference,
        },
        campaign: { id: row.campaignId, title: row.campaignTitle },
        pledgeId,
        issuedAt: row.issuedAt.toISOString(),
        dueAt: row.dueAt.toISOString(),
        amountMinor: String(row.amountMinor),
        currency: row.currency,
        accounts: where.addresses,
      },
      [row.issuedAt.toISOString()],
    );
    return canonicalJson(await this.sign(invoice));
  }

  /** All that the viewer gave and got back in a calendar year (UTC). The year that runs is told as far as it went. */
  async year(viewer: Person, year: number): Promise<string | undefined> {
    const from = new Date(Date.UTC(year, 0, 1));
    const until = new Date(Date.UTC(year + 1, 0, 1));
    const found = await this.uow.read(async (tx) => {
      const payer = await payerOf(tx, viewer.contributorId);
      const gifts = new Map((await giftsOf(tx, viewer.contributorId, until)).map((gift) => [gift.reference, gift]));
      const all = await entriesOf(tx, [...gifts.keys()], until);
      const entries = all.flatMap(({ reference, entry }): YearEntry[] => {
        const gift = gifts.get(reference);
        if (!gift || entry.at < from.toISOString()) return [];
        return [{ ...entry, beneficiary: gift.beneficiary, receipt: gift.receipt }];
      });
      return { payer, entries, compute: await computeOf(tx, viewer.contributorId, from, until) };
    });
    if (!found.payer) return undefined;
    const { payer, entries, compute } = found;
    const summary = statement(
      'yearly-summary',
      `summary-${year}-${viewer.pseudonym.slice(-12)}`,
      { payer, year, entries, ...yearSums(entries), compute },
      moments(entries),
    );
    return canonicalJson(await this.sign(summary));
  }

  /** All postings of a campaign's money, for its owners, treasurers and auditors and for operators. */
  async campaign(viewer: Person, campaignId: string): Promise<string | undefined> {
    const found = await this.uow.read(async (tx) => {
      const campaign = await campaignOf(tx, campaignId);
      if (!campaign) return undefined;
      const denied =
        !viewer.platformRoles.has('operator') &&
        (await requireProjectRole(tx, viewer, campaign.projectId, ['treasurer', 'auditor']));
      if (denied) return undefined;
      const { id, title } = campaign;
      const postings = await campaignPostings(tx, campaignId);
      return { campaign: { id, title }, postings, ledger: await ledgerSums(tx, campaignId) };
    });
    if (!found) return undefined;
    const facts = { ...found, accounts: accountSums(found.postings) };
    const account = statement('campaign-account', `account-${campaignId}`, facts, moments(found.postings));
    return canonicalJson(await this.sign(account));
  }

  private async sign(of: Statement): Promise<SignedStatement> {
    const key = await this.log.signingKey();
    const value = bytes.toBase64(key.sign(bytes.utf8(statementText(of))));
    return {
      format: SIGNED_STATEMENT_FORMAT,
      statement: of,
      signature: { algorithm: 'Ed25519', key: key.verifierKeyText, value },
    };
  }
}

const moments = (of: readonly { readonly at: string }[]): string[] => of.map(({ at }) => at);
