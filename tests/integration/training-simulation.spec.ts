import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '#kernel';
import { provenanceInvariants } from '#provenance';
import { trainingInvariants } from '#training';
import { type FakeAgent } from './training.agent.js';
import { TrainingStage } from './training.stage.js';

/**
 * Random lives of a gang: agents that die, freeze and come back, fail, drain; clocks that jump. After each life the
 * promises hold, no write of an ended lease was taken, and once everybody behaves the run finishes.
 */
let stage: TrainingStage;
beforeAll(async () => {
  stage = await TrainingStage.open();
});
afterAll(() => stage?.close());

const AGENTS = 4;
const who = fc.nat(AGENTS - 1);
const action = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(400, 1_000, 1_000, 2_500) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('jump' as const), ms: fc.constantFrom(7_000, 30_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('kill' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('freeze' as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('back' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('fail' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain' as const), who }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('step' as const), steps: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const) }) },
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

class Life {
  readonly away = new Set<FakeAgent>();
  readonly writers = new Map<string, { agent: FakeAgent; leaseId: string; token: number }>();
  runId = '';
  constructor(readonly agents: readonly FakeAgent[]) {}

  async beat(): Promise<void> {
    for (const agent of this.agents) {
      if (this.away.has(agent)) continue;
      await agent.beat();
      for (const [leaseId, held] of agent.held) this.writers.set(leaseId, { agent, leaseId, token: held.token });
    }
    await stage.tick();
  }

  /** The agent whose process is rank 0 of the newest attempt, if it runs. */
  leader(): { agent: FakeAgent; leaseId: string; token: number } | undefined {
    for (const agent of this.agents) {
      for (const [leaseId, held] of agent.held) {
        if (held.phase === 'running' && held.launch?.rank === 0) return { agent, leaseId, token: held.token };
      }
    }
    return undefined;
  }

  async train(steps: number): Promise<void> {
    const leader = this.leader();
    if (!leader) return;
    const [row] = await stage.sql(
      'SELECT a.last_step, a.restored_step FROM lease l JOIN run_attempt a ON a.id = l.attempt_id WHERE l.id = $1',
      [leader.leaseId],
    );
    const from = Number(row.last_step ?? row.restored_step) + 1;
    const to = Math.min(100, from + steps - 1);
    if (from <= to) await leader.agent.steps(from, to, leader.agent.writer(leader));
  }

  async checkpoint(): Promise<void> {
    const leader = this.leader();
    if (!leader) return;
    const [row] = await stage.sql(
      'SELECT a.last_step FROM lease l JOIN run_attempt a ON a.id = l.attempt_id WHERE l.id = $1',
      [leader.leaseId],
    );
    if (row.last_step !== null) await leader.agent.checkpoint(Number(row.last_step), leader.agent.writer(leader));
  }

  async act(action: Action): Promise<void> {
    switch (action.kind) {
      case 'pass':
      case 'jump':
        stage.nowMs += action.ms;
        return this.beat();
      case 'kill': {
        const agent = this.agents[action.who] as FakeAgent;
        this.away.add(agent);
        agent.held.clear();
        return;
      }
      case 'freeze':
        this.away.add(this.agents[action.who] as FakeAgent);
        return;
      case 'back':
        this.away.delete(this.agents[action.who] as FakeAgent);
        return;
      case 'fail':
        return (this.agents[action.who] as FakeAgent).exit(1);
      case 'drain': {
        const agent = this.agents[action.who] as FakeAgent;
        agent.state = agent.state === 'draining' ? 'available' : 'draining';
        await stage.sql('UPDATE node SET state = $2 WHERE id = $1', [
          agent.nodeId,
          agent.state === 'draining' ? 'draining' : 'idle',
        ]);
        return;
      }
      case 'step':
        return this.train(action.steps);
      case 'checkpoint':
        return this.checkpoint();
    }
  }

  /** Every writer of a lease that has ended tries to write; none may succeed. */
  async haunt(): Promise<number> {
    let accepted = 0;
    for (const ghost of this.writers.values()) {
      const [lease] = await stage.sql('SELECT ended_at, expires_at FROM lease WHERE id = $1', [ghost.leaseId]);
      if (lease.ended_at === null && lease.expires_at.getTime() > stage.nowMs) continue;
      const writer = ghost.agent.writer(ghost);
      if (await ghost.agent.steps(1, 2, writer)) accepted += 1;
      if ((await ghost.agent.checkpoint(99, writer)) !== 'LEASE_TOKEN_STALE') accepted += 1;
    }
    return accepted;
  }

  /** Everybody is well again and works; answers the state in which the run ends. */
  async finish(): Promise<string> {
    for (const agent of this.agents) {
      this.away.delete(agent);
      agent.state = 'available';
      await stage.sql("UPDATE node SET state = 'idle' WHERE id = $1", [agent.nodeId]);
    }
    for (let round = 0; round < 200; round += 1) {
      const { state, step } = await stage.runRow(this.runId);
      if (['done', 'failed', 'cancelled'].includes(state)) return state;
      stage.nowMs += 1_000;
      await this.beat();
      await this.train(40);
      if (this.leader() && step >= 100n) {
        await this.checkpoint();
        for (const agent of this.agents) agent.exit(0);
      }
      // A workload that is told to drain writes a checkpoint and ends.
      if (this.agents.some((agent) => agent.last.some((d) => d.directive === 'drain'))) {
        await this.checkpoint();
        for (const agent of this.agents) agent.exit(0);
      }
    }
    return 'stuck';
  }
}

it('keeps its promises through random lives, and finishes', { timeout: 240_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 20, maxLength: 60 }), async (actions) => {
      const campaignId = newId();
      const agents: FakeAgent[] = [];
      for (let n = 0; n < AGENTS; n += 1) agents.push(await stage.donor(campaignId, 900_000n));
      const life = new Life(agents);
      life.runId = await stage.createRun(campaignId, await stage.recipe());
      for (let n = 0; n < 6; n += 1) await life.act({ kind: 'pass', ms: 1_000 });
      for (const next of actions) await life.act(next);
      expect(await life.haunt()).toBe(0);
      expect(await stage.violations([...trainingInvariants, ...provenanceInvariants])).toEqual([]);
      // Five failures in a row give a run up; anything else has to come to its end.
      expect(['done', 'failed']).toContain(await life.finish());
      expect(await life.haunt()).toBe(0);
      expect(await stage.violations([...trainingInvariants, ...provenanceInvariants])).toEqual([]);
      const [open] = await stage.sql('SELECT count(*) n FROM lease WHERE run_id = $1 AND ended_at IS NULL', [
        life.runId,
      ]);
      expect(open.n).toBe(0n);
      for (const agent of agents) {
        expect((await stage.figures(`pledge:${agent.pledgeId}:commitment:cpu`)).pending).toBe(0n);
      }
    }),
    { numRuns: Number(process.env['SIMULATION_RUNS'] ?? 8), endOnFailure: true },
  );
});
