import { type Clock, type Outcome, isRefused } from '#kernel';
import { type DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import { type DomainEventInput, writeEvents } from './outbox.js';

/**
 * One PostgreSQL transaction, handed to every store function as its first parameter. There is no ambient one: what
 * isn't given a `Tx` can't write.
 */
export interface Tx {
  readonly manager: EntityManager;
  /** The moment the unit of work began, by the clock of the process. */
  readonly now: Date;
  query<R = Record<string, unknown>>(sql: string, params?: readonly unknown[]): Promise<R[]>;
  /**
   * Records a domain event. Events are written just before commit, in this transaction, so an event exists exactly
   * when its state change does, and events that build on one another carry growing sequence numbers.
   */
  emit(event: DomainEventInput): void;
  /** Runs after the commit succeeded; for wake-ups only, since a crash in between skips it. */
  afterCommit(hook: () => void): void;
}

const RETRYABLE = new Set(['40001', '40P01']);
const MAX_ATTEMPTS = 6;

/**
 * The one function that owns transactions: begin, body, outbox, commit, and bounded retry of serialization failures
 * and deadlocks. The body may run more than once, so it has no effect outside the transaction.
 */
export class UnitOfWork {
  constructor(
    private readonly dataSource: DataSource,
    private readonly clock: Clock,
    private readonly onRetry: (name: string) => void = () => undefined,
  ) {}

  /**
   * Runs the body in a transaction. A `Refused` outcome rolls back, so a refusal changes nothing; a throw rolls back
   * and goes on to the caller.
   */
  async run<T>(name: string, body: (tx: Tx) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.attempt(body);
      } catch (error) {
        if (attempt >= MAX_ATTEMPTS || !RETRYABLE.has((error as { code?: string }).code ?? '')) throw error;
        this.onRetry(name);
        await new Promise((resolve) => setTimeout(resolve, 2 ** attempt * (2 + (attempt % 3))));
      }
    }
  }

  /** Runs the body in a read-only transaction with one snapshot for all its statements. */
  async read<T>(body: (tx: Tx) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      await runner.connect();
      await runner.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      const result = await body(new RunnerTx(runner, this.clock.now()));
      await runner.query('COMMIT');
      return result;
    } catch (error) {
      await runner.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      await runner.release();
    }
  }

  private async attempt<T>(body: (tx: Tx) => Promise<Outcome<T>>): Promise<Outcome<T>> {
    const runner = this.dataSource.createQueryRunner();
    let tx: RunnerTx;
    let outcome: Outcome<T>;
    try {
      await runner.connect();
      // At the level that the connection is opened with: naming it here would be one more round trip.
      await runner.startTransaction();
      tx = new RunnerTx(runner, this.clock.now());
      outcome = await body(tx);
      if (isRefused(outcome)) {
        await runner.rollbackTransaction();
        return outcome;
      }
      await writeEvents(tx, tx.events);
      await runner.commitTransaction();
    } catch (error) {
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => undefined);
      throw error;
    } finally {
      await runner.release();
    }
    for (const hook of tx.hooks) {
      try {
        hook();
      } catch (error) {
        // The commit stands, so the caller must not hear that it failed.
        process.emitWarning(error as Error);
      }
    }
    return outcome;
  }
}

class RunnerTx implements Tx {
  readonly events: DomainEventInput[] = [];
  readonly hooks: (() => void)[] = [];

  constructor(
    private readonly runner: QueryRunner,
    readonly now: Date,
  ) {}

  get manager(): EntityManager {
    return this.runner.manager;
  }

  async query<R>(sql: string, params: readonly unknown[] = []): Promise<R[]> {
    // Structured: an UPDATE … RETURNING answers its rows, as a SELECT does, instead of TypeORM's [rows, count].
    const result = await this.runner.query(sql, params as unknown[], true);
    return result.records as R[];
  }

  emit(event: DomainEventInput): void {
    this.events.push(event);
  }

  afterCommit(hook: () => void): void {
    this.hooks.push(hook);
  }
}
