import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { Metrics } from './metrics.js';

const PATIENCE_MS = 2_000;

/** Whether this process can serve, and what it measures: the same in every process that answers `/health` and `/metrics`. */
@Injectable()
export class Health {
  constructor(
    private readonly dataSource: DataSource,
    private readonly metrics: Metrics,
  ) {}

  /** Whether the database answers, and soon: whoever asks for health has little patience himself. */
  async database(): Promise<'ok' | 'unreachable'> {
    try {
      await soon(this.dataSource.query('SELECT 1'));
      return 'ok';
    } catch {
      return 'unreachable';
    }
  }

  /** The Prometheus text. What waits in the database is counted when it is asked for, NaN when it can't be. */
  async prometheus(): Promise<{ type: string; body: string }> {
    const { registry, outboxWaiting, deliveriesWaiting } = this.metrics;
    try {
      const [row] = await soon(
        this.dataSource.query<{ events: bigint; deliveries: bigint }[]>(
          `SELECT (SELECT count(*) FROM (SELECT 1 FROM event_outbox WHERE position IS NULL LIMIT 10000) w) AS events,
                  (SELECT count(*) FROM (SELECT 1 FROM event_delivery WHERE state = 'waiting' LIMIT 10000) w) AS deliveries`,
        ),
      );
      outboxWaiting.set(Number(row?.events ?? 0));
      deliveriesWaiting.set(Number(row?.deliveries ?? 0));
    } catch {
      outboxWaiting.set(Number.NaN);
      deliveriesWaiting.set(Number.NaN);
    }
    return { type: registry.contentType, body: await registry.metrics() };
  }
}

/** The answer, or a throw when it does not come in time. */
async function soon<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), PATIENCE_MS);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => undefined);
  }
}
