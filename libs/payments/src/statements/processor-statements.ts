import { Inject, Injectable } from '@nestjs/common';
import { isRefused } from '#kernel';
import { Ledger, type TransferSpec } from '#ledger';
import { type Tx, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { processorAvailable } from '../domain/postings.rule.js';
import { bankInTransit } from '../payouts/payout.postings.js';
import { idOf } from '../processor/observation.js';
import { createStripe, type StripeSettings } from '../processor/stripe.client.js';
import { STRIPE } from '../processor/stripe.token.js';
import { pullDonorCash } from './donor-cash.reader.js';
import { entriesUntil, insertEntries, type ProcessorEntry, saveWatermark } from './processor-entry.store.js';

/** Movements between the processor and the platform's own bank account. */
export const BANK_TYPES: ReadonlySet<string> = new Set([
  'payout',
  'payout_cancel',
  'payout_failure',
  'topup',
  'topup_reversal',
]);
/** Read again what is so much older than the newest that is known: a movement is listed a little after it is dated. */
const OVERLAP_MS = 10 * 60_000;
const PAGE = 100;

/** Copies the processor's own list of movements, and books those between it and the platform's bank account. */
@Injectable()
export class ProcessorStatements {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
    @Inject(STRIPE) private readonly stripe: Stripe,
  ) {}

  /** For a program that asks once, outside of an application. */
  static of(uow: UnitOfWork, settings: StripeSettings): ProcessorStatements {
    return new ProcessorStatements(uow, new Ledger(), createStripe(settings));
  }

  /**
   * Reads what is new, newest first, a page a transaction. A crash loses nothing: the watermark moves after the last page,
   * and an entry that is read again is known by its id. The watermark is told by the processor's own clock: one of ours that
   * is ahead would skip what it has not heard of.
   * @returns how many movements were new.
   */
  async pull(): Promise<number> {
    const { startedAt, known } = await this.uow.read(async (tx) => ({
      startedAt: tx.now,
      known: await entriesUntil(tx),
    }));
    const from = known === undefined ? 0 : Math.max(0, Math.floor((known.getTime() - OVERLAP_MS) / 1000));
    let page: ProcessorEntry[] = [];
    let added = 0;
    const store = async (): Promise<void> => {
      if (page.length > 0) added += await this.#store(page);
      page = [];
    };
    for await (const transaction of this.stripe.balanceTransactions.list({ created: { gte: from }, limit: PAGE })) {
      page.push(entryOf(transaction));
      if (page.length === PAGE) await store();
    }
    await store();
    await this.uow.run('statement-watermark', async (tx) => {
      await saveWatermark(tx, startedAt);
      return 'saved';
    });
    return added;
  }

  /** The same for what the processor holds for donors. @returns how many movements of their cash were new. */
  pullDonorCash(): Promise<number> {
    return pullDonorCash(this.uow, this.stripe);
  }

  async #store(page: readonly ProcessorEntry[]): Promise<number> {
    const outcome = await this.uow.run('statement-page', async (tx) => {
      const fresh = await insertEntries(tx, page);
      await this.#book(
        tx,
        fresh.filter((entry) => BANK_TYPES.has(entry.type) && entry.amountMinor !== 0n),
      );
      return fresh.length;
    });
    if (isRefused(outcome)) throw new Error('a page of movements is never refused');
    return outcome;
  }

  async #book(tx: Tx, entries: readonly ProcessorEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const currencies = [...new Set(entries.map((entry) => entry.currency))];
    await this.ledger.openAccounts(
      tx,
      currencies.flatMap((unit) =>
        [processorAvailable(unit), bankInTransit(unit)].map((code) => ({ code, unit, limit: 'none' as const })),
      ),
    );
    for (const outcome of await this.ledger.postChains(
      tx,
      entries.map((entry) => [bankPosting(entry)]),
    )) {
      if (isRefused(outcome)) throw new Error(`a payout could not be booked: ${outcome.first.code}`);
    }
  }
}

/** Negative amounts leave the processor for the bank; positive ones came from there, or came back. */
function bankPosting({ id, sourceId, currency, amountMinor }: ProcessorEntry): TransferSpec {
  const leaves = amountMinor < 0n;
  const [processor, transit] = [processorAvailable(currency), bankInTransit(currency)];
  return {
    key: `processor_entry:${id}`,
    kind: 'posted',
    debit: leaves ? transit : processor,
    credit: leaves ? processor : transit,
    amount: leaves ? -amountMinor : amountMinor,
    reason: leaves ? "paid out to the platform's bank account" : "came from the platform's bank account",
    refs: { processor_payout: sourceId ?? id },
  };
}

function entryOf(transaction: Stripe.BalanceTransaction): ProcessorEntry {
  return {
    id: transaction.id,
    type: transaction.type,
    sourceId: idOf(transaction.source) ?? null,
    currency: transaction.currency.toUpperCase(),
    amountMinor: BigInt(transaction.amount),
    feeMinor: BigInt(transaction.fee),
    occurredAt: new Date(transaction.created * 1000),
  };
}
