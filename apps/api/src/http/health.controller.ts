import { Controller, Get, Header, Res } from '@nestjs/common';
import { Health } from '#platform';
import type { Response } from 'express';

/** Whether this process lives, whether it can serve, and what it measures. */
@Controller()
export class HealthController {
  private draining = false;

  constructor(private readonly health: Health) {}

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
    const checks = { database: await this.health.database(), draining: this.draining ? 'yes' : 'no' };
    const ready = checks.database === 'ok' && !this.draining;
    res.status(ready ? 200 : 503).json({ status: ready ? 'ok' : 'unavailable', checks });
  }

  @Get('metrics')
  async prometheus(@Res() res: Response): Promise<void> {
    const { type, body } = await this.health.prometheus();
    res.type(type).send(body);
  }
}
