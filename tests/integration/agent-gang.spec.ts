import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../libs/testkit/src/index.js';
import type { ScriptedLease } from './agent-platform.js';
import { AgentWorld } from './agent-process.js';

/** Real agents that train the real workloads together. */
const hasTorch = ((): boolean => {
  try {
    execFileSync(existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3', ['-c', 'import torch.distributed'], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
})();
if (!hasTorch) console.warn('SKIPPED: torchrun by agents, because python3 has no torch');

let world: AgentWorld;
beforeAll(async () => {
  world = await AgentWorld.open();
});
afterEach(() => world?.reset());
afterAll(() => world?.close());

const ended = (gang: ScriptedLease[]) =>
  eventually(
    'the gang has ended',
    async () => gang.every((lease) => lease.reports.at(-1)?.phase === 'exited'),
    100_000,
  );
const config = { steps: 8, batchSize: 4, context: 32, dModel: 32, checkpointEverySteps: 4 };

describe('a gang of agents', () => {
  it.each([
    ['tiny-lm', 'process' as const, true],
    ['tiny-lm-torch', 'torchrun' as const, hasTorch],
  ])(
    'trains %s by %s together and keeps its checkpoints',
    { timeout: 120_000 },
    async (workload, driver, isPossible) => {
      if (!isPossible) return;
      const agents = [
        await world.startAgent({ workloads: resolve('workloads') }),
        await world.startAgent({ workloads: resolve('workloads') }),
      ];
      const gang = world.script.offerGang(
        agents.map((agent) => agent.nodeId),
        { workload, driver, config, checkpointEverySteps: 4 },
      );
      await ended(gang);
      expect(gang.map((lease) => [lease.reports.at(-1)?.exitCode, lease.log])).toEqual(
        gang.map((lease) => [0, lease.log]),
      );
      const points = gang.flatMap((lease) => lease.points);
      expect(points.map((point) => point.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      const kept = [...world.script.checkpoints.values()].filter((checkpoint) => checkpoint.isComplete);
      expect(kept.at(-1)?.declared.files.map((file) => file.path)).toEqual([
        'model.safetensors',
        'optimizer.safetensors',
        'state.json',
      ]);
    },
  );
});
