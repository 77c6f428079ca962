import { Injectable } from '@nestjs/common';
import { CampaignFunds, type CampaignRow, campaignChart } from '#campaigns';
import { type Outcome, Refused, isRefused } from '#kernel';
import { Ledger } from '#ledger';
import { type PaymentInput, Payments } from '#payments';
import { GroupCommitter, type Tx, UnitOfWork } from '#platform';
import { campaignRefusal, currencyRefusal } from './domain/cash-pledge.rule.js';
import { pledgeEvent, publicBacker } from './domain/pledge-event.rule.js';
import { promise } from './domain/pledge-postings.rule.js';
import { refusePledge } from './pledge.refusal.js';
import {
  type CashPledgeRow,
  type NewCashPledge,
  findByKeys,
  insertCashPledges,
  keyOf,
} from './store/cash-pledge.store.js';

export interface WrittenPledge {
  readonly pledge: CashPledgeRow;
  /** What the pledge's payment is made from. */
  readonly payment: PaymentInput;
  /** The payment that was prepared with the pledge; undefined when the pledge existed before. */
  readonly paymentId: string | undefined;
}

const LANES = 2;
const BATCH_MAX = 500;

/**
 * Writes cash pledges. All that arrive while a write is under way share the next transaction: their rows, payments,
 * promises in the ledger and events go by one statement each, however many they are. A popular campaign's last hour is
 * then a few large commits instead of thousands that queue for the same balance row.
 */
@Injectable()
export class CashPledgeWriter {
  private readonly committer: GroupCommitter<NewCashPledge, Outcome<WrittenPledge>>;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly funds: CampaignFunds,
    private readonly ledger: Ledger,
    private readonly payments: Payments,
  ) {
    this.committer = new GroupCommitter((batch) => this.flush(batch), { maxBatch: BATCH_MAX, lanes: LANES });
  }

  /** Writes the pledge, or finds the one made before under the same key. Answers after the commit. */
  submit(pledge: NewCashPledge): Promise<Outcome<WrittenPledge>> {
    return this.committer.submit(pledge);
  }

  private async flush(batch: readonly NewCashPledge[]): Promise<Outcome<WrittenPledge>[]> {
    const outcome = await this.uow.run('pledges.cash-create', (tx) => this.write(tx, batch));
    if (isRefused(outcome)) throw new Error(`a batch of pledges was refused whole: ${outcome.first.code}`);
    return outcome;
  }

  private async write(tx: Tx, batch: readonly NewCashPledge[]): Promise<Outcome<WrittenPledge>[]> {
    const campaigns = await this.funds.hold(tx, [...new Set(batch.map((p) => p.campaignId))]);
    const fresh = new Map<string, NewCashPledge>();
    const refused = new Map<NewCashPledge, Refused>();
    for (const asked of batch) {
      const refusal = judge(campaigns.get(asked.campaignId), asked, tx.now);
      if (refusal) refused.set(asked, refusal);
      else if (!fresh.has(keyOf(asked))) fresh.set(keyOf(asked), asked);
    }
    const rows = [...(await insertCashPledges(tx, [...fresh.values()])).values()];
    const known = new Map(rows.map((row) => [keyOf(row), row]));
    // Seldom: a key that was used before, perhaps by the other lane a moment ago (its transaction has ended, so its row is
    // visible), or one whose campaign has closed since.
    const unknown = batch.filter((asked) => !known.has(keyOf(asked)));
    if (unknown.length > 0) for (const [key, row] of await findByKeys(tx, unknown)) known.set(key, row);

    const paymentIds = await this.promiseAll(tx, rows, campaigns);
    return batch.map((asked) => {
      const row = known.get(keyOf(asked));
      if (!row) return refused.get(asked) ?? lostRow(asked);
      const campaign = campaigns.get(row.campaignId);
      if (!campaign || !isSame(row, asked)) {
        return refusePledge('PLEDGE_IDEMPOTENCY_MISMATCH', ['input', 'idempotencyKey']);
      }
      return { pledge: row, payment: paymentOf(row, campaign), paymentId: paymentIds.get(row.id) };
    });
  }

  /** Payments, promises in the books and events of new pledges. */
  private async promiseAll(
    tx: Tx,
    rows: readonly CashPledgeRow[],
    campaigns: ReadonlyMap<string, CampaignRow>,
  ): Promise<Map<string, string>> {
    if (rows.length === 0) return new Map();
    const inputs = rows.map((row) => {
      const campaign = campaigns.get(row.campaignId);
      if (!campaign) throw new Error(`pledge ${row.id} has no campaign`);
      return paymentOf(row, campaign);
    });
    const prepared = await this.payments.preparePayments(tx, inputs);
    if (isRefused(prepared)) throw new Error(`payments refused what pledges accepted: ${prepared.first.code}`);
    for (const row of rows) {
      tx.emit(
        pledgeEvent('pledge.cash.created', row.campaignId, {
          pledgeId: row.id,
          contributor: publicBacker(row.pseudonym, row.isAnonymous),
          amountMinor: String(row.amountMinor),
          currency: row.currency,
        }),
      );
    }
    // Last, because it takes the hot balance rows: they stay locked until the commit.
    const posted = await this.ledger.post(
      tx,
      rows.map((row) => promise(row, row.promises)),
    );
    if (isRefused(posted)) throw new Error(`the ledger refused promises: ${posted.first.code}`);
    return new Map(rows.map((row, index) => [row.id, prepared[index] ?? '']));
  }
}

function judge(campaign: CampaignRow | undefined, asked: NewCashPledge, now: Date): Refused | undefined {
  const closed = campaignRefusal(campaign, now);
  if (closed || !campaign) return closed;
  return currencyRefusal(campaign, asked.currency);
}

const isSame = (row: CashPledgeRow, asked: NewCashPledge): boolean =>
  row.campaignId === asked.campaignId &&
  row.amountMinor === asked.amountMinor &&
  row.currency === asked.currency &&
  row.isAnonymous === asked.isAnonymous;

function lostRow(asked: NewCashPledge): never {
  throw new Error(`pledge under key ${asked.idempotencyKey} was neither written nor found`);
}

const paymentOf = (row: CashPledgeRow, campaign: CampaignRow): PaymentInput => ({
  reference: row.id,
  purpose: 'pledge',
  beneficiaryId: row.campaignId,
  rail: 'card',
  amountMinor: row.amountMinor,
  currency: row.currency,
  debtAccount: `campaign:${row.campaignId}:debt:${row.currency}`,
  escrowAccount: campaignChart.of(row.campaignId, campaign.gpuClass).escrow,
  refundsPayableAccount: campaignChart.of(row.campaignId, campaign.gpuClass).refundsPayable,
  description: `Pledge to ${campaign.title}`,
  contributorPseudonym: row.pseudonym,
});
