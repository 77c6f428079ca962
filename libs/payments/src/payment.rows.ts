import { GroupCommitter, type Tx, type UnitOfWork } from '#platform';
import { findPayments, findPaymentsByIntent, type PaymentRow } from './store/payment.store.js';
import { refundsOfPayments, type RefundRow } from './store/refund.store.js';

const BATCH_MAX = 500;
const LANES = 2;

type Find<Row> = (tx: Tx, keys: readonly string[]) => Promise<ReadonlyMap<string, Row>>;

/**
 * Single rows for callers that are many at a time: whoever asks while a reading is under way shares the next one. Each
 * reading begins after it was asked for, so it sees whatever its caller has seen committed.
 */
export class PaymentRows {
  readonly #byId: GroupCommitter<string, PaymentRow | undefined>;
  readonly #byIntent: GroupCommitter<string, PaymentRow | undefined>;
  readonly #refundsOf: GroupCommitter<string, RefundRow[] | undefined>;

  constructor(uow: UnitOfWork) {
    this.#byId = together(uow, findPayments);
    this.#byIntent = together(uow, findPaymentsByIntent);
    this.#refundsOf = together(uow, async (tx, ids) =>
      Map.groupBy(await refundsOfPayments(tx, ids), (refund) => refund.payment_id),
    );
  }

  byId(id: string): Promise<PaymentRow | undefined> {
    return this.#byId.submit(id);
  }

  byIntent(intentId: string): Promise<PaymentRow | undefined> {
    return this.#byIntent.submit(intentId);
  }

  async refundsOf(paymentId: string): Promise<RefundRow[]> {
    return (await this.#refundsOf.submit(paymentId)) ?? [];
  }
}

function together<Row>(uow: UnitOfWork, find: Find<Row>): GroupCommitter<string, Row | undefined> {
  return new GroupCommitter(
    async (keys) => {
      const rows = await uow.read((tx) => find(tx, [...new Set(keys)]));
      return keys.map((key) => rows.get(key));
    },
    { maxBatch: BATCH_MAX, lanes: LANES },
  );
}

/** How many rows wait at most; whoever comes for one that is gone reads it. */
const FRESH_MAX = 2_000;
/** Less than the sweep leaves to whoever made the row. */
const FRESH_MS = 3_000;

/** Rows that this process committed a moment ago and that nobody can have changed: what Stripe is told of is taken once. */
export class FreshPayments {
  readonly #rows = new Map<string, { readonly row: PaymentRow; readonly until: number }>();

  keep(rows: readonly PaymentRow[]): void {
    const until = performance.now() + FRESH_MS;
    for (const row of rows) this.#rows.set(row.id, { row, until });
    for (const id of this.#rows.keys()) {
      if (this.#rows.size <= FRESH_MAX) break;
      this.#rows.delete(id);
    }
  }

  take(id: string): PaymentRow | undefined {
    const kept = this.#rows.get(id);
    this.#rows.delete(id);
    return kept !== undefined && performance.now() < kept.until ? kept.row : undefined;
  }
}
