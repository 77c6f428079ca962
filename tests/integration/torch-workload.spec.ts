import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { DEFAULTS, readLaunch } from '../../workloads/tiny-lm/src/config.js';
import { loadCorpus } from '../../workloads/tiny-lm/src/data.js';
import { OutDir } from '../../workloads/tiny-lm/src/events.js';
import { train } from '../../workloads/tiny-lm/src/trainer.js';

const script = resolve(import.meta.dirname, '../../workloads/tiny-lm-torch/train.py');
const python = ['/usr/bin/python3', 'python3'].find(
  (candidate) => spawnSync(candidate, ['-c', 'import torch, torch.distributed'], { timeout: 60_000 }).status === 0,
);
const required = process.env['CI'] === 'true';
if (python === undefined && !required) console.log('skipped: tiny-lm-torch, because no python3 here can import torch');

const root = mkdtempSync(join(tmpdir(), 'tiny-lm-torch-'));
const children: ChildProcess[] = [];
/** Each torchrun leads a process group, as under the agent; nothing of it may outlive the test. */
afterEach(() => children.splice(0).forEach(endGroup));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function endGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

interface Member {
  child: ChildProcess;
  out: string;
  exited: Promise<{ code: number | null; stderr: string }>;
}

async function torchrun(nodes: number, config: object, env: Record<string, string> = {}): Promise<Member[]> {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return Array.from({ length: nodes }, (_, rank) => {
    const out = mkdtempSync(join(root, 'node-'));
    writeFileSync(join(out, 'config.json'), JSON.stringify(config));
    const flags = [
      '--nnodes',
      nodes,
      '--node_rank',
      rank,
      '--nproc_per_node',
      1,
      '--monitor_interval',
      0.5,
      '--max_restarts',
      0,
    ];
    const place = ['--master_addr', '127.0.0.1', '--master_port', port, '--redirects', 1, '--tee', 1, '--log_dir', out];
    const child = spawn(python!, ['-m', 'torch.distributed.run', ...[...flags, ...place].map(String), script], {
      env: {
        PATH: process.env['PATH'],
        PYTHONDONTWRITEBYTECODE: '1',
        CW_CONFIG: join(out, 'config.json'),
        CW_OUT_DIR: out,
        ...env,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    children.push(child);
    let stderr = '';
    child.stderr!.on('data', (chunk) => (stderr += String(chunk)));
    const exited = new Promise<{ code: number | null; stderr: string }>((done) => {
      child.on('close', (code) => done({ code, stderr }));
    });
    return { child, out, exited };
  });
}

type Event = Record<string, unknown> & { type: string };

function eventsOf(out: string): Event[] {
  if (!existsSync(join(out, 'events.jsonl'))) return [];
  const lines = readFileSync(join(out, 'events.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Event);
}

const losses = (out: string): number[] =>
  eventsOf(out).flatMap((e) => (e.type === 'step' ? [e['loss'] as number] : []));
const codes = async (members: Member[]): Promise<unknown[]> =>
  (await Promise.all(members.map((member) => member.exited))).map(
    ({ code, stderr }) => code || stderr.includes('tiny-lm-torch:'),
  );

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; !what(); i++) {
    if (i > 500) throw new Error('waited 50 s in vain');
    await new Promise((again) => setTimeout(again, 100));
  }
}

const small = { dModel: 32, context: 32, batchSize: 9, steps: 20, checkpointEverySteps: 8 };

describe.skipIf(python === undefined && !required)('tiny-lm-torch under real torchrun, two nodes on loopback', () => {
  it('has the PyTorch that CI must have', () => {
    expect(python, 'CI=true, but no python3 can import torch (apt-get install python3-torch)').toBeDefined();
  });

  it('trains along the same loss curve as tiny-lm, and resumes bit for bit', { timeout: 120_000 }, async () => {
    const whole = await torchrun(2, small);
    expect(await codes(whole)).toEqual([false, false]);
    const events = eventsOf(whole[0]!.out);
    expect(events.filter(({ type }) => type !== 'step')).toMatchObject([
      { type: 'start', rank: 0, worldSize: 2, step: 0, steps: 20, tokensPerStep: 288 },
      { type: 'checkpoint', step: 8, tokens: 8 * 288, dir: 'checkpoints/step-000008' },
      { type: 'checkpoint', step: 16, dir: 'checkpoints/step-000016' },
      { type: 'checkpoint', step: 20, dir: 'checkpoints/step-000020' },
      { type: 'done', step: 20, tokens: 20 * 288 },
    ]);

    const resumed = await torchrun(2, small, { CW_RESTORE_DIR: join(whole[0]!.out, 'checkpoints/step-000008') });
    expect(await codes(resumed)).toEqual([false, false]);
    expect(losses(resumed[0]!.out)).toEqual(losses(whole[0]!.out).slice(8));
    for (const file of ['model.safetensors', 'optimizer.safetensors']) {
      const [a, b] = [whole, resumed].map((gang) => readFileSync(join(gang[0]!.out, 'checkpoints/step-000020', file)));
      expect(a!.equals(b!)).toBe(true);
    }

    // The TypeScript trainer, alone, from the first step and from PyTorch's checkpoint.
    const config = { ...DEFAULTS, ...small };
    const corpus = loadCorpus(undefined, config.vocab);
    const alone = async (name: string, more: object): Promise<number[]> => {
      const out = new OutDir(join(root, name));
      await train(config, { ...readLaunch({ CW_OUT_DIR: out.path }), ...more }, corpus, out, {
        onLost: () => {},
        onJoined: () => {},
        say: () => {},
      });
      return losses(out.path);
    };
    const fromStart = await alone('typescript', {});
    fromStart.forEach((loss, i) => expect(loss).toBeCloseTo(losses(whole[0]!.out)[i]!, 3));
    const handedOver = await alone('handed-over', { restoreDir: join(whole[0]!.out, 'checkpoints/step-000008') });
    handedOver.forEach((loss, i) => expect(loss).toBeCloseTo(losses(whole[0]!.out)[8 + i]!, 3));
  });

  it('drains when one node is asked to', { timeout: 90_000 }, async () => {
    const gang = await torchrun(2, { ...small, steps: 1_000_000 });
    await until(() => losses(gang[0]!.out).length > 3);
    writeFileSync(join(gang[1]!.out, 'drain'), '');
    expect(await codes(gang)).toEqual([false, false]);
    const last = gang.map(({ out }) => eventsOf(out).at(-1));
    expect(last[0]).toMatchObject({ type: 'drained' });
    expect(last[1]).toEqual(last[0]);
    const dir = `checkpoints/step-${String(last[0]!['step']).padStart(6, '0')}`;
    expect(existsSync(join(gang[0]!.out, dir, 'state.json'))).toBe(true);
  });

  it(
    'ends within 3 s with code 1 and one line of its own when the other node is killed',
    { timeout: 90_000 },
    async () => {
      const gang = await torchrun(2, { ...small, steps: 1_000_000 });
      await until(() => losses(gang[0]!.out).length > 3);
      const killedMs = performance.now();
      endGroup(gang[1]!.child);
      const { code, stderr } = await gang[0]!.exited;
      expect(performance.now() - killedMs).toBeLessThan(3000);
      expect(code).toBe(1);
      expect(stderr.match(/^tiny-lm-torch: lost a peer.*$/gm)).toHaveLength(1);
    },
  );

  it('says in one line what is wrong with its input', { timeout: 60_000 }, async () => {
    const notThere = join(root, 'not-there');
    mkdirSync(notThere);
    const [member] = await torchrun(1, small, { CW_RESTORE_DIR: notThere });
    const { code, stderr } = await member!.exited;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tiny-lm-torch: cannot restore from .*state\.json/m);
  });
});
