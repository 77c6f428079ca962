import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ChallengePlan, ChallengeProver } from '#protocol';
import { ProcessorSolver, type Solver, TorchSolver } from '../../apps/agent/src/challenge/solver.js';
import { NodeChallengeClock } from '../../libs/nodes/src/challenges/challenge.clock.js';
import { AgentWorld } from './agent-process.js';

const python = '/usr/bin/python3';
const hasTorch = spawnSync(python, ['-c', 'import torch; torch.zeros(1)'], { timeout: 60_000 }).status === 0;
const required = process.env['CI'] === 'true';
if (!hasTorch && !required) console.log('skipped: challenges by PyTorch, because python3 here can not import torch');

describe('the agent', () => {
  let world: AgentWorld;
  let clock: NodeJS.Timeout;
  beforeAll(async () => {
    world = await AgentWorld.open({ isChallenged: true });
    // The worker's part: one turn after the other.
    const turn = async (): Promise<void> => {
      await world.platform.app.get(NodeChallengeClock).tick();
      clock = setTimeout(() => void turn(), 100);
    };
    await turn();
  });
  afterAll(async () => {
    clearTimeout(clock);
    await world?.close();
  });

  it('shows what its machine can do before it is given work, and beats meanwhile', async () => {
    const agent = await world.startAgent();
    expect(agent.said()).toMatch(/challenge [0-9a-f-]{36}: shows what device 0 can do/);
    expect(agent.said()).toMatch(/challenge [0-9a-f-]{36}: answered/);
    const rows = await world.db.dataSource.query(
      'SELECT from_state AS a, to_state AS b FROM node_event WHERE node_id = $1 ORDER BY seq',
      [agent.nodeId],
    );
    expect(rows.map(({ a, b }: { a: string; b: string }) => `${a} ${b}`)).toEqual([
      'registered attesting',
      'attesting benchmarking',
      'benchmarking idle',
    ]);
    agent.child.kill('SIGTERM');
    expect(await agent.exit).toBe(0);
  });
});

describe.skipIf(!hasTorch && !required)('a device that PyTorch drives', () => {
  const plan: ChallengePlan = { side: 64, segments: 8, linksPerSegment: 3, opened: 3, rows: 5, columns: 6 };
  const bytes = (text: string): Buffer => createHash('sha256').update(text).digest();
  const torch = (): Solver =>
    new TorchSolver({ python, installRoot: resolve(import.meta.dirname, '../..'), device: 'cpu', env: {} });

  it('commits and opens to the bit as the processor does', async () => {
    const [seed, reveal] = [bytes('seed'), bytes('reveal')];
    const solvers = [torch(), new ProcessorSolver(new AbortController().signal)];
    const answers = await Promise.all(
      solvers.map(async (solver) => {
        await solver.ready(plan);
        const commitment = await solver.commit(seed);
        const opening = await solver.open(reveal);
        solver.close();
        return { commitment: commitment.toString('hex'), opening };
      }),
    );
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.commitment).toBe(new ChallengeProver(seed, plan).commit().toString('hex'));
  });

  it('says why it ended when it can not go on', async () => {
    const solver = new TorchSolver({ python, installRoot: '/nonexistent', device: 'cpu', env: {} });
    await expect(solver.ready(plan)).rejects.toThrow(/the solver ended: .*No such file/);
  });
});
