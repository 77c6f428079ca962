import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel';
import { eventually } from '../../libs/testkit/src/index.js';
import type { ScriptedLease } from './agent-platform.js';
import { AgentWorld } from './agent-process.js';

let world: AgentWorld;
beforeAll(async () => {
  world = await AgentWorld.open();
});
afterEach(() => world?.reset());
afterAll(() => world?.close());

const phase = (lease: ScriptedLease) => lease.reports.at(-1)?.phase;
const untilPhase = (lease: ScriptedLease, wanted: string, timeoutMs?: number) =>
  eventually(`phase ${wanted}, was ${phase(lease)}`, async () => phase(lease) === wanted, timeoutMs);
const pidIn = (lease: ScriptedLease, word = 'pid') =>
  eventually(
    `a line "${word} N"`,
    async () => Number(new RegExp(`^${word} (\\d+)$`, 'm').exec(lease.log)?.[1]) || undefined,
  );
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
};
const untilDead = (pid: number, timeoutMs?: number) =>
  eventually(`process ${pid} has ended`, async () => !isAlive(pid), timeoutMs);
describe('the agent', () => {
  it('joins with a key of its own, beats, tells its status, drains at SIGTERM and leaves', async () => {
    const agent = await world.startAgent();
    expect(statSync(join(agent.home, 'key.json')).mode & 0o777).toBe(0o600);
    const [node] = await world.db.dataSource.query(
      'SELECT name, gpu_class, device_count, region, inventory FROM node WHERE id = $1',
      [agent.nodeId],
    );
    expect(node).toMatchObject({
      gpu_class: 'cpu',
      device_count: 1,
      region: 'eu-west',
      name: expect.stringMatching(/^cpu-[a-z0-9]{6}$/),
    });
    expect(agent.said()).toContain(node.name);
    const status = await world.cli('status', '--home', agent.home, '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({
      node: { nodeId: agent.nodeId, name: node.name },
      running: { pid: agent.child.pid, state: 'available', leases: [] },
    });
    const second = await world.cli('run', '--home', agent.home);
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('AGENT_ALREADY_RUNNING')]);
    const drained = await world.cli('drain', '--home', agent.home);
    expect([drained.code, await agent.exit]).toEqual([0, 0]);
    expect(await world.stateOf(agent.nodeId)).toBe('offline');
    const left = await world.cli('leave', '--home', agent.home);
    expect([left.code, await world.stateOf(agent.nodeId), existsSync(join(agent.home, 'key.json'))]).toEqual([
      0,
      'retired',
      false,
    ]);
  });

  it('goes by the name that its join token gives, not by its own', async () => {
    const agent = await world.startAgent({ tokenName: 'Attic', args: ['--name', 'mine'] });
    const status = await world.cli('status', '--home', agent.home);
    expect(status.stdout).toContain(`node ${agent.nodeId} (Attic, eu-west)`);
    expect(agent.said()).toContain('Attic, node');
    agent.child.kill('SIGTERM');
    expect(await agent.exit).toBe(0);
  });

  it('runs a workload and brings back logs, metrics and checkpoints before it says that it ended', async () => {
    const agent = await world.startAgent();
    const lease = world.script.offer(agent.nodeId, { config: { steps: 25 }, checkpointEverySteps: 10 });
    await untilPhase(lease, 'exited');
    expect(lease.reports.at(-1)).toMatchObject({
      exitCode: 0,
      step: 25,
      energyMethod: expect.stringMatching(/rapl|estimate:cpu-tdp-share/),
    });
    expect(lease.reports.at(-1)?.busyMs).toBeGreaterThan(25 * 20);
    expect(lease.reports.at(-1)?.energyMicroWh).toBeGreaterThan(0);
    expect(lease.points.map((point) => point.step)).toEqual(Array.from({ length: 25 }, (_, at) => at + 1));
    expect(lease.points.at(-1)).toMatchObject({ tokens: 250, loss: 0.04, hardwareFlop: '25' });
    expect(lease.log).toContain('env 0 1 0 1 127.0.0.1');
    expect(lease.log).toContain('secret hidden');
    expect(lease.log).toContain('not an event: {"type":"unheard"');
    const kept = [...world.script.checkpoints.values()].filter((checkpoint) => checkpoint.isComplete);
    expect(kept.map((checkpoint) => checkpoint.declared.step)).toEqual([10, 20]);
    for (const { declared, files } of kept) {
      expect(declared.files.map((file) => file.path)).toEqual(['shards/0.bin', 'state.json']);
      for (const file of declared.files)
        expect(createHash('sha256').update(files.get(file.path)!).digest('hex')).toBe(file.sha256);
    }
    world.script.leases.delete(lease.leaseId);
    await eventually(
      'the folder of the lease is gone',
      async () => !existsSync(join(agent.home, 'leases', lease.leaseId)),
    );
  });

  it('takes its workload with it when it is killed, one that left its process group too', async () => {
    const agent = await world.startAgent();
    const lease = world.script.offer(agent.nodeId, { config: { steps: 10_000, escape: true, ignoreTerm: true } });
    const [pid, escaped] = [await pidIn(lease), await pidIn(lease, 'escaped')];
    agent.child.kill('SIGKILL');
    await untilDead(pid, 3_000);
    await untilDead(escaped, 3_000);
  });

  it('lets work go on while the platform restarts, and delivers what was missed', async () => {
    const agent = await world.startAgent();
    const lease = world.script.offer(agent.nodeId, { config: { steps: 150 }, checkpointEverySteps: 50 });
    const pid = await pidIn(lease);
    const port = Number(new URL(world.platform.url).port);
    await world.platform.close();
    await new Promise((done) => setTimeout(done, 2_000));
    expect(isAlive(pid)).toBe(true);
    await world.startPlatform(port);
    await untilPhase(lease, 'exited');
    expect(lease.reports.at(-1)?.exitCode).toBe(0);
    expect(lease.points).toHaveLength(150);
    expect(
      [...world.script.checkpoints.values()].filter(
        (checkpoint) => checkpoint.isComplete && checkpoint.declared.step >= 50,
      ),
    ).toHaveLength(3);
    expect(agent.said()).toContain('the platform answers again');
  });

  it('stops work before the lease ends when nothing renews it, even when the agent itself is frozen', async () => {
    const agent = await world.startAgent();
    const lease = world.script.offer(agent.nodeId, { config: { steps: 10_000, ignoreTerm: true } }, 3_000);
    const pid = await pidIn(lease);
    lease.frozenExpiry = new Date(Date.now() + 3_000).toISOString();
    await new Promise((done) => setTimeout(done, 500));
    agent.child.kill('SIGSTOP');
    await untilDead(pid, 3_000);
    expect(Date.now()).toBeLessThan(Date.parse(lease.frozenExpiry));
    agent.child.kill('SIGCONT');
    await untilPhase(lease, 'stopped');
  });

  it('stops at once when its token has become stale', async () => {
    const agent = await world.startAgent();
    const lease = world.script.offer(agent.nodeId, { config: { steps: 10_000 } });
    const pid = await pidIn(lease);
    lease.token = 2;
    await untilDead(pid, 2_000);
    await eventually('it says why', async () => lease.reports.at(-1)?.reason?.code === 'LEASE_TOKEN_STALE');
  });

  it('drains a workload into a last checkpoint', async () => {
    const agent = await world.startAgent();
    const lease = world.script.offer(agent.nodeId, { config: { steps: 10_000 }, checkpointEverySteps: 100_000 });
    await pidIn(lease);
    const before = world.script.checkpoints.size;
    agent.child.kill('SIGTERM');
    await untilPhase(lease, 'exited');
    world.script.leases.clear();
    expect([await agent.exit, lease.reports.at(-1)?.exitCode, world.script.checkpoints.size]).toEqual([
      0,
      0,
      before + 1,
    ]);
  });

  it('stops a workload that ignores SIGTERM, and bounds what one prints', async () => {
    const agent = await world.startAgent();
    const lease = world.script.offer(agent.nodeId, { config: { steps: 10_000, ignoreTerm: true, flood: 60_000 } });
    const pid = await pidIn(lease);
    expect(lease.droppedBytes).toBeGreaterThan(0);
    lease.want = 'stop';
    await untilDead(pid, 6_000);
    await untilPhase(lease, 'stopped');
    const rssKiB = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.child.pid}/status`, 'utf8'))?.[1]);
    expect(rssKiB).toBeLessThan(300_000);
  });

  it('stops a workload that fills the disk', async () => {
    const agent = await world.startAgent({ args: ['--disk-gib', '0'] });
    const lease = world.script.offer(agent.nodeId, { config: { steps: 10_000, fill: 1_000_000 } });
    await untilPhase(lease, 'stopped');
    expect(lease.reports.at(-1)?.reason).toMatchObject({
      code: 'AGENT_DISK_LIMIT',
      message: expect.stringContaining('the limit is 0'),
    });
  });

  it('restores a checkpoint only when its bytes are the declared ones', async () => {
    const agent = await world.startAgent();
    const bytes = Buffer.from('{"step":7}');
    const restore = (sha256: string) => {
      const checkpointId = newId();
      world.script.downloads.set(`${checkpointId}/state.json`, bytes);
      const url = `/agent/v1/checkpoints/${checkpointId}/files/state.json`;
      return { checkpointId, files: [{ path: 'state.json', sha256, bytes: bytes.length, url }] };
    };
    const good = world.script.offer(agent.nodeId, {
      config: { steps: 1 },
      restore: restore(createHash('sha256').update(bytes).digest('hex')),
    });
    await untilPhase(good, 'exited');
    expect(good.log).toContain('restored {"step":7}');
    const bad = world.script.offer(agent.nodeId, { config: { steps: 1 }, restore: restore('0'.repeat(64)) });
    await untilPhase(bad, 'exited');
    expect(bad.reports.at(-1)?.reason?.code).toBe('AGENT_DOWNLOAD_MISMATCH');
  });

  it.each([
    ['a workload that is not installed', { workload: 'unknown' }, 'AGENT_WORKLOAD_NOT_FOUND'],
    ['another driver', { driver: 'torchrun' as const }, 'AGENT_DRIVER_MISMATCH'],
    ['variables that steer the loader', { env: { LD_PRELOAD: '/tmp/x.so' } }, 'AGENT_LAUNCH_ENV_REFUSED'],
    ['a workload that fails', { config: { steps: 1, exitCode: 3 } }, 'AGENT_WORKLOAD_FAILED'],
  ])('says why for %s', async (_, launch, code) => {
    const agent = await world.startAgent();
    const lease = world.script.offer(agent.nodeId, launch);
    await untilPhase(lease, 'exited');
    expect(lease.reports.at(-1)?.reason?.code).toBe(code);
    expect(lease.reports.at(-1)?.exitCode).not.toBe(0);
  });

  it('ends the work of an agent before it: after a restart a lease in progress is reported as stopped', async () => {
    const agent = await world.startAgent();
    const lease = world.script.offer(agent.nodeId, { config: { steps: 10_000 } });
    const pid = await pidIn(lease);
    agent.child.kill('SIGKILL');
    await agent.exit;
    await untilDead(pid, 3_000);
    world.spawn(['run', '--home', agent.home, '--workloads', join(world.root, 'workloads')]);
    await eventually('it says why', async () => lease.reports.at(-1)?.reason?.code === 'AGENT_RESTARTED');
  });

  it('works with a clock that is a year off', async () => {
    const ahead = 'data:text/javascript,globalThis.real=Date.now;Date.now=()=>real()%2B31536000000';
    const agent = await world.startAgent({ env: { NODE_OPTIONS: `--import=${ahead}` } });
    const lease = world.script.offer(agent.nodeId, { config: { steps: 5 } });
    await untilPhase(lease, 'exited');
    expect(lease.reports.at(-1)?.exitCode).toBe(0);
  });
});
