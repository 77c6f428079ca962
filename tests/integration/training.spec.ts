import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isRefused, newId } from '#kernel';
import { provenanceInvariants } from '#provenance';
import { trainingInvariants } from '#training';
import { type FakeAgent } from './training.agent.js';
import { TTL_MS, TrainingStage } from './training.stage.js';

let stage: TrainingStage;
let campaignId: string;
let agents: FakeAgent[];
let runId: string;
beforeAll(async () => {
  stage = await TrainingStage.open();
});
afterAll(() => stage?.close());
// Whatever a test did, the promises hold.
afterEach(async () => {
  expect(await stage.violations([...trainingInvariants, ...provenanceInvariants])).toEqual([]);
});
beforeEach(async () => {
  // Runs of tests before would take part in the scheduler's rounds.
  for (const { id } of await stage.sql('SELECT id FROM run WHERE ended_at IS NULL')) await stage.runs.cancel(id);
  stage.nowMs += 60_000;
  await stage.tick();
  campaignId = newId();
  agents = [];
  for (let n = 0; n < 3; n += 1) agents.push(await stage.donor(campaignId));
  runId = await stage.createRun(campaignId, await stage.recipe());
});

const beatAll = async (which: readonly FakeAgent[] = agents) => {
  for (const agent of which) await agent.beat();
};
/** Offers, readiness, start: after it every agent runs. */
const launch = async (which: readonly FakeAgent[] = agents) => {
  await stage.tick();
  await beatAll(which); // prepare
  await beatAll(which); // ready; the last one starts the gang
  await beatAll(which); // start with the launch, for those that answered before
};
const rank = (n: number) => agents.find((agent) => agent.only.launch?.rank === n) as FakeAgent;
const pass = async (ms: number, which: readonly FakeAgent[] = agents) => {
  for (let left = ms; left > 0; left -= 1_000) {
    stage.nowMs += Math.min(left, 1_000);
    await beatAll(which);
    await stage.tick();
  }
};
const states = async () =>
  (await stage.sql('SELECT state FROM lease WHERE run_id = $1 ORDER BY token', [runId])).map((r) => r.state);

describe('a run', () => {
  it('starts its gang when all are ready, trains to the end and settles to the millisecond', async () => {
    await stage.tick();
    expect((await stage.runRow(runId)).state).toBe('assembling');
    await beatAll();
    await agents[0]?.beat();
    await agents[1]?.beat();
    expect(agents[0]?.last[0]?.directive).toBe('prepare');
    await agents[2]?.beat();
    expect(agents[2]?.last[0]).toMatchObject({
      directive: 'start',
      launch: { worldSize: 3, masterPort: 4_100, restore: null },
    });
    await beatAll();
    expect(new Set(agents.map((a) => a.only.launch?.rank))).toEqual(new Set([0, 1, 2]));
    expect((await stage.runRow(runId)).state).toBe('running');

    await pass(4_321);
    expect(await rank(0).steps(1, 100)).toBe(true);
    expect(await rank(0).checkpoint(100)).toBe('promoted');
    stage.nowMs += 679;
    for (const agent of agents) agent.exit(0);
    await beatAll();
    const run = await stage.runRow(runId);
    expect(run).toMatchObject({
      state: 'done',
      step: 100n,
      tokens: 1_000n,
      flop_model: '6000000',
      flop_hardware: '7000000',
    });
    expect(await states()).toEqual(['released', 'released', 'released']);
    for (const agent of agents) {
      expect(await stage.figures(`pledge:${agent.pledgeId}:commitment:cpu`)).toEqual({
        pending: 0n,
        debits: 5_000n,
        credits: 600_000n,
      });
    }
    expect(await stage.figures(`run:${runId}:delivered:cpu`)).toEqual({
      pending: 0n,
      debits: 15_000n,
      credits: 15_000n,
    });
    expect((await stage.figures(`run:${runId}:accepted:cpu`)).credits).toBe(15_000n);
    const types = (await stage.events(runId)).map((e) => e.type);
    expect(types).toEqual([
      'run.created',
      'attempt.started',
      'checkpoint.promoted',
      'lease.ended',
      'lease.ended',
      'lease.ended',
      'usage.settled',
      'usage.settled',
      'usage.settled',
      'attempt.ended',
      'run.completed',
    ]);
    const usage = (await stage.events(runId, 'usage.settled')).map((e) => e.payload);
    expect(usage.map((u) => u.tokens)).toEqual(['334', '333', '333']);
    expect(usage[0]).toMatchObject({
      deliveredMs: '5000',
      acceptedMs: '5000',
      class: 'cpu',
      region: 'eu-west',
      campaignId,
    });
    expect(await stage.events(runId, 'run.completed')).toMatchObject([
      { payload: { steps: '100', flopModel: '6000000' } },
    ]);
  });

  it('goes on from the last promoted checkpoint when a node is lost, and credits nothing after its expiry', async () => {
    await launch();
    await pass(3_000);
    expect(await rank(0).steps(1, 40)).toBe(true);
    expect(await rank(0).checkpoint(30)).toBe('promoted');
    const lost = rank(2);
    const rest = agents.filter((a) => a !== lost);
    const lostLease = lost.writer();
    await pass(2_000);
    const lastBeatMs = stage.nowMs;
    // SIGKILL: no beat any more; its peers fail within seconds.
    stage.nowMs += 1_500;
    for (const agent of rest) agent.exit(1);
    await beatAll(rest);
    await pass(TTL_MS, rest);
    const lease = (await stage.sql('SELECT * FROM lease WHERE id = $1', [lostLease.leaseId]))[0];
    expect(lease).toMatchObject({ state: 'expired', delivered_ms: 5_000n });
    expect(lease.ended_at.getTime()).toBe(lastBeatMs + TTL_MS);
    expect(await stage.events(runId, 'attempt.ended')).toMatchObject([{ payload: { reason: 'node_lost' } }]);

    // What it says now is a zombie's word.
    expect(await lost.steps(41, 50, lostLease)).toBe(false);
    expect(await lost.checkpoint(50, lostLease)).toBe('LEASE_TOKEN_STALE');
    await lost.beat();
    expect(lost.held.size).toBe(0);
    expect((await stage.sql('SELECT delivered_ms FROM lease WHERE id = $1', [lostLease.leaseId]))[0].delivered_ms).toBe(
      5_000n,
    );

    // The node is away until it beats in earnest; the gang of two starts without it.
    await stage.sql("UPDATE node SET state = 'offline' WHERE id = $1", [lost.nodeId]);
    await pass(2_000, rest);
    await beatAll(rest);
    await beatAll(rest);
    agents = rest;
    expect(rank(0).only.launch).toMatchObject({
      worldSize: 2,
      restore: { step: 30, files: [{ path: 'model.safetensors' }, { path: 'state.json' }] },
    });
    expect((await stage.runRow(runId)).state).toBe('degraded');
    const tokens = (
      await stage.sql('SELECT token FROM lease WHERE run_id = $1 ORDER BY granted_at, rank', [runId])
    ).map((r) => r.token);
    expect([...tokens].sort((a, b) => (a < b ? -1 : 1))).toEqual(tokens);

    await pass(1_000);
    expect(await rank(0).steps(31, 100)).toBe(true);
    expect(await rank(0).checkpoint(100)).toBe('promoted');
    for (const agent of agents) agent.exit(0);
    await beatAll();
    expect(await stage.runRow(runId)).toMatchObject({ state: 'done', flop_model: '6000000', flop_hardware: '7000000' });
    const usage = (await stage.events(runId, 'usage.settled')).map((e) => e.payload);
    // Of the first attempt, what lies before the promoted step: it was reported 3 s after the start.
    expect(usage.slice(0, 3).map((u) => u.acceptedMs)).toEqual(['3000', '3000', '3000']);
    expect(
      usage
        .slice(0, 3)
        .map((u) => BigInt(u.tokens))
        .reduce((a, b) => a + b),
    ).toBe(300n);
    expect(
      usage
        .slice(3)
        .map((u) => BigInt(u.tokens))
        .reduce((a, b) => a + b),
    ).toBe(700n);
  });

  it('refuses writes with another token, another node or under an ended lease', async () => {
    await launch();
    const writer = rank(0).writer();
    expect(await rank(0).steps(1, 1, { ...writer, token: writer.token - 1 })).toBe(false);
    expect(await rank(0).steps(1, 1, { ...writer, nodeId: rank(1).nodeId })).toBe(false);
    expect(await rank(0).steps(1, 1)).toBe(true);
    stage.nowMs += TTL_MS;
    expect(await rank(0).steps(2, 2, writer)).toBe(false);
    const [count] = await stage.sql('SELECT count(*) n FROM metric_step WHERE run_id = $1', [runId]);
    expect(count.n).toBe(1n);
  });

  it('keeps nothing of an upload whose bytes are others, nor of one whose lease ended on the way', async () => {
    await launch();
    const bad = await rank(0).checkpoint(10, rank(0).writer(), (bytes) => Buffer.from(bytes.map((b) => b ^ 1)));
    expect(bad).toBe('CHECKPOINT_HASH_MISMATCH');
    const files = await stage.sql(
      'SELECT f.* FROM checkpoint_file f JOIN checkpoint c ON c.id = f.checkpoint_id WHERE c.run_id = $1 ORDER BY path',
      [runId],
    );
    expect(files.every((f) => f.received_at === null)).toBe(true);
    for (const file of files) expect(await stage.files.size(file.sha256)).toBeUndefined();
    stage.nowMs += TTL_MS + 5_000;
    await stage.tick();
    const [checkpoint] = await stage.sql('SELECT state, rejection FROM checkpoint WHERE run_id = $1', [runId]);
    expect(checkpoint).toMatchObject({ state: 'rejected', rejection: expect.stringMatching(/lease ended/) });
  });

  it('drains when a node asks to leave: checkpoint, exit 0, and all proven time is paid', async () => {
    await launch();
    await pass(2_000);
    await rank(0).steps(1, 20);
    const leaver = rank(1);
    leaver.state = 'draining';
    await leaver.beat();
    await beatAll();
    expect(agents.map((a) => a.last[0]?.directive)).toEqual(['drain', 'drain', 'drain']);
    await pass(1_000);
    await rank(0).steps(21, 22);
    expect(await rank(0).checkpoint(22)).toBe('promoted');
    for (const agent of agents) agent.exit(0);
    await stage.sql("UPDATE node SET state = 'draining' WHERE id = $1", [leaver.nodeId]);
    await beatAll();
    expect(await stage.events(runId, 'attempt.ended')).toMatchObject([{ payload: { reason: 'drained' } }]);
    const usage = (await stage.events(runId, 'usage.settled')).map((e) => e.payload);
    expect(usage.map((u) => [u.deliveredMs, u.acceptedMs])).toEqual([
      ['3000', '3000'],
      ['3000', '3000'],
      ['3000', '3000'],
    ]);
    const rest = agents.filter((a) => a !== leaver);
    await pass(2_000, rest);
    expect((await stage.runRow(runId)).state).toBe('assembling');
  });

  it('lets offers go that are not answered, and tries again with those who answer', async () => {
    await stage.tick();
    const [silent, ...rest] = agents as [FakeAgent, ...FakeAgent[]];
    for (let n = 0; n < 12; n += 1) await pass(1_000, rest);
    const ended = await stage.events(runId, 'attempt.ended');
    expect(ended[0]).toMatchObject({ payload: { reason: 'offer_timeout' } });
    const leases = await stage.events(runId, 'lease.ended');
    expect(leases.slice(0, 3).map((e) => [e.payload.reason, e.payload.milliseconds])).toEqual([
      ['revoked', '0'],
      ['revoked', '0'],
      ['revoked', '0'],
    ]);
    expect((await stage.figures(`pledge:${silent.pledgeId}:commitment:cpu`)).debits).toBe(0n);
  });

  it('cancels: members stop, what they did is settled, nothing starts again', async () => {
    await launch();
    await pass(1_000);
    expect(isRefused(await stage.runs.cancel(runId))).toBe(false);
    await beatAll();
    expect(agents.map((a) => a.last[0]?.directive)).toEqual(['stop', 'stop', 'stop']);
    await beatAll();
    expect((await stage.runRow(runId)).state).toBe('cancelled');
    expect(await states()).toEqual(['revoked', 'revoked', 'revoked']);
    await pass(3_000);
    expect(await states()).toHaveLength(3);
    const again = await stage.runs.cancel(runId);
    expect(isRefused(again) && again.first.code).toBe('RUN_ENDED');
  });

  it('takes beats, metrics, checkpoints and clocks at once without a deadlock', async () => {
    await launch();
    stage.retries = 0;
    const leader = rank(0);
    for (let round = 1; round <= 15; round += 1) {
      stage.nowMs += 300;
      await Promise.all([
        ...agents.map((agent) => agent.beat()),
        leader.steps(round * 2 - 1, round * 2),
        leader.checkpoint(round * 2 - 1),
        stage.leaseClock.tick(),
        stage.scheduler.round(),
      ]);
    }
    expect(stage.retries).toBe(0);
    expect(await stage.runRow(runId)).toMatchObject({ state: 'running', step: 30n, promoted_step: 29n });
  });
});
