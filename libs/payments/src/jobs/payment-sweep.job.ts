import { Inject } from '@nestjs/common';
import { isRefused } from '#kernel';
import { type Clockwork, ClockworkTask, Config, LOGGER, type Logger, UnitOfWork } from '#platform';
import { CashReturns } from '../cash-returns.js';
import { Charger } from '../charger.js';
import { nextSubmitMs, SUBMISSION_MS_MAX } from '../domain/payment.machine.js';
import { PaymentMethods } from '../payment-methods.js';
import { Refunds } from '../refunds.js';
import { claimDueCashReturns, type CashReturnRow } from '../store/cash.store.js';
import { claimDuePayments, postponePayment, type PaymentRow } from '../store/payment.store.js';
import { claimDueRefunds, postponeRefund, type RefundRow } from '../store/refund.store.js';
import { claimDueReleases, postponeRelease, type SavedMethodRow } from '../store/saved-method.store.js';
import { claimDueSetups, type SetupRow } from '../store/setup.store.js';
import { Synchronizer } from '../synchronizer.js';

const LEASE_MS = 60_000;
/** How many rows each lane has before it, so that a slow processor never holds rows longer than their lease. */
const ROWS_A_LANE = 8;

/**
 * The charger, and what finishes that which a crash, a lost answer or a lost webhook left open: charges what was prepared
 * to be charged without its payer, submits rows that Stripe has not confirmed with their old key, cancels those that nobody
 * wants any more, and asks about what has been quiet for long. A hundred thousand due rows are worked off in one tick, as
 * fast as the processor allows; a process that dies in between gives its rows back with their lease.
 */
@ClockworkTask()
export class PaymentSweepJob implements Clockwork {
  readonly name = 'payment-sweep';
  readonly everyMs = 1000;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly config: Config,
    private readonly charger: Charger,
    private readonly refunds: Refunds,
    private readonly methods: PaymentMethods,
    private readonly cashReturns: CashReturns,
    private readonly synchronizer: Synchronizer,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async tick(): Promise<void> {
    const lanes = this.config.stripe.callsAtOnce;
    const limit = lanes * ROWS_A_LANE;
    for (;;) {
      const work = await this.#claim(limit);
      const queue = [...work.tasks];
      const bookings: Promise<unknown>[] = [];
      const lane = async (): Promise<void> => {
        for (let task = queue.shift(); task !== undefined; task = queue.shift())
          bookings.push(...(await this.#begun(task)));
      };
      await Promise.all(Array.from({ length: lanes }, lane));
      await Promise.all(bookings);
      if (work.most < limit) return;
    }
  }

  async #claim(limit: number): Promise<{ tasks: Task[]; most: number }> {
    const due = await this.uow.run('sweep-claim', async (tx) => {
      const leaseUntil = new Date(tx.now.getTime() + LEASE_MS);
      return {
        now: tx.now,
        payments: await claimDuePayments(tx, limit, leaseUntil),
        refunds: await claimDueRefunds(tx, limit, leaseUntil),
        setups: await claimDueSetups(tx, limit, leaseUntil),
        releases: await claimDueReleases(tx, limit, leaseUntil),
        cashReturns: await claimDueCashReturns(tx, limit, leaseUntil),
      };
    });
    if (isRefused(due)) throw new Error('claiming what is due is never refused');
    const { now, payments, refunds, setups, releases, cashReturns } = due;
    const methods = await this.charger.methodsOf(payments);
    const intents = await this.refunds.intentsOf(refunds);
    const tasks: Task[] = [
      ...payments.map((row) => this.#paymentTask(row, now, methods)),
      ...refunds.map((row) => this.#refundTask(row, now, intents)),
      ...setups.map((row) => this.#setupTask(row, now)),
      ...releases.map((row) => this.#releaseTask(row)),
      ...cashReturns.map((row) => this.#cashReturnTask(row, now)),
    ];
    const most = Math.max(payments.length, refunds.length, setups.length, releases.length, cashReturns.length);
    return { tasks, most };
  }

  #paymentTask(row: PaymentRow, now: Date, methods: Methods): Task {
    return { id: row.id, work: () => this.#payment(row, now, methods), postpone: () => this.#postponePayment(row) };
  }

  #refundTask(row: RefundRow, now: Date, intents: ReadonlyMap<string, string>): Task {
    const intentId = intents.get(row.payment_id) ?? '';
    return { id: row.id, work: () => this.#refund(row, now, intentId), postpone: () => this.#postponeRefund(row) };
  }

  #setupTask(row: SetupRow, now: Date): Task {
    return { id: row.id, work: () => this.methods.advance(row, now), postpone: () => this.methods.postpone(row) };
  }

  #releaseTask(row: SavedMethodRow): Task {
    const postpone = async (): Promise<void> => {
      await this.uow.run('sweep-postpone', (tx) =>
        postponeRelease(tx, row.id, new Date(tx.now.getTime() + nextSubmitMs(row.checks))),
      );
    };
    return { id: row.id, work: () => this.methods.detach(row), postpone };
  }

  #cashReturnTask(row: CashReturnRow, now: Date): Task {
    return {
      id: row.id,
      work: () => this.cashReturns.advance(row, now),
      postpone: () => this.cashReturns.postpone(row),
    };
  }

  async #payment(row: PaymentRow, now: Date, methods: Methods): Promise<Begun | void> {
    const isForgotten = now.getTime() - row.created_at.getTime() >= SUBMISSION_MS_MAX;
    if (row.stripe_payment_intent_id === null && isForgotten) {
      const read = await this.charger.readBack(row);
      if (read === 'applied') return;
      if (read === 'unpayable' || row.cancel_requested_at !== null) {
        await this.charger.fail(row.id, 'submission_expired', 'Stripe could not be reached for a day.');
        return;
      }
    }
    if (row.cancel_requested_at !== null) {
      const outcome = await this.charger.cancel(row.id);
      if (isRefused(outcome)) await this.#postponePayment(row);
      return;
    }
    if (row.status !== 'LOCAL_INTENT') {
      await this.synchronizer.payment(row.id);
      return;
    }
    try {
      return await this.charger.submit(row, methods);
    } catch (error) {
      await this.charger.failed(row, error);
    }
  }

  async #refund(row: RefundRow, now: Date, intentId: string): Promise<Begun | void> {
    if (row.stripe_refund_id !== null) {
      await this.synchronizer.refund(row.stripe_refund_id);
    } else {
      const isForgotten = now.getTime() - row.created_at.getTime() >= SUBMISSION_MS_MAX;
      if (!isForgotten) return this.refunds.call(row, intentId);
      await this.refunds.readBack(row);
      await this.refunds.submit(row.id);
    }
    await this.#postponeRefund(row);
  }

  /** Answers when the lane is free for the next call, with what is still to be written down of this one. */
  async #begun(task: Task): Promise<Promise<unknown>[]> {
    const again = async (error: unknown): Promise<void> => {
      const note = error instanceof Error ? error.message : String(error);
      this.logger.warn({ id: task.id, note }, 'sweep will try again');
      await task.postpone();
    };
    try {
      const begun = await task.work();
      return begun ? [begun.booked.catch(again)] : [];
    } catch (error) {
      await again(error);
      return [];
    }
  }

  async #postponePayment(row: PaymentRow): Promise<void> {
    await this.uow.run('sweep-postpone', (tx) =>
      postponePayment(tx, row.id, new Date(tx.now.getTime() + nextSubmitMs(row.checks))),
    );
  }

  async #postponeRefund(row: RefundRow): Promise<void> {
    await this.uow.run('sweep-postpone', (tx) =>
      postponeRefund(tx, row.id, row.version, new Date(tx.now.getTime() + nextSubmitMs(row.checks))),
    );
  }
}

type Methods = Awaited<ReturnType<Charger['methodsOf']>>;

/** A call that was answered, and when what it said is in the books. */
interface Begun {
  readonly booked: Promise<unknown>;
}

interface Task {
  readonly id: string;
  readonly work: () => Promise<Begun | void>;
  readonly postpone: () => Promise<void>;
}
