import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const root = mkdtempSync(join(tmpdir(), 'tiny-lm-main-'));
const children: ChildProcess[] = [];

/** Real processes need JavaScript; transpiling the folder takes a moment and does not depend on a build. */
beforeAll(() => {
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  for (const name of readdirSync(import.meta.dirname).filter(
    (file) => file.endsWith('.ts') && !file.includes('.spec.'),
  )) {
    const { outputText } = ts.transpileModule(readFileSync(join(import.meta.dirname, name), 'utf8'), {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
    });
    writeFileSync(join(root, name.replace(/\.ts$/, '.js')), outputText);
  }
  writeFileSync(join(root, 'text.txt'), 'It is not down in any map; true places never are. '.repeat(40));
});
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Member {
  child: ChildProcess;
  out: string;
  exited: Promise<{ code: number | null; stderr: string }>;
}

function launch(config: object, env: Record<string, string>): Member {
  const out = mkdtempSync(join(root, 'out-'));
  writeFileSync(join(out, 'config.json'), JSON.stringify(config));
  const child = spawn(process.execPath, [join(root, 'main.js')], {
    env: { CW_CONFIG: join(out, 'config.json'), CW_DATA: join(root, 'text.txt'), CW_OUT_DIR: out, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  let stderr = '';
  child.stderr!.on('data', (chunk) => (stderr += String(chunk)));
  const exited = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, stderr }));
  });
  return { child, out, exited };
}

async function launchGang(config: object): Promise<Member[]> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const place = { MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(port), WORLD_SIZE: '3' };
  return [0, 1, 2].map((rank) => launch(config, { ...place, RANK: String(rank) }));
}

async function until(what: () => boolean): Promise<void> {
  for (let i = 0; !what(); i++) {
    if (i > 400) throw new Error('waited 20 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const endless = {
  dModel: 16,
  context: 16,
  batchSize: 6,
  steps: 1_000_000,
  checkpointEverySteps: 10,
  peerTimeoutMs: 1500,
};
const reached = ({ out }: Member, dir: string): boolean => existsSync(join(out, 'checkpoints', dir));

describe('three processes', () => {
  it.each([
    ['killed', 1, 'SIGKILL'],
    ['killed', 0, 'SIGKILL'],
    ['frozen', 2, 'SIGSTOP'],
  ] as const)(
    'end with code 1 and one line within 3 s when one is %s (rank %i)',
    { timeout: 30_000 },
    async (_, victim, signal) => {
      const gang = await launchGang(endless);
      await until(() => reached(gang[0]!, 'step-000010'));
      gang[victim]!.child.kill(signal);
      const killedMs = performance.now();
      const others = gang.filter((_, rank) => rank !== victim);
      for (const { code, stderr } of await Promise.all(others.map((member) => member.exited))) {
        expect(code).toBe(1);
        expect(stderr).toMatch(new RegExp(`^tiny-lm: lost rank ${victim} \\(.+\\)\\n$`));
      }
      expect(performance.now() - killedMs).toBeLessThan(3000);
    },
  );

  it('drain on SIGTERM to one of them and leave with 0', { timeout: 30_000 }, async () => {
    const gang = await launchGang(endless);
    await until(() => reached(gang[0]!, 'step-000010'));
    gang[1]!.child.kill('SIGTERM');
    const ends = await Promise.all(gang.map((member) => member.exited));
    expect(ends).toEqual(Array(3).fill({ code: 0, stderr: '' }));
    const lastLines = gang.map(({ out }) => readFileSync(join(out, 'events.jsonl'), 'utf8').trim().split('\n').at(-1)!);
    const step = (JSON.parse(lastLines[0]!) as { step: number }).step;
    expect(lastLines).toEqual(Array(3).fill(JSON.stringify({ type: 'drained', step })));
    expect(reached(gang[0]!, `step-${String(step).padStart(6, '0')}`)).toBe(true);
  });
});

describe('one process', () => {
  it.each([
    [{ steps: -1 }, {}, 'CW_CONFIG.steps must be'],
    [{}, { CW_DATA: '/nowhere/text.txt' }, 'cannot read the text'],
    [{}, { CW_RESTORE_DIR: '/nowhere' }, 'cannot restore from /nowhere'],
    [{}, { WORLD_SIZE: '2', RANK: '5', MASTER_PORT: '1' }, 'RANK 5 is outside'],
  ])('ends with code 2 and one line on unusable input %j %j', async (config, env, message) => {
    const { code, stderr } = await launch(config, env).exited;
    expect(code).toBe(2);
    expect(stderr).toMatch(/^tiny-lm: [^\n]+\n$/);
    expect(stderr).toContain(message);
  });

  it('does not outlive the agent that leased it', { timeout: 30_000 }, async () => {
    const out = join(root, 'orphan');
    mkdirSync(out);
    writeFileSync(join(out, 'config.json'), JSON.stringify(endless));
    const env = {
      CW_CONFIG: join(out, 'config.json'),
      CW_DATA: join(root, 'text.txt'),
      CW_OUT_DIR: out,
      CW_LEASE_ID: 'x',
    };
    const script = `const c = require('node:child_process').spawn(process.execPath, [${JSON.stringify(join(root, 'main.js'))}], { stdio: 'ignore', detached: true });
      require('node:fs').writeFileSync(process.env.CW_OUT_DIR + '/pid', String(c.pid)); setInterval(() => {}, 1000);`;
    const agent = spawn(process.execPath, ['-e', script], { env, stdio: 'ignore' });
    children.push(agent);
    await until(() => existsSync(join(out, 'checkpoints/step-000010')));
    agent.kill('SIGKILL');
    const pid = Number(readFileSync(join(out, 'pid'), 'utf8'));
    await until(() => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    });
  });
});
