import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isRefused } from '#kernel';
import { LEASE_DIRECTIVES, NodesCommands } from '#nodes';
import type { Viewer } from '#platform';
import { type TestDatabase, createTestDatabase, eventually } from '../../libs/testkit/src/index.js';
import { LeaseScript, LeaseScriptController } from './agent-platform.js';
import { type NodesApp, insertContributor, startNodesApp } from './nodes-app.js';

/** The agent as donors run it: the compiled program. */
const AGENT = resolve('dist/apps/agent/src/main.js');

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
if (config.fill) writeFileSync(join(out, 'heap.bin'), Buffer.alloc(config.fill));
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

export interface Agent {
  child: ChildProcess;
  home: string;
  nodeId: string;
  said(): string;
  exit: Promise<number | null>;
}

export interface Exit {
  code: number;
  stdout: string;
  stderr: string;
}

/** A platform over real HTTP and PostgreSQL that gives leases by script, and agents that work for it. */
export class AgentWorld {
  readonly script = new LeaseScript();
  readonly root = mkdtempSync(join(tmpdir(), 'cw-agent-'));
  private readonly running = new Set<ChildProcess>();
  private owner = '';
  platform!: NodesApp;

  private constructor(
    readonly db: TestDatabase,
    private readonly isChallenged: boolean,
  ) {}

  static async open({ isChallenged = false } = {}): Promise<AgentWorld> {
    if (!existsSync(AGENT)) throw new Error('The agent is not built. Run "npm run build" first; "npm test" does.');
    const world = new AgentWorld(await createTestDatabase(), isChallenged);
    const workload = join(world.root, 'workloads', 'scripted');
    mkdirSync(workload, { recursive: true });
    writeFileSync(join(workload, 'main.mjs'), WORKLOAD);
    writeFileSync(
      join(workload, 'workload.json'),
      JSON.stringify({ name: 'scripted', driver: 'process', entry: 'main.mjs' }),
    );
    await world.startPlatform();
    world.owner = (await insertContributor(world.db)).id;
    return world;
  }

  async startPlatform(port?: number): Promise<void> {
    this.platform = await startNodesApp(this.db, {
      heartbeatMs: 200,
      leaseTtlMs: 5_000,
      isChallenged: this.isChallenged,
      ...(port ? { port } : {}),
      controllers: [LeaseScriptController],
      providers: [
        { provide: LeaseScript, useValue: this.script },
        { provide: LEASE_DIRECTIVES, useValue: this.script },
      ],
    });
  }

  /** Ends what a test started. */
  reset(): void {
    for (const child of this.running) child.kill('SIGKILL');
    this.script.leases.clear();
  }

  async close(): Promise<void> {
    this.reset();
    await this.platform.close();
    await this.db.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  newHome(): string {
    return mkdtempSync(join(this.root, 'home-'));
  }

  spawn(args: string[], env: Record<string, string> = {}): ChildProcess {
    const child = spawn(process.execPath, [AGENT, ...args], { env: { ...process.env, ...env } });
    this.running.add(child);
    child.once('exit', () => this.running.delete(child));
    return child;
  }

  /** An agent that has joined and beats. */
  async startAgent(
    options: { env?: Record<string, string>; workloads?: string; args?: string[]; tokenName?: string } = {},
  ): Promise<Agent> {
    const home = this.newHome();
    const workloads = options.workloads ?? join(this.root, 'workloads');
    const where = ['--server', this.platform.url, '--home', home, '--workloads', workloads];
    const child = this.spawn(['start', ...where, '--region', 'eu-west', '--cpus', '1', ...(options.args ?? [])], {
      COMMONWEIGHTS_JOIN_TOKEN: await this.newToken(options.tokenName ?? null),
      ...options.env,
    });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const exit = new Promise<number | null>((done) => child.once('exit', done));
    const nodeId = await eventually('the agent has joined', async () => {
      if (child.exitCode !== null) throw new Error(said);
      if (!existsSync(join(home, 'node.json'))) return undefined;
      const { nodeId: id } = JSON.parse(readFileSync(join(home, 'node.json'), 'utf8')) as { nodeId: string };
      return (await this.stateOf(id)) === 'idle' ? id : undefined;
    });
    return { child, home, nodeId, said: () => said, exit };
  }

  async stateOf(nodeId: string): Promise<string | undefined> {
    const rows = await this.db.dataSource.query<{ state: string }[]>('SELECT state FROM node WHERE id = $1', [nodeId]);
    return rows[0]?.state;
  }

  cli(...args: string[]): Promise<Exit> {
    return new Promise((done) => {
      execFile(process.execPath, [AGENT, ...args], { maxBuffer: 1e8 }, (error, stdout, stderr) =>
        done({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });
  }

  private async newToken(name: string | null): Promise<string> {
    const viewer: Viewer & { kind: 'contributor' } = {
      kind: 'contributor',
      contributorId: this.owner,
      pseudonym: this.owner,
      displayName: 'Ada',
      scopes: 'all',
      platformRoles: new Set(),
    };
    const made = await this.platform.app.get(NodesCommands).createJoinToken(viewer, name === null ? {} : { name });
    if (isRefused(made)) throw new Error(made.first.code);
    return made.token;
  }
}
