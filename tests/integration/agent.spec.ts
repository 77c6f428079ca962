import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isRefused, newId } from '#kernel';
import { LEASE_DIRECTIVES, NodesCommands } from '#nodes';
import type { Viewer } from '#platform';
import { type TestDatabase, createTestDatabase, eventually } from '../../libs/testkit/src/index.js';
import { LeaseScript, LeaseScriptController, type ScriptedLease } from './agent-platform.js';
import { type NodesApp, insertContributor, startNodesApp } from './nodes-app.js';

/** The agent as donors run it: the compiled program, over HTTP, against real PostgreSQL. */
const AGENT = resolve('dist/apps/agent/src/main.js');
const samples = ['shared/data/nvidia-smi', '../shared/data/nvidia-smi'].map((path) => resolve(path)).find(existsSync);

/** A workload that does what its configuration says. Every line it prints and writes is asserted somewhere below. */
const WORKLOAD = `
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
const out = process.env.CW_OUT_DIR;
const config = JSON.parse(readFileSync(process.env.CW_CONFIG, 'utf8'));
const event = (line) => appendFileSync(join(out, 'events.jsonl'), JSON.stringify(line) + '\\n');
const checkpoint = (step) => {
  const dir = 'checkpoints/step-' + String(step).padStart(6, '0');
  mkdirSync(join(out, dir, 'shards'), { recursive: true });
  writeFileSync(join(out, dir, 'state.json'), JSON.stringify({ step }));
  writeFileSync(join(out, dir, 'shards/0.bin'), Buffer.alloc(300000, step));
  event({ type: 'checkpoint', step, tokens: step * 10, loss: 1 / step, dir });
};
console.log('env ' + ['RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'LOCAL_WORLD_SIZE', 'MASTER_ADDR'].map((name) => process.env[name]).join(' '));
console.log('secret ' + (process.env.COMMONWEIGHTS_JOIN_TOKEN ?? 'hidden'));
if (process.env.CW_RESTORE_DIR) console.log('restored ' + readFileSync(join(process.env.CW_RESTORE_DIR, 'state.json'), 'utf8'));
if (config.ignoreTerm) process.on('SIGTERM', () => undefined);
if (config.flood) for (let i = 0; i < config.flood; i++) process.stdout.write('x'.repeat(1023) + '\\n');
if (config.escape) {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { detached: true, stdio: 'ignore' });
  child.unref();
  console.log('escaped ' + child.pid);
}
console.log('pid ' + process.pid);
event({ type: 'unheard', of: true });
for (let step = 1; step <= config.steps; step++) {
  await new Promise((resolve) => setTimeout(resolve, config.stepMs ?? 20));
  event({ type: 'step', step, loss: 1 / step, tokens: step * 10, stepMs: 20, hardwareFlop: String(step) });
  if (step % config.checkpointEverySteps === 0) checkpoint(step);
  if (existsSync(join(out, 'drain'))) {
    checkpoint(step);
    event({ type: 'drained' });
    process.exit(0);
  }
}
event({ type: 'done', step: config.steps, loss: 0.1 });
process.exit(config.exitCode ?? 0);
`;

let db: TestDatabase;
let platform: NodesApp;
let script: LeaseScript;
let root: string;
let owner: string;
const running = new Set<ChildProcess>();

const startPlatform = (port?: number): Promise<NodesApp> =>
  startNodesApp(db, {
    heartbeatMs: 200,
    leaseTtlMs: 5_000,
    ...(port ? { port } : {}),
    controllers: [LeaseScriptController],
    providers: [
      { provide: LeaseScript, useValue: script },
      { provide: LEASE_DIRECTIVES, useValue: script },
    ],
  });

beforeAll(async () => {
  if (!existsSync(AGENT)) throw new Error('The agent is not built. Run "npm run build" first; "npm test" does.');
  root = mkdtempSync(join(tmpdir(), 'cw-agent-'));
  const workload = join(root, 'workloads', 'scripted');
  mkdirSync(workload, { recursive: true });
  writeFileSync(join(workload, 'main.mjs'), WORKLOAD);
  writeFileSync(
    join(workload, 'workload.json'),
    JSON.stringify({ name: 'scripted', driver: 'process', entry: 'main.mjs' }),
  );
  db = await createTestDatabase();
  script = new LeaseScript();
  platform = await startPlatform();
  owner = (await insertContributor(db)).id;
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  script.leases.clear();
});
afterAll(async () => {
  await platform?.close();
  await db?.close();
  rmSync(root, { recursive: true, force: true });
});

const newToken = async (): Promise<string> => {
  const viewer: Viewer & { kind: 'contributor' } = {
    kind: 'contributor',
    contributorId: owner,
    pseudonym: owner,
    displayName: 'Ada',
    scopes: 'all',
    platformRoles: new Set(),
  };
  const made = await platform.app.get(NodesCommands).createJoinToken(viewer, {});
  if (isRefused(made)) throw new Error(made.first.code);
  return made.token;
};

interface Agent {
  child: ChildProcess;
  home: string;
  nodeId: string;
  said(): string;
  exit: Promise<number | null>;
}

async function startAgent(options: { env?: Record<string, string>; args?: string[] } = {}): Promise<Agent> {
  const home = mkdtempSync(join(root, 'home-'));
  const args = [
    'start',
    '--server',
    platform.url,
    '--home',
    home,
    '--workloads',
    join(root, 'workloads'),
    '--region',
    'eu-west',
    '--cpus',
    '1',
    ...(options.args ?? []),
  ];
  const child = spawn(process.execPath, [AGENT, ...args], {
    env: { ...process.env, COMMONWEIGHTS_JOIN_TOKEN: await newToken(), ...options.env },
  });
  running.add(child);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exit = new Promise<number | null>((done) => child.once('exit', (code) => (running.delete(child), done(code))));
  const nodeId = await eventually('the agent has joined', async () => {
    if (child.exitCode !== null) throw new Error(said);
    if (!existsSync(join(home, 'node.json'))) return undefined;
    const { nodeId: id } = JSON.parse(readFileSync(join(home, 'node.json'), 'utf8'));
    return (await stateOf(id)) === 'idle' ? (id as string) : undefined;
  });
  return { child, home, nodeId, said: () => said, exit };
}

const stateOf = async (nodeId: string): Promise<string> =>
  (await db.dataSource.query('SELECT state FROM node WHERE id = $1', [nodeId]))[0]?.state;
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
const cli = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((done) => {
    execFile(process.execPath, [AGENT, ...args], { maxBuffer: 1e8 }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

describe('the agent', () => {
  it('joins with a key of its own, beats, tells its status, drains at SIGTERM and leaves', async () => {
    const agent = await startAgent();
    expect(statSync(join(agent.home, 'key.json')).mode & 0o777).toBe(0o600);
    const [node] = await db.dataSource.query(
      'SELECT name, gpu_class, device_count, region, inventory FROM node WHERE id = $1',
      [agent.nodeId],
    );
    expect(node).toMatchObject({
      gpu_class: 'cpu',
      device_count: 1,
      region: 'eu-west',
      name: expect.stringMatching(/^cpu-[a-z0-9]{6}$/),
    });
    const status = await cli('status', '--home', agent.home, '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({
      node: { nodeId: agent.nodeId },
      running: { pid: agent.child.pid, state: 'available', leases: [] },
    });
    const second = await cli('run', '--home', agent.home);
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('AGENT_ALREADY_RUNNING')]);
    const drained = await cli('drain', '--home', agent.home);
    expect([drained.code, await agent.exit]).toEqual([0, 0]);
    expect(await stateOf(agent.nodeId)).toBe('offline');
    const left = await cli('leave', '--home', agent.home);
    expect([left.code, await stateOf(agent.nodeId), existsSync(join(agent.home, 'key.json'))]).toEqual([
      0,
      'retired',
      false,
    ]);
  });

  it('runs a workload and brings back logs, metrics and checkpoints before it says that it ended', async () => {
    const agent = await startAgent();
    const lease = script.offer(agent.nodeId, { config: { steps: 25 }, checkpointEverySteps: 10 });
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
    const kept = [...script.checkpoints.values()].filter((checkpoint) => checkpoint.isComplete);
    expect(kept.map((checkpoint) => checkpoint.declared.step)).toEqual([10, 20]);
    for (const { declared, files } of kept) {
      expect(declared.files.map((file) => file.path)).toEqual(['shards/0.bin', 'state.json']);
      for (const file of declared.files)
        expect(createHash('sha256').update(files.get(file.path)!).digest('hex')).toBe(file.sha256);
    }
    script.leases.delete(lease.leaseId);
    await eventually(
      'the folder of the lease is gone',
      async () => !existsSync(join(agent.home, 'leases', lease.leaseId)),
    );
  });

  it('takes its workload with it when it is killed, one that left its process group too', async () => {
    const agent = await startAgent();
    const lease = script.offer(agent.nodeId, { config: { steps: 10_000, escape: true, ignoreTerm: true } });
    const [pid, escaped] = [await pidIn(lease), await pidIn(lease, 'escaped')];
    agent.child.kill('SIGKILL');
    await untilDead(pid, 3_000);
    await untilDead(escaped, 3_000);
  });

  it('lets work go on while the platform restarts, and delivers what was missed', async () => {
    const agent = await startAgent();
    const lease = script.offer(agent.nodeId, { config: { steps: 150 }, checkpointEverySteps: 50 });
    const pid = await pidIn(lease);
    const port = Number(new URL(platform.url).port);
    await platform.close();
    await new Promise((done) => setTimeout(done, 2_000));
    expect(isAlive(pid)).toBe(true);
    platform = await startPlatform(port);
    await untilPhase(lease, 'exited');
    expect(lease.reports.at(-1)?.exitCode).toBe(0);
    expect(lease.points).toHaveLength(150);
    expect(
      [...script.checkpoints.values()].filter((checkpoint) => checkpoint.isComplete && checkpoint.declared.step >= 50),
    ).toHaveLength(3);
    expect(agent.said()).toContain('the platform answers again');
  });

  it('stops work before the lease ends when nothing renews it, even when the agent itself is frozen', async () => {
    const agent = await startAgent();
    const lease = script.offer(agent.nodeId, { config: { steps: 10_000, ignoreTerm: true } }, 3_000);
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
    const agent = await startAgent();
    const lease = script.offer(agent.nodeId, { config: { steps: 10_000 } });
    const pid = await pidIn(lease);
    lease.token = 2;
    await untilDead(pid, 2_000);
    await eventually('it says why', async () => lease.reports.at(-1)?.reason?.code === 'LEASE_TOKEN_STALE');
  });

  it('drains a workload into a last checkpoint', async () => {
    const agent = await startAgent();
    const lease = script.offer(agent.nodeId, { config: { steps: 10_000 }, checkpointEverySteps: 100_000 });
    await pidIn(lease);
    const before = script.checkpoints.size;
    agent.child.kill('SIGTERM');
    await untilPhase(lease, 'exited');
    script.leases.clear();
    expect([await agent.exit, lease.reports.at(-1)?.exitCode, script.checkpoints.size]).toEqual([0, 0, before + 1]);
  });

  it('stops a workload that ignores SIGTERM, and bounds what one prints', async () => {
    const agent = await startAgent();
    const lease = script.offer(agent.nodeId, { config: { steps: 10_000, ignoreTerm: true, flood: 60_000 } });
    const pid = await pidIn(lease);
    expect(lease.droppedBytes).toBeGreaterThan(0);
    lease.want = 'stop';
    await untilDead(pid, 6_000);
    await untilPhase(lease, 'stopped');
    const rssKiB = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${agent.child.pid}/status`, 'utf8'))?.[1]);
    expect(rssKiB).toBeLessThan(300_000);
  });

  it('restores a checkpoint only when its bytes are the declared ones', async () => {
    const agent = await startAgent();
    const bytes = Buffer.from('{"step":7}');
    const restore = (sha256: string) => {
      const checkpointId = newId();
      script.downloads.set(`${checkpointId}/state.json`, bytes);
      const url = `/agent/v1/checkpoints/${checkpointId}/files/state.json`;
      return { checkpointId, files: [{ path: 'state.json', sha256, bytes: bytes.length, url }] };
    };
    const good = script.offer(agent.nodeId, {
      config: { steps: 1 },
      restore: restore(createHash('sha256').update(bytes).digest('hex')),
    });
    await untilPhase(good, 'exited');
    expect(good.log).toContain('restored {"step":7}');
    const bad = script.offer(agent.nodeId, { config: { steps: 1 }, restore: restore('0'.repeat(64)) });
    await untilPhase(bad, 'exited');
    expect(bad.reports.at(-1)?.reason?.code).toBe('AGENT_DOWNLOAD_MISMATCH');
  });

  it.each([
    ['a workload that is not installed', { workload: 'unknown' }, 'AGENT_WORKLOAD_NOT_FOUND'],
    ['another driver', { driver: 'torchrun' as const }, 'AGENT_DRIVER_MISMATCH'],
    ['variables that steer the loader', { env: { LD_PRELOAD: '/tmp/x.so' } }, 'AGENT_LAUNCH_ENV_REFUSED'],
    ['a workload that fails', { config: { steps: 1, exitCode: 3 } }, 'AGENT_WORKLOAD_FAILED'],
  ])('says why for %s', async (_, launch, code) => {
    const agent = await startAgent();
    const lease = script.offer(agent.nodeId, launch);
    await untilPhase(lease, 'exited');
    expect(lease.reports.at(-1)?.reason?.code).toBe(code);
    expect(lease.reports.at(-1)?.exitCode).not.toBe(0);
  });

  it('ends the work of an agent before it: after a restart a lease in progress is reported as stopped', async () => {
    const agent = await startAgent();
    const lease = script.offer(agent.nodeId, { config: { steps: 10_000 } });
    const pid = await pidIn(lease);
    agent.child.kill('SIGKILL');
    await agent.exit;
    await untilDead(pid, 3_000);
    const next = spawn(process.execPath, [AGENT, 'run', '--home', agent.home, '--workloads', join(root, 'workloads')]);
    running.add(next);
    await eventually('it says why', async () => lease.reports.at(-1)?.reason?.code === 'AGENT_RESTARTED');
  });

  it('works with a clock that is a year off', async () => {
    const ahead = 'data:text/javascript,globalThis.real=Date.now;Date.now=()=>real()%2B31536000000';
    const agent = await startAgent({ env: { NODE_OPTIONS: `--import=${ahead}` } });
    const lease = script.offer(agent.nodeId, { config: { steps: 5 } });
    await untilPhase(lease, 'exited');
    expect(lease.reports.at(-1)?.exitCode).toBe(0);
  });
});

describe('the command line', () => {
  it.skipIf(!samples)('shows what it makes of real listings', async () => {
    for (const file of [
      'h100-80gb-hbm3.txt',
      'h200.txt',
      'l40s.txt',
      'rtx-2080-super-windows.txt',
      'rtx-4080-super.txt',
      'a100-sxm4-v12.xml',
    ]) {
      const { code, stdout, stderr } = await cli('inventory', '--from', join(samples ?? '', file));
      expect([file, code, stderr]).toEqual([file, 0, expect.stringContaining('CLASS')]);
      expect(JSON.parse(stdout)).toMatchObject({ count: expect.any(Number), devices: expect.any(Array) });
    }
  });

  it('refuses what it cannot use, says what would be right, and exits 1', async () => {
    const broken = join(root, 'broken.txt');
    writeFileSync(broken, '| NVIDIA-SMI 590 |\n|   0  NVIDIA H100');
    const home = ['--home', mkdtempSync(join(root, 'home-'))];
    const cases = {
      AGENT_INVENTORY_UNREADABLE: await cli('inventory', '--from', broken),
      AGENT_FILE_UNREADABLE: await cli('inventory', '--from', join(root, 'missing.txt')),
      AGENT_NOT_JOINED: await cli('status', ...home),
      AGENT_SERVER_MISSING: await cli('join', ...home),
      AGENT_SERVER_INVALID: await cli('join', ...home, '--server', 'ftp://x'),
      AGENT_TOKEN_MISSING: await cli('join', ...home, '--server', platform.url),
      AGENT_JOIN_TOKEN_UNKNOWN: await cli('join', ...home, '--server', platform.url, '--token', 'cwj_'.padEnd(47, 'x')),
      AGENT_PLATFORM_AWAY: await cli(
        'join',
        ...home,
        '--server',
        'http://127.0.0.1:1',
        '--token',
        'x'.repeat(30),
        '--wait-seconds',
        '1',
      ),
      AGENT_CPUS_INVALID: await cli(
        'join',
        ...home,
        '--server',
        platform.url,
        '--token',
        'x'.repeat(30),
        '--cpus',
        '9999',
      ),
    };
    for (const [code, result] of Object.entries(cases))
      expect([code, result.code, result.stderr]).toEqual([code, 1, expect.stringContaining(`(${code})`)]);
  });

  it('doctor finds what is wrong', async () => {
    const good = await cli(
      'doctor',
      '--home',
      mkdtempSync(join(root, 'home-')),
      '--server',
      platform.url,
      '--workloads',
      join(root, 'workloads'),
    );
    expect(good.stdout).toContain('ok    workload scripted (process)');
    const bad = await cli(
      'doctor',
      '--home',
      mkdtempSync(join(root, 'home-')),
      '--server',
      'http://127.0.0.1:1',
      '--workloads',
      root,
    );
    expect([bad.code, bad.stdout]).toEqual([1, expect.stringContaining('BAD   http://127.0.0.1:1 does not answer')]);
  });
});
