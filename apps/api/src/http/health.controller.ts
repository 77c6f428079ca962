import { Controller, Get, Header, Res } from '@nestjs/common';
import { Metrics } from '#platform';
import type { Response } from 'express';
import { DataSource } from 'typeorm';

/** Whether this process lives, whether it can serve, and what it measures. */
@Controller()
export class HealthController {
  private draining = false;

  constructor(
    private readonly dataSource: DataSource,
    private readonly metrics: Metrics,
  ) {}

  /** Load balancers are told first; requests under way are finished. */
  startDraining(): void {
    this.draining = true;
  }

  @Get('health/live')
  @Header('cache-control', 'no-store')
  live() {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @Header('cache-control', 'no-store')
  async ready(@Res() res: Response): Promise<void> {
    const checks = { database: await this.database(), draining: this.draining ? 'yes' : 'no' };
    const ready = checks.database === 'ok' && !this.draining;
    res.status(ready ? 200 : 503).json({ status: ready ? 'ok' : 'unavailable', checks });
  }

  @Get('metrics')
  async prometheus(@Res() res: Response): Promise<void> {
    try {
      const [row] = await soon(
        this.dataSource.query<{ events: bigint; deliveries: bigint }[]>(
          `SELECT (SELECT count(*) FROM (SELECT 1 FROM event_outbox WHERE position IS NULL LIMIT 10000) w) AS events,
                  (SELECT count(*) FROM (SELECT 1 FROM event_delivery WHERE state = 'waiting' LIMIT 10000) w) AS deliveries`,
        ),
      );
      this.metrics.outboxWaiting.set(Number(row?.events ?? 0));
      this.metrics.deliveriesWaiting.set(Number(row?.deliveries ?? 0));
    } catch {
      this.metrics.outboxWaiting.set(Number.NaN);
      this.metrics.deliveriesWaiting.set(Number.NaN);
    }
    res.type(this.metrics.registry.contentType).send(await this.metrics.registry.metrics());
  }

  private async database(): Promise<'ok' | 'unreachable'> {
    try {
      await soon(this.dataSource.query('SELECT 1'));
      return 'ok';
    } catch {
      return 'unreachable';
    }
  }
}

const PATIENCE_MS = 2_000;

/** The answer, or a throw after two seconds: whoever asks for health has little patience himself. */
const soon = async <T>(answer: Promise<T>): Promise<T> => {
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
};
