import { type Clockwork, ClockworkTask, UnitOfWork } from '#platform';
import { noteMovedHeads } from '../store/seal.store.js';

/**
 * Puts the newest seal of each book that grew into the public log. From then on nobody, not even who holds the database
 * and the sealer, can rewrite what lies before it without the log showing another hash for that place.
 */
@ClockworkTask()
export class LedgerSealNoticeJob implements Clockwork {
  readonly name = 'ledger.seal_notice';
  readonly everyMs = 60_000;

  constructor(private readonly uow: UnitOfWork) {}

  async tick(): Promise<void> {
    await this.uow.run(this.name, async (tx) => {
      for (const { unit, position, hash } of await noteMovedHeads(tx)) {
        tx.emit({
          type: 'ledger.sealed',
          aggregateType: 'ledger_book',
          aggregateId: unit,
          payload: { unit, position: position.toString(), hash: hash.toString('hex') },
          isPublic: true,
        });
      }
      return undefined;
    });
  }
}
