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
  beforeApplicationShutdown(): void {
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
      const [row] = await this.dataSource.query<{ n: bigint }[]>(
        'SELECT count(*) AS n FROM (SELECT 1 FROM event_outbox WHERE position IS NULL LIMIT 10000) w',
      );
      this.metrics.outboxWaiting.set(Number(row?.n ?? 0));
    } catch {
      this.metrics.outboxWaiting.set(Number.NaN);
    }
    res.type(this.metrics.registry.contentType).send(await this.metrics.registry.metrics());
  }

  private async database(): Promise<'ok' | 'unreachable'> {
    try {
      await this.dataSource.query('SELECT 1');
      return 'ok';
    } catch {
      return 'unreachable';
    }
  }
}
