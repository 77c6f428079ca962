import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentWorld } from './agent-process.js';

const samples = ['shared/data/nvidia-smi', '../shared/data/nvidia-smi'].map((path) => resolve(path)).find(existsSync);
if (!samples) console.warn('SKIPPED: real nvidia-smi captures, because ../shared/data/nvidia-smi is missing');

let world: AgentWorld;
beforeAll(async () => {
  world = await AgentWorld.open();
});
afterAll(() => world?.close());

describe('the command line of the agent', () => {
  it.skipIf(!samples)('shows what it makes of real listings', async () => {
    for (const file of [
      'h100-80gb-hbm3.txt',
      'h200.txt',
      'l40s.txt',
      'rtx-2080-super-windows.txt',
      'rtx-4080-super.txt',
      'a100-sxm4-v12.xml',
    ]) {
      const { code, stdout, stderr } = await world.cli('inventory', '--from', join(samples ?? '', file));
      expect([file, code, stderr]).toEqual([file, 0, expect.stringContaining('CLASS')]);
      expect(JSON.parse(stdout)).toMatchObject({ count: expect.any(Number), devices: expect.any(Array) });
    }
  });

  it('refuses what it cannot use, says what would be right, and exits 1', async () => {
    const broken = join(world.root, 'broken.txt');
    writeFileSync(broken, '| NVIDIA-SMI 590 |\n|   0  NVIDIA H100');
    const home = ['--home', world.newHome()];
    const cases = {
      AGENT_INVENTORY_UNREADABLE: await world.cli('inventory', '--from', broken),
      AGENT_FILE_UNREADABLE: await world.cli('inventory', '--from', join(world.root, 'missing.txt')),
      AGENT_NOT_JOINED: await world.cli('status', ...home),
      AGENT_SERVER_MISSING: await world.cli('join', ...home),
      AGENT_SERVER_INVALID: await world.cli('join', ...home, '--server', 'ftp://x'),
      AGENT_TOKEN_MISSING: await world.cli('join', ...home, '--server', world.platform.url),
      AGENT_JOIN_TOKEN_UNKNOWN: await world.cli(
        'join',
        ...home,
        '--server',
        world.platform.url,
        '--token',
        'cwj_'.padEnd(47, 'x'),
      ),
      AGENT_PLATFORM_AWAY: await world.cli(
        'join',
        ...home,
        '--server',
        'http://127.0.0.1:1',
        '--token',
        'x'.repeat(30),
        '--wait-seconds',
        '1',
      ),
      AGENT_CPUS_INVALID: await world.cli(
        'join',
        ...home,
        '--server',
        world.platform.url,
        '--token',
        'x'.repeat(30),
        '--cpus',
        '9999',
      ),
    };
    for (const [code, result] of Object.entries(cases))
      expect([code, result.code, result.stderr]).toEqual([code, 1, expect.stringContaining(`(${code})`)]);
    expect(cases.AGENT_INVENTORY_UNREADABLE.stdout, 'no inventory is made of half a listing').toBe('');
  });

  it('doctor finds what is wrong', async () => {
    const good = await world.cli(
      'doctor',
      '--home',
      world.newHome(),
      '--server',
      world.platform.url,
      '--workloads',
      join(world.root, 'workloads'),
    );
    expect(good.stdout).toContain('ok    workload scripted (process)');
    const bad = await world.cli(
      'doctor',
      '--home',
      world.newHome(),
      '--server',
      'http://127.0.0.1:1',
      '--workloads',
      world.root,
    );
    expect([bad.code, bad.stdout]).toEqual([1, expect.stringContaining('BAD   http://127.0.0.1:1 does not answer')]);
  });
});
