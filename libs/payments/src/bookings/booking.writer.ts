import { Injectable } from '@nestjs/common';
import { isRefused } from '#kernel';
import { GroupCommitter, UnitOfWork } from '#platform';
import { Bookkeeper } from '../bookkeeper.js';
import type { Booked, Observed } from './observed.type.js';

const BATCH_MAX = 200;
const LANES = 2;

/**
 * The way in for everything that was read at Stripe, whoever read it: inbox, sweep, charger, or an answer to a call. What
 * comes while a transaction is under way shares the next one; a batch that fails is tried in halves, so that one payment
 * that can't be booked stands in nobody else's way.
 */
@Injectable()
export class BookingWriter {
  readonly #committer: GroupCommitter<readonly Observed[], Booked[]>;

  constructor(uow: UnitOfWork, bookkeeper: Bookkeeper) {
    this.#committer = new GroupCommitter(
      async (batch) => {
        const outcome = await uow.run('payments-book', (tx) => bookkeeper.book(tx, batch.flat()));
        if (isRefused(outcome)) throw new Error('a booking is never refused');
        let next = 0;
        return batch.map((observed) => outcome.slice(next, (next += observed.length)));
      },
      { maxBatch: BATCH_MAX, lanes: LANES },
    );
  }

  /** Resolves after the commit. */
  async book(observed: Observed): Promise<Booked> {
    const [booked] = await this.#committer.submit([observed]);
    if (booked === undefined) throw new Error('an observation was booked without an answer');
    return booked;
  }

  /** What was read of one payment, in this order and in one transaction. Resolves after the commit. */
  bookAll(observed: readonly Observed[]): Promise<Booked[]> {
    return observed.length === 0 ? Promise.resolve([]) : this.#committer.submit(observed);
  }
}
