import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel';
import { freePort } from '#platform';
import { type TestDatabase, createTestDatabase, eventually } from '../../libs/testkit/src/index.js';
import { apiEnv } from '../contract/api.stage.js';
import { Product } from './telemetry.stage.js';

const EVENTS = 400;

let db: TestDatabase;
let home: string;
beforeAll(async () => {
  db = await createTestDatabase();
  home = mkdtempSync(join(tmpdir(), 'commonweights-workers-'));
});
afterAll(async () => {
  await db.close();
  rmSync(home, { recursive: true, force: true });
});

const count = async (sql: string): Promise<number> =>
  (await db.dataSource.query(`SELECT count(*)::int AS n ${sql}`))[0].n;

describe('workers that are killed outright', () => {
  it('two at a time, again and again, lose no event, no delivery and no leaf of the log, and double none', async () => {
    const launch = async () => {
      const port = await freePort();
      // One data folder for all: a worker goes on with the Redis that its predecessor left.
      const worker = Product.launch('worker', () => ({ ...apiEnv(db.url, home, port), COMMONWEIGHTS_HOME: home }));
      await worker.ready();
      return worker;
    };
    let workers = await Promise.all([launch(), launch()]);
    const emitting = (async () => {
      for (let n = 0; n < EVENTS; n += 1) {
        await db.uow.run('test', async (tx) => {
          const leaseId = newId();
          tx.emit({
            type: 'lease.ended',
            aggregateType: 'lease',
            aggregateId: leaseId,
            payload: { leaseId, n },
            isPublic: true,
          });
        });
        await new Promise((resolve) => setTimeout(resolve, 15));
      }
    })();
    for (let round = 0; round < 3; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 700));
      const [killed, kept] = workers as [Product, Product];
      killed.child.kill('SIGKILL');
      await killed.exit();
      workers = [kept, await launch()];
    }
    await emitting;
    await eventually(
      'everything is delivered',
      async () =>
        (await count('FROM event_outbox WHERE position IS NULL')) === 0 &&
        (await count("FROM event_delivery WHERE state <> 'done'")) === 0,
      40_000,
    );
    expect(await count('FROM (SELECT DISTINCT event_id FROM event_delivery) d')).toBe(EVENTS);
    expect(await count('FROM event_delivery WHERE attempts <> 1')).toBe(0);
    expect(await count('FROM log_leaf')).toBe(EVENTS);
    const [range] = await db.dataSource.query(
      'SELECT min(position)::int AS low, max(position)::int AS high FROM event_outbox',
    );
    expect(range).toEqual({ low: 0, high: EVENTS - 1 });
    for (const worker of workers) expect(await worker.stop()).toBe(0);
  });
});
