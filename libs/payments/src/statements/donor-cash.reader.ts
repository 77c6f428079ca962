import { isRefused } from '#kernel';
import type { UnitOfWork } from '#platform';
import type Stripe from 'stripe';
import {
  booksMovedAt,
  customersToRead,
  insertCashEntries,
  knownCashEntries,
  type ProcessorCashEntry,
  saveCashReading,
} from './processor-cash.store.js';

/** Customers that are read in one pull: one call each, so this is also a share of the processor's pace. */
const MOVED_MAX = 200;
const OTHERS_MAX = 50;
/** Cash of which we heard nothing is looked at this often. */
const STALE_MS = 86_400_000;
const PAGE = 100;

/**
 * Copies the movements of donors' cash balances at the processor. They are no part of our own balance there, so the list
 * of balance transactions does not have them. Read newest first until one is known: entries are never changed.
 * @returns how many movements were new.
 */
export async function pullDonorCash(uow: UnitOfWork, stripe: Stripe): Promise<number> {
  const customers = await uow.read((tx) =>
    customersToRead(tx, {
      moved: MOVED_MAX,
      others: OTHERS_MAX,
      staleBefore: new Date(tx.now.getTime() - STALE_MS),
    }),
  );
  let added = 0;
  for (const customer of customers) added += await pullCustomer(uow, stripe, customer);
  return added;
}

async function pullCustomer(
  uow: UnitOfWork,
  stripe: Stripe,
  { customerId, pseudonym }: { customerId: string; pseudonym: string },
): Promise<number> {
  const began = await uow.read(async (tx) => ({ startedAt: tx.now, booksMovedAt: await booksMovedAt(tx, pseudonym) }));
  const fresh: ProcessorCashEntry[] = [];
  let page = await stripe.customers.listCashBalanceTransactions(customerId, { limit: PAGE });
  for (;;) {
    const ids = page.data.map((entry) => entry.id);
    const known = await uow.read((tx) => knownCashEntries(tx, ids));
    fresh.push(...page.data.filter((entry) => !known.has(entry.id)).map((entry) => entryOf(entry, pseudonym)));
    const last = ids.at(-1);
    if (known.size > 0 || !page.has_more || last === undefined) break;
    page = await stripe.customers.listCashBalanceTransactions(customerId, { limit: PAGE, starting_after: last });
  }
  const outcome = await uow.run('cash-statement', async (tx) => {
    // Together: a reading that was cut off leaves no gap below what is known.
    const added = await insertCashEntries(tx, fresh);
    await saveCashReading(tx, customerId, began);
    return added;
  });
  if (isRefused(outcome)) throw new Error('a cash statement is never refused');
  return outcome;
}

const entryOf = (entry: Stripe.CustomerCashBalanceTransaction, pseudonym: string): ProcessorCashEntry => ({
  id: entry.id,
  stripeCustomerId: typeof entry.customer === 'string' ? entry.customer : entry.customer.id,
  pseudonym,
  type: entry.type,
  currency: entry.currency.toUpperCase(),
  netMinor: BigInt(entry.net_amount),
  occurredAt: new Date(entry.created * 1000),
});
