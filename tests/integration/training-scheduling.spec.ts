import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isRefused, newId } from '#kernel';
import { provenanceInvariants } from '#provenance';
import { trainingInvariants } from '#training';
import { CommitmentSubscriber, TrainingRequestSubscriber } from '../../libs/training/src/jobs/training.subscriber.js';
import type { FakeAgent } from './training.agent.js';
import { TrainingStage } from './training.stage.js';

let stage: TrainingStage;
beforeAll(async () => {
  stage = await TrainingStage.open();
});
afterAll(() => stage?.close());
beforeEach(async () => {
  for (const { id } of await stage.sql('SELECT id FROM run WHERE ended_at IS NULL')) await stage.runs.cancel(id);
  stage.nowMs += 60_000;
  await stage.tick();
});
afterEach(async () => {
  expect(await stage.violations([...trainingInvariants, ...provenanceInvariants])).toEqual([]);
});

const pass = async (ms: number, agents: readonly FakeAgent[]) => {
  for (let left = ms; left > 0; left -= 1_000) {
    stage.nowMs += Math.min(left, 1_000);
    for (const agent of agents) await agent.beat();
    await stage.tick();
  }
};
const leaderOf = (agents: readonly FakeAgent[]) => agents.find((agent) => agent.only.launch?.rank === 0) as FakeAgent;

describe('scheduling', () => {
  it('gives up after five attempts that fail without progress, waiting longer each time', async () => {
    const small = await stage.recipe({ minWorkers: 1, maxWorkers: 1 });
    const one = newId();
    const agent = await stage.donor(one);
    const id = await stage.createRun(one, small);
    for (let round = 0; round < 120 && (await stage.runRow(id)).state !== 'failed'; round += 1) {
      await pass(1_000, [agent]);
      agent.exit(1);
    }
    expect(await stage.runRow(id)).toMatchObject({ state: 'failed', state_reason: 'workload_failed' });
    expect(await stage.events(id, 'attempt.started')).toHaveLength(5);
    expect(await stage.events(id, 'run.failed')).toHaveLength(1);
    expect((await stage.figures(`run:${id}:accepted:cpu`)).credits).toBe(0n);
  });

  it('says why it waits', async () => {
    const lonely = newId();
    const id = await stage.createRun(lonely, await stage.recipe());
    await stage.tick();
    expect((await stage.runRow(id)).wait_reason).toMatchObject({ code: 'TRAINING_WAIT_NO_PLEDGE' });
    const again = await stage.uow.run('test', async (tx) => {
      const run = await stage.runRow(id);
      return stage.runs.create(tx, { campaignId: lonely, recipeId: run.recipe_id });
    });
    expect(isRefused(again) && again.first.code).toBe('RUN_EXISTS');
  });

  it('places a node on a run of the class that its device is of, whatever the driver calls it', async () => {
    const campaign = newId();
    const h100 = { pledged: 'h100-sxm-80', reported: 'h100-80gb-hbm3' };
    const agent = await stage.donor(campaign, 600_000n, undefined, h100);
    // Pledged as the same class, but another device: it may not serve the run.
    const other = await stage.donor(campaign, 600_000n, undefined, { ...h100, reported: 'h100-pcie' });
    const recipe = await stage.recipe({ minWorkers: 1, maxWorkers: 2, gpuClass: 'h100-sxm-80' });
    const id = await stage.createRun(campaign, recipe);
    await pass(15_000, [agent, other]);
    const leases = await stage.sql('SELECT node_id, gpu_class, pledge_id FROM lease WHERE run_id = $1', [id]);
    expect(leases).toEqual([{ node_id: agent.nodeId, gpu_class: 'h100-sxm-80', pledge_id: agent.pledgeId }]);
    const reserved = await stage.figures(`pledge:${agent.pledgeId}:commitment:h100-sxm-80`);
    expect(reserved.pending).toBeGreaterThan(0n);
    // One of the two workers that it could have, so it trains degraded.
    expect((await stage.runRow(id)).state).toBe('degraded');
  });

  it('lets one of two schedulers decide, and gives no device twice', async () => {
    const campaign = newId();
    for (let n = 0; n < 3; n += 1) await stage.donor(campaign);
    const runId = await stage.createRun(campaign, await stage.recipe());
    await Promise.all(Array.from({ length: 6 }, () => stage.scheduler.round()));
    const devices = await stage.sql('SELECT node_id FROM lease_device WHERE is_live');
    expect(devices).toHaveLength(3);
    const lease = (await stage.sql('SELECT * FROM lease WHERE run_id = $1 LIMIT 1', [runId]))[0];
    await expect(
      stage.sql('INSERT INTO lease_device (lease_id, node_id, device_index, is_live) VALUES ($1, $2, 0, true)', [
        lease.id,
        lease.node_id,
      ]),
    ).rejects.toThrow(/unique|duplicate/);
    await expect(stage.sql('UPDATE lease SET token = token + 1 WHERE id = $1', [lease.id])).rejects.toThrow(/token/);
  });

  it('makes the run that a campaign asked for, once, and forgets pledges that ended', async () => {
    const logger = { warn: () => undefined } as never;
    const request = new TrainingRequestSubscriber(stage.runs, logger);
    const campaign = newId();
    const event = { payload: { campaignId: campaign, recipeId: await stage.recipe() } } as never;
    await stage.run((tx) => request.handle(event, tx));
    await stage.run((tx) => request.handle(event, tx));
    const runs = await stage.sql('SELECT id, state FROM run WHERE campaign_id = $1', [campaign]);
    expect(runs).toMatchObject([{ state: 'queued' }]);
    expect(await stage.events(runs[0].id, 'run.created')).toHaveLength(1);

    const commitments = new CommitmentSubscriber();
    const payload = {
      pledgeId: newId(),
      campaignId: campaign,
      contributor: newId(),
      class: 'cpu',
      milliseconds: '1000',
      count: 1,
    };
    // The end may be told before the beginning.
    for (const type of ['pledge.compute.withdrawn', 'pledge.compute.accepted']) {
      await stage.run((tx) => commitments.handle({ type, payload } as never, tx));
    }
    expect(await stage.sql('SELECT is_open FROM compute_commitment WHERE pledge_id = $1', [payload.pledgeId])).toEqual([
      { is_open: false },
    ]);
  });

  it('stops drawing on a reservation before it is used up, and pays every millisecond of it', async () => {
    const small = newId();
    const agent = await stage.donor(small, 40_000n);
    const id = await stage.createRun(small, await stage.recipe({ minWorkers: 1, maxWorkers: 1 }));
    for (let round = 0; round < 80; round += 1) {
      await pass(1_000, [agent]);
      if (agent.last[0]?.directive !== 'drain' || agent.only.phase !== 'running') continue;
      const { step } = await stage.runRow(id);
      await agent.steps(Number(step) + 1, Number(step) + 1);
      expect(await agent.checkpoint(Number(step) + 1)).toBe('promoted');
      agent.exit(0);
    }
    const ended = (await stage.events(id, 'lease.ended')).map((e) => e.payload);
    expect(ended.map((e) => e.cause)).toEqual(['drained']);
    const figures = await stage.figures(`pledge:${agent.pledgeId}:commitment:cpu`);
    expect(figures.pending).toBe(0n);
    expect(figures.debits).toBe(ended.reduce((sum, e) => sum + BigInt(e.milliseconds), 0n));
    expect(figures.debits).toBeGreaterThan(20_000n);
    expect((await stage.figures(`run:${id}:accepted:cpu`)).credits).toBe(figures.debits);
    expect((await stage.runRow(id)).wait_reason).toMatchObject({ code: 'TRAINING_WAIT_COMMITMENT_SPENT' });
  });

  it('grows by a restart from a checkpoint when a worker comes and enough is left to do', async () => {
    const campaign = newId();
    const two = [await stage.donor(campaign), await stage.donor(campaign)];
    const id = await stage.createRun(campaign, await stage.recipe());
    for (let round = 0; round < 8; round += 1) await pass(1_000, two);
    await leaderOf(two).steps(1, 10);
    expect(await leaderOf(two).checkpoint(10)).toBe('promoted');
    const third = await stage.donor(campaign);
    await pass(115_000, two);
    await third.beat();
    await leaderOf(two).steps(11, 12);
    expect(two[0]?.last[0]?.directive).toBe('start');
    await pass(8_000, [...two, third]);
    expect(two.map((a) => a.last[0]?.directive)).toEqual(['drain', 'drain']);
    for (const agent of two) agent.exit(0);
    const agents = [...two, third];
    await pass(6_000, agents);
    expect((await stage.runRow(id)).state).toBe('running');
    expect(agents.map((a) => a.only.launch?.worldSize)).toEqual([3, 3, 3]);
  });
});
