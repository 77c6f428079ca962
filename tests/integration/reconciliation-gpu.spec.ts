import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '#kernel';
import { ProcessorStatements } from '#payments';
import { UnitOfWork } from '#platform';
import { Reconciler } from '#reconciliation';
import { SandboxServer } from '../../libs/payments/src/sandbox/sandbox.server.js';
import { readGpuSides } from '../../libs/reconciliation/src/store/summary.store.js';
import { sayingsOf } from '../../libs/reconciliation/src/store/trail.store.js';
import type { FakeAgent } from './training.agent.js';
import { TrainingStage } from './training.stage.js';

// A run is trained by agents through the product; what its leases metered, its usage records say and the books hold is
// then compared to the millisecond.

const SECRET_KEY = 'sk_test_gpu';
let stage: TrainingStage;
let sandbox: SandboxServer;
let reconciler: Reconciler;
let leases: { id: string; delivered: bigint }[];

beforeAll(async () => {
  stage = await TrainingStage.open();
  sandbox = new SandboxServer({ path: ':memory:', port: 0, secretKey: SECRET_KEY, publishableKey: 'pk_test_gpu' });
  await sandbox.start();
  const uow = new UnitOfWork(stage.db.dataSource, { now: () => new Date(stage.nowMs) });
  const settings = { secretKey: SECRET_KEY, publishableKey: '', webhookSecret: '', apiBase: new URL(sandbox.url) };
  reconciler = new Reconciler(uow, ProcessorStatements.of(uow, settings));
  const campaignId = newId();
  const agents: FakeAgent[] = [];
  for (let n = 0; n < 3; n += 1) agents.push(await stage.donor(campaignId));
  await stage.createRun(campaignId, await stage.recipe());
  const beatAll = async () => {
    for (const agent of agents) await agent.beat();
  };
  await stage.tick();
  for (let n = 0; n < 3; n += 1) await beatAll();
  for (let left = 4_321; left > 0; left -= 1_000) {
    stage.nowMs += Math.min(left, 1_000);
    await beatAll();
    await stage.tick();
  }
  const first = agents.find((agent) => agent.only.launch?.rank === 0) as FakeAgent;
  await first.steps(1, 100);
  await first.checkpoint(100);
  stage.nowMs += 679;
  for (const agent of agents) agent.exit(0);
  await beatAll();
  await stage.tick();
  leases = (await stage.sql(
    'SELECT id, delivered_ms AS delivered FROM lease WHERE ended_at IS NOT NULL ORDER BY token',
  )) as typeof leases;
}, 60_000);
afterAll(async () => {
  await stage.close();
  await sandbox.stop();
});

/** Changes what one side says, past the triggers that forbid it. */
const change = (sql: string, id: string) =>
  stage.db.dataSource.transaction(async (manager) => {
    await manager.query('SET LOCAL session_replication_role = replica');
    await manager.query(sql, [id]);
  });
const open = async () =>
  (await reconciler.run()).open.map(({ kind, subject, unit, expected, found }) => [
    kind,
    subject,
    unit,
    found - expected,
  ]);

it('agrees to the millisecond over every lease of a run, class by class', async () => {
  expect(leases.length).toBe(3);
  expect(leases.every(({ delivered }) => delivered > 0n)).toBe(true);
  expect(await open()).toEqual([]);
  const sides = await stage.uow.read((tx) => readGpuSides(tx));
  const sum = leases.reduce((total, { delivered }) => total + delivered, 0n).toString();
  expect(sides).toEqual([{ class: expect.any(String), booked: sum, metered: sum, recorded: sum }]);
});

it.each([
  ['the lease metered a millisecond less', 'UPDATE lease SET delivered_ms = delivered_ms - 1 WHERE id = $1', 1n],
  ['the usage record has one more', 'UPDATE usage_record SET delivered_ms = delivered_ms + 1 WHERE lease_id = $1', -1n],
  ['fewer were accepted', 'UPDATE usage_record SET accepted_ms = accepted_ms - 1 WHERE lease_id = $1', 1n],
])('finds that %s, in the lease it is of', async (_, sql, difference) => {
  const id = leases[1]?.id ?? '';
  await change(sql, id);
  expect(await open()).toEqual([['gpu_time_differs', `lease:${id}`, 'ms', difference]]);
  const sayings = await stage.uow.read((tx) =>
    sayingsOf(tx, { kind: 'gpu_time_differs', subject: `lease:${id}`, unit: 'ms' }),
  );
  expect(sayings.map(({ side, what }) => `${side}: ${what}`)).toEqual(
    expect.arrayContaining([
      'meter: metered by the lease',
      'meter: on the usage record',
      'meter: allowed by its heartbeats',
    ]),
  );
  expect(sayings.filter(({ side, transfer_id: id_ }) => side === 'ledger' && id_ !== null)).toHaveLength(2);
  await change(
    sql.replace(/([+-]) 1/, (_whole, sign) => `${sign === '+' ? '-' : '+'} 1`),
    id,
  );
  expect(await open()).toEqual([]);
});

it('finds more than the heartbeats of a lease can account for', async () => {
  const id = leases[2]?.id ?? '';
  await change("UPDATE lease SET last_beat_at = last_beat_at - interval '2 seconds' WHERE id = $1", id);
  expect((await open()).map(([kind, subject]) => [kind, subject])).toEqual([['gpu_time_differs', `lease:${id}`]]);
  await change("UPDATE lease SET last_beat_at = last_beat_at + interval '2 seconds' WHERE id = $1", id);
  expect(await open()).toEqual([]);
});
