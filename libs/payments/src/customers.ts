import { Inject, Injectable } from '@nestjs/common';
import { isRefused } from '#kernel';
import { GroupCommitter, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { SUBMISSION_MS_MAX } from './domain/payment.machine.js';
import { STRIPE } from './processor/stripe.token.js';
import {
  ensureCustomers,
  findCustomer,
  findCustomers,
  saveCustomerId,
  type CustomerRow,
} from './store/customer.store.js';

/** One customer at Stripe for each donor. Stripe is told the pseudonym and nothing else; the donor tells it the rest. */
@Injectable()
export class Customers {
  /** Whoever asks while a reading is under way shares the next one. */
  readonly #rows: GroupCommitter<string, CustomerRow | undefined>;

  constructor(
    private readonly uow: UnitOfWork,
    @Inject(STRIPE) private readonly stripe: Stripe,
  ) {
    this.#rows = new GroupCommitter(async (pseudonyms) => {
      const rows = await uow.read((tx) => findCustomers(tx, [...new Set(pseudonyms)]));
      return pseudonyms.map((pseudonym) => rows.get(pseudonym));
    });
  }

  /** The id at Stripe; made where there is none. @throws when Stripe does not answer: nothing is lost by asking again. */
  async idOf(pseudonym: string): Promise<string> {
    const known = await this.#rows.submit(pseudonym);
    if (known?.stripe_customer_id != null) return known.stripe_customer_id;
    const row = known ?? (await this.#begin(pseudonym));
    const found = await this.#readBack(row);
    const customerId =
      found ??
      (await this.stripe.customers.create({ metadata: { pseudonym } }, { idempotencyKey: row.idempotency_key })).id;
    const saved = await this.uow.run('customer-known', (tx) => saveCustomerId(tx, pseudonym, customerId));
    if (isRefused(saved)) throw new Error('knowing a customer is never refused');
    return saved;
  }

  async #begin(pseudonym: string): Promise<CustomerRow> {
    const row = await this.uow.run('customer-begin', async (tx) => {
      await ensureCustomers(tx, [pseudonym]);
      return (await findCustomer(tx, pseudonym)) ?? undefined;
    });
    if (row === undefined || isRefused(row)) throw new Error(`${pseudonym} has no customer row`);
    return row;
  }

  /** The key of an old row may be forgotten, and the call would make a second customer: read first. */
  async #readBack(row: CustomerRow): Promise<string | undefined> {
    const now = await this.uow.read((tx) => Promise.resolve(tx.now));
    if (now.getTime() - row.created_at.getTime() < SUBMISSION_MS_MAX) return undefined;
    const query = `metadata['pseudonym']:'${row.contributor_pseudonym}'`;
    const found = await this.stripe.customers.search({ query, limit: 1 });
    return found.data[0]?.id;
  }
}
