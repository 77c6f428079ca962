import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '#kernel';
import { toGlobalId } from '#platform';
import { provenanceInvariants } from '#provenance';
import { trainingInvariants } from '#training';
import { eventually } from '../../libs/testkit/src/index.js';
import { type ApiStage, startApiStage } from '../contract/api.stage.js';
import { sha256 } from './training.agent.js';
import { HEARTBEAT_MS, TTL_MS, TrainingStage } from './training.stage.js';

/** Real agents, the real trainer, the real API; only the worker's clocks are turned by the test. */
const AGENT = resolve('dist/apps/agent/src/main.js');
const home = mkdtempSync(join(tmpdir(), 'cw-training-agents-'));
const agents = new Map<string, ChildProcess>();
const campaignId = newId();
let api: ApiStage;
let stage: TrainingStage;
let ticking = true;
let ticks: Promise<void>;

async function startAgent(name: string): Promise<void> {
  const authorization = await api.signIn(name);
  const [person] = await stage.sql('SELECT pseudonym FROM contributor WHERE display_name = $1', [name]);
  await stage.pledge(campaignId, person.pseudonym);
  const made = await api.ask(
    'mutation { nodeJoinTokenCreate(input: {}) { token userErrors { code } } }',
    {},
    { authorization },
  );
  const token = made.body.data.nodeJoinTokenCreate.token as string;
  const args = ['start', '--server', api.url, '--home', join(home, name), '--workloads', resolve('workloads')];
  const child = spawn(process.execPath, [AGENT, ...args, '--name', name, '--cpus', '1'], {
    env: { ...process.env, COMMONWEIGHTS_JOIN_TOKEN: token },
    stdio: 'ignore',
  });
  agents.set(name, child);
}

beforeAll(async () => {
  if (!existsSync(AGENT)) throw new Error('The agent is not built. Run "npm run build" first; "npm test" does.');
  api = await startApiStage({ AGENT_HEARTBEAT_MS: String(HEARTBEAT_MS), AGENT_LEASE_TTL_MS: String(TTL_MS) });
  stage = TrainingStage.beside(api.db);
  ticks = (async () => {
    while (ticking) {
      await stage.tick();
      await new Promise((done) => setTimeout(done, 300));
    }
  })();
});
afterAll(async () => {
  ticking = false;
  await ticks;
  for (const child of agents.values()) child.kill('SIGKILL');
  await api?.close();
  rmSync(home, { recursive: true, force: true });
});

it('three agents train; one is killed; two go on from the checkpoint and finish', { timeout: 240_000 }, async () => {
  for (const name of ['ada', 'bob', 'cleo']) await startAgent(name);
  await eventually('three nodes are here', async () => {
    const [row] = await stage.sql("SELECT count(*) n FROM node WHERE state = 'idle'");
    return row.n === 3n;
  });
  // Long enough that the kill comes in the middle on a fast machine, short enough for a slow one.
  const hyperparameters = { steps: 300, layers: 1, dModel: 32, heads: 2, context: 32, batchSize: 12 };
  const runId = await stage.createRun(campaignId, await stage.recipe({ hyperparameters, every: 10 }));
  await eventually('a checkpoint is promoted', async () => (await stage.runRow(runId)).promoted_step >= 10n, 90_000);
  const [victim] = await stage.sql(
    'SELECT n.id, n.name FROM lease l JOIN node n ON n.id = l.node_id WHERE l.run_id = $1 AND l.rank = 1',
    [runId],
  );
  agents.get(victim.name)?.kill('SIGKILL');
  await eventually('the run is done', async () => (await stage.runRow(runId)).state === 'done', 120_000);

  const run = await stage.runRow(runId);
  expect(run).toMatchObject({ step: 300n, promoted_step: 300n });
  expect(run.last_loss).toBeLessThan(run.first_loss);
  const started = await stage.events(runId, 'attempt.started');
  expect(started.map((e) => e.payload.members.length)).toEqual([3, 2]);
  expect(started[1]?.payload.restoredFrom).not.toBeNull();
  const ended = await stage.events(runId, 'attempt.ended');
  expect(ended.map((e) => e.payload.reason)).toEqual(['node_lost', 'completed']);
  const leases = await stage.events(runId, 'lease.ended');
  expect(leases.filter((e) => e.payload.nodeId === victim.id).map((e) => e.payload.reason)).toEqual(['expired']);
  const usage = await stage.events(runId, 'usage.settled');
  expect(usage).toHaveLength(5);
  // The workload counts its own operations, so the two methods differ.
  expect(BigInt(run.flop_hardware)).toBeGreaterThan(0n);
  expect(usage.reduce((sum, e) => sum + BigInt(e.payload.tokens), 0n)).toBe(run.tokens);
  expect(usage.every((e) => BigInt(e.payload.acceptedMs) > 0n && BigInt(e.payload.energyMicroWh) > 0n)).toBe(true);
  expect(await stage.violations([...trainingInvariants, ...provenanceInvariants])).toEqual([]);

  const { body } = await api.ask(
    `query ($id: ID!) { run(id: $id) { lossCurve(maxPoints: 20) { step loss }
       checkpoints(first: 1) { nodes { state step files { sha256 downloadUrl } } } } }`,
    { id: toGlobalId('Run', runId) },
  );
  const [checkpoint] = body.data.run.checkpoints.nodes;
  expect(checkpoint).toMatchObject({ state: 'PROMOTED', step: '300' });
  for (const file of checkpoint.files) {
    const bytes = await (await fetch(`${api.url}${new URL(file.downloadUrl).pathname}`)).arrayBuffer();
    expect(sha256(Buffer.from(bytes))).toBe(file.sha256);
  }
  expect(body.data.run.lossCurve.length).toBeLessThanOrEqual(20);
  expect(body.data.run.lossCurve.at(-1).step).toBe('300');
});
