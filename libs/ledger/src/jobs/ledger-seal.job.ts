import { type Clockwork, ClockworkTask, UnitOfWork } from '#platform';
import { sealSome } from '../store/seal.store.js';

const BATCH = 5000;

/** Numbers and seals what has been posted, a moment behind the writers. */
@ClockworkTask()
export class LedgerSealJob implements Clockwork {
  readonly name = 'ledger.seal';
  readonly everyMs = 1000;

  constructor(private readonly uow: UnitOfWork) {}

  async tick(): Promise<void> {
    while ((await this.uow.run(this.name, (tx) => sealSome(tx, BATCH))) === BATCH);
  }
}
