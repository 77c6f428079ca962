import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import type { Clock, Outcome } from '#kernel';
import { CLOCK, GroupCommitter } from '#platform';
import { DataSource } from 'typeorm';
import type { Transfer, TransferSpec } from './domain/transfer.rules.js';
import { postChains } from './store/posting.statement.js';

const MAX_CHAINS = 500;
const RETRYABLE = new Set(['40001', '40P01']);
const MAX_ATTEMPTS = 6;

/**
 * Posts chains that stand on their own, for hot accounts: callers who come while a statement is under way share the
 * next one, so that thousands of single callers a second cost a few commits. Each is answered after the commit of its
 * own chain. For a posting that belongs to other changes use {@link Ledger.post} in their transaction.
 */
@Injectable()
export class LedgerWriter implements OnModuleDestroy {
  private readonly committer: GroupCommitter<readonly TransferSpec[], Outcome<Transfer[]>>;

  constructor(
    private readonly dataSource: DataSource,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    // Two lanes: one statement runs while the next batch is made ready. More only queue at the hot account's lock.
    this.committer = new GroupCommitter((batch) => this.write(batch), { maxBatch: MAX_CHAINS, lanes: 2 });
  }

  submit(chain: readonly TransferSpec[]): Promise<Outcome<Transfer[]>> {
    return this.committer.submit(chain);
  }

  /** Waits until everything submitted is written. */
  async onModuleDestroy(): Promise<void> {
    await this.committer.idle();
  }

  private async write(chains: readonly (readonly TransferSpec[])[]): Promise<Outcome<Transfer[]>[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await postChains((sql, params) => this.dataSource.query(sql, [...params]), this.clock.now(), chains);
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !RETRYABLE.has((error as { code?: string }).code ?? '')) throw error;
        await new Promise((resolve) => setTimeout(resolve, 2 ** attempt));
      }
    }
  }
}
