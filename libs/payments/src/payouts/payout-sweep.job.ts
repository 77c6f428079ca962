import { isRefused } from '#kernel';
import { type Clockwork, ClockworkTask, UnitOfWork } from '#platform';
import { PayoutCourier } from './payout.courier.js';
import { claimDueAttempts } from './payout.store.js';

/** Claimed and carried at the same time. */
const BATCH = 4;
const LEASE_MS = 30_000;

/** Carries on what a crash or a lost answer left open, and asks about payouts whose webhook never came. */
@ClockworkTask()
export class PayoutSweepJob implements Clockwork {
  readonly name = 'payout-sweep';
  readonly everyMs = 1000;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly courier: PayoutCourier,
  ) {}

  async tick(): Promise<void> {
    for (;;) {
      const due = await this.uow.run('payout-claim', (tx) =>
        claimDueAttempts(tx, BATCH, new Date(tx.now.getTime() + LEASE_MS)),
      );
      if (isRefused(due)) return;
      await Promise.all(due.map(({ id }) => this.courier.advance(id)));
      if (due.length < BATCH) return;
    }
  }
}
