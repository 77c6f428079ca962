import { Injectable } from '@nestjs/common';
import { CampaignFunds, type CampaignRow } from '#campaigns';
import { type Outcome, type Refused, isRefused } from '#kernel';
import { Ledger } from '#ledger';
import { PaymentMethods, Payments } from '#payments';
import { GroupCommitter, type Tx, UnitOfWork } from '#platform';
import { type AskedPledge, beginning, campaignRefusal } from './domain/cash-pledge.rule.js';
import { paymentInputs } from './domain/payment-input.rule.js';
import { capFilled, pledgeEvent, publicBacker } from './domain/pledge-event.rule.js';
import { promise } from './domain/pledge-postings.rule.js';
import { refusePledge } from './pledge.refusal.js';
import { PledgeRates } from './pledge.rates.js';
import {
  type CashPledgeRow,
  type NewCashPledge,
  findByKeys,
  insertCashPledges,
  keyOf,
} from './store/cash-pledge.store.js';
import { issueInvoices } from './store/invoice.store.js';

export interface WrittenPledge {
  readonly pledge: CashPledgeRow;
  readonly campaign: CampaignRow;
  /** The payment that was prepared with the pledge; undefined when there is none, or the pledge existed before. */
  readonly paymentId: string | undefined;
  /** The saving of a method that was prepared with the pledge. */
  readonly setupId: string | undefined;
}

const LANES = 2;
const BATCH_MAX = 500;
/**
 * A promise by bank transfer costs nothing, and all promises of a currency share one account of 64 bits: what one campaign
 * may be promised is bounded, so that nobody can fill it for all. Looked at for pledges from a billion dollars on.
 */
const PROMISES_MINOR_MAX = 10n ** 15n;
const LARGE_MINOR = 10n ** 11n;
const NOTHING_PAID: ReadonlySet<number> = new Set();

/**
 * Writes cash pledges. All that arrive while a write is under way share the next transaction: their rows, payments,
 * promises in the ledger and events go by one statement each, however many they are. A popular campaign's last hour is
 * then a few large commits instead of thousands that queue for the same balance row.
 */
@Injectable()
export class CashPledgeWriter {
  private readonly committer: GroupCommitter<AskedPledge, Outcome<WrittenPledge>>;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly funds: CampaignFunds,
    private readonly ledger: Ledger,
    private readonly payments: Payments,
    private readonly methods: PaymentMethods,
    private readonly rates: PledgeRates,
  ) {
    this.committer = new GroupCommitter((batch) => this.flush(batch), { maxBatch: BATCH_MAX, lanes: LANES });
  }

  /** Writes the pledge, or finds the one made before under the same key. Answers after the commit. */
  submit(pledge: AskedPledge): Promise<Outcome<WrittenPledge>> {
    return this.committer.submit(pledge);
  }

  private async flush(batch: readonly AskedPledge[]): Promise<Outcome<WrittenPledge>[]> {
    const outcome = await this.uow.run('pledges.cash-create', (tx) => this.write(tx, batch));
    if (isRefused(outcome)) throw new Error(`a batch of pledges was refused whole: ${outcome.first.code}`);
    return outcome;
  }

  /** The same inside a unit of work of the caller: a plan's month begins with the plan's own change. */
  async write(tx: Tx, batch: readonly AskedPledge[]): Promise<Outcome<WrittenPledge>[]> {
    const campaigns = await this.funds.hold(tx, [...new Set(batch.map((p) => p.campaignId))]);
    const { fresh, refused } = await this.judge(tx, batch, campaigns);
    const rows = await insertCashPledges(tx, [...fresh.values()]);
    const known = new Map(rows.map((row) => [keyOf(row), row]));
    // Seldom: a key that was used before, perhaps by the other lane a moment ago (its transaction has ended, so its row is
    // visible), or one whose campaign has closed since.
    const unknown = batch.filter((asked) => !known.has(keyOf(asked)));
    if (unknown.length > 0) for (const [key, row] of await findByKeys(tx, unknown)) known.set(key, row);

    const begun = await this.begin(tx, rows, campaigns, batch);
    return batch.map((asked) => {
      const row = known.get(keyOf(asked));
      if (!row) return refused.get(asked) ?? lostRow(asked);
      const campaign = campaigns.get(row.campaignId);
      if (!campaign || !isSame(row, asked)) {
        return refusePledge('PLEDGE_IDEMPOTENCY_MISMATCH', ['input', 'idempotencyKey']);
      }
      return { pledge: row, campaign, paymentId: begun.payments.get(row.id), setupId: begun.setups.get(row.id) };
    });
  }

  /** Which of them begin now: each key once, and no more than there is room for under a campaign's hard cap. */
  private async judge(
    tx: Tx,
    batch: readonly AskedPledge[],
    campaigns: ReadonlyMap<string, CampaignRow>,
  ): Promise<{ fresh: Map<string, NewCashPledge>; refused: Map<AskedPledge, Refused> }> {
    const fresh = new Map<string, NewCashPledge>();
    const refused = new Map<AskedPledge, Refused>();
    const room = new Map<string, bigint>();
    const large = new Set(batch.filter((asked) => asked.amountMinor >= LARGE_MINOR).map((asked) => asked.campaignId));
    for (const campaign of campaigns.values()) {
      const isLarge = large.has(campaign.id);
      if (campaign.plan.hardCapMinor === null && !isLarge) continue;
      // Holds the campaign's totals until the commit: the next writer counts what this one takes.
      const left = await this.funds.remainingToCapMinor(tx, campaign.id, isLarge ? PROMISES_MINOR_MAX : undefined);
      if (left !== null) room.set(campaign.id, left);
    }
    for (const asked of batch) {
      if (fresh.has(keyOf(asked))) continue;
      const campaign = campaigns.get(asked.campaignId);
      const closed = campaignRefusal(campaign, tx.now);
      if (closed || !campaign) {
        if (closed) refused.set(asked, closed);
        continue;
      }
      const at = await this.rates.counted(tx, asked, campaign.currency);
      const pledge = isRefused(at) ? at : beginning(asked, campaign, at);
      const isBound = campaign.plan.hardCapMinor !== null || asked.amountMinor >= LARGE_MINOR;
      const left = isBound ? room.get(campaign.id) : undefined;
      if (isRefused(pledge)) refused.set(asked, pledge);
      else if (left !== undefined && pledge.countedMinor > left) refused.set(asked, capRefusal(left, campaign));
      else {
        fresh.set(keyOf(asked), pledge);
        // A card that is yet to be saved takes room when it is.
        if (left === undefined || !pledge.isPromised) continue;
        room.set(campaign.id, left - pledge.countedMinor);
        if (left === pledge.countedMinor && campaign.plan.hardCapMinor !== null) tx.emit(capFilled(campaign.id));
      }
    }
    return { fresh, refused };
  }

  /** Payments or savings of methods, promises in the books and events of new pledges. */
  private async begin(
    tx: Tx,
    rows: readonly CashPledgeRow[],
    campaigns: ReadonlyMap<string, CampaignRow>,
    batch: readonly AskedPledge[],
  ): Promise<{ payments: Map<string, string>; setups: Map<string, string> }> {
    if (rows.length === 0) return { payments: new Map(), setups: new Map() };
    const campaignOf = (row: CashPledgeRow): CampaignRow => {
      const campaign = campaigns.get(row.campaignId);
      if (!campaign) throw new Error(`pledge ${row.id} has no campaign`);
      return campaign;
    };
    await this.openAccounts(tx, rows, campaignOf);
    const payments = await this.preparePayments(tx, rows, campaignOf);
    const setups = await this.prepareSetups(tx, rows);
    const invoices = new Map(batch.flatMap((asked) => (asked.billing ? [[keyOf(asked), asked.billing] as const] : [])));
    if (invoices.size > 0) await issueInvoices(tx, rows, invoices);
    for (const row of rows) {
      tx.emit(
        pledgeEvent('pledge.cash.created', row.campaignId, {
          pledgeId: row.id,
          contributor: publicBacker(row.pseudonym, row.isAnonymous),
          amountMinor: String(row.amountMinor),
          currency: row.currency,
          countedMinor: String(row.countedMinor),
          rail: row.rail,
          termsVersion: row.termsVersion,
        }),
      );
    }
    await this.bookPromises(tx, rows);
    return { payments, setups };
  }

  private async openAccounts(
    tx: Tx,
    rows: readonly CashPledgeRow[],
    campaignOf: (row: CashPledgeRow) => CampaignRow,
  ): Promise<void> {
    const foreign = rows.filter((row) => row.currency !== campaignOf(row).currency);
    const keys = new Set(foreign.map((row) => `${row.campaignId} ${row.currency}`));
    for (const key of keys) {
      const [campaignId = '', currency = ''] = key.split(' ');
      await this.funds.openCashAccounts(tx, campaignId, currency);
    }
  }

  private async preparePayments(
    tx: Tx,
    rows: readonly CashPledgeRow[],
    campaignOf: (row: CashPledgeRow) => CampaignRow,
  ): Promise<Map<string, string>> {
    const paying = rows.filter((row) => row.state === 'created' || row.state === 'charging');
    const inputs = paying.flatMap((row) => paymentInputs(row, campaignOf(row), NOTHING_PAID));
    if (inputs.length === 0) return new Map();
    const prepared = await this.payments.preparePayments(tx, inputs);
    if (isRefused(prepared)) throw new Error(`payments refused what pledges accepted: ${prepared.first.code}`);
    return new Map(inputs.map((input, index) => [input.reference, prepared[index] ?? '']));
  }

  private async prepareSetups(tx: Tx, rows: readonly CashPledgeRow[]): Promise<Map<string, string>> {
    const saving = rows.filter((row) => row.state === 'method_required');
    if (saving.length === 0) return new Map();
    const prepared = await this.methods.prepareSetups(
      tx,
      saving.map((row) => setupInput(row)),
    );
    if (isRefused(prepared)) throw new Error(`payments refused to save a method: ${prepared.first.code}`);
    return new Map(saving.map((row, index) => [row.id, prepared[index] ?? '']));
  }

  /** Last, because it takes the hot balance rows: they stay locked until the commit. */
  private async bookPromises(tx: Tx, rows: readonly CashPledgeRow[]): Promise<void> {
    const promised = rows.filter((row) => row.isPromised);
    if (promised.length === 0) return;
    const totals = new Map<string, bigint>();
    for (const row of promised) totals.set(row.campaignId, (totals.get(row.campaignId) ?? 0n) + row.countedMinor);
    for (const [campaignId, promisedMinor] of [...totals].sort(([a], [b]) => (a < b ? -1 : 1)))
      await this.funds.book(tx, campaignId, { promisedMinor });
    const posted = await this.ledger.post(
      tx,
      promised.map((row) => promise(row, row.amountMinor, row.promises, 'cash pledge promised')),
    );
    if (isRefused(posted)) throw new Error(`the ledger refused promises: ${posted.first.code}`);
  }
}

/** What is asked of payments to save a method for a pledge. */
export const setupInput = (row: Pick<CashPledgeRow, 'id' | 'pseudonym' | 'rail' | 'campaignId'>) => ({
  reference: row.id,
  purpose: 'pledge' as const,
  contributorPseudonym: row.pseudonym,
  rail: row.rail,
  beneficiaryId: row.campaignId,
});

const capRefusal = (leftMinor: bigint, { plan, currency }: CampaignRow): Refused =>
  refusePledge(
    plan.hardCapMinor === null ? 'PLEDGE_AMOUNT_TOO_LARGE' : 'PLEDGE_HARD_CAP',
    ['input', 'amountMinor'],
    leftMinor > 0n ? `Room is left for ${leftMinor} minor units of ${currency}.` : 'No room is left.',
  );

const isSame = (row: CashPledgeRow, asked: AskedPledge): boolean =>
  row.campaignId === asked.campaignId &&
  row.amountMinor === asked.amountMinor &&
  row.currency === asked.currency &&
  row.rail === asked.rail &&
  row.isAnonymous === asked.isAnonymous;

function lostRow(asked: AskedPledge): never {
  throw new Error(`pledge under key ${asked.idempotencyKey} was neither written nor found`);
}
