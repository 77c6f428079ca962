import { type Clockwork, ClockworkTask, UnitOfWork } from '#platform';

const BATCH = 500;

/**
 * Writes down pending transfers that have expired. Nobody waits for it: from the instant of expiry every reader and
 * every posting already counts the amount as free; this only turns the fact into an entry.
 */
@ClockworkTask()
export class LedgerExpiryJob implements Clockwork {
  readonly name = 'ledger.expiry';
  readonly everyMs = 1000;

  constructor(private readonly uow: UnitOfWork) {}

  async tick(): Promise<void> {
    for (let left = BATCH; left === BATCH;) {
      const outcome = await this.uow.run(this.name, (tx) =>
        tx.query<{ due: number }>('SELECT ledger_expire($1::timestamptz, $2::integer) AS due', [tx.now, BATCH]),
      );
      left = (Array.isArray(outcome) ? outcome[0]?.due : 0) ?? 0;
    }
  }
}
