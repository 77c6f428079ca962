import { type Server, type ServerResponse, createServer } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Config, Health } from '#platform';

/** Health and measures of the worker over HTTP, where `WORKER_PORT` is set. */
@Injectable()
export class Observation {
  private server: Server | undefined;
  private draining = false;

  constructor(
    private readonly config: Config,
    private readonly health: Health,
  ) {}

  async listen(): Promise<void> {
    const { workerPort, host } = this.config;
    if (workerPort === undefined) return;
    const server = createServer((req, res) => void this.answer(req.url ?? '/', res));
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(workerPort, host, resolve));
    this.server = server;
  }

  startDraining(): void {
    this.draining = true;
  }

  async close(): Promise<void> {
    const { server } = this;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  private async answer(url: string, res: ServerResponse): Promise<void> {
    res.setHeader('cache-control', 'no-store');
    const { status, type, body } = await this.page(url);
    res.writeHead(status, { 'content-type': type }).end(body);
  }

  private async page(url: string): Promise<{ status: number; type: string; body: string }> {
    const json = (status: number, body: object) => ({ status, type: 'application/json', body: JSON.stringify(body) });
    switch (url) {
      case '/health/live':
        return json(200, { status: 'ok' });
      case '/health/ready': {
        const database = await this.health.database();
        const ready = database === 'ok' && !this.draining;
        const checks = { database, draining: this.draining ? 'yes' : 'no' };
        return json(ready ? 200 : 503, { status: ready ? 'ok' : 'unavailable', checks });
      }
      case '/metrics': {
        return { status: 200, ...(await this.health.prometheus()) };
      }
      default:
        return json(404, { error: { code: 'NOT_FOUND', message: 'There is nothing at this address.' } });
    }
  }
}
