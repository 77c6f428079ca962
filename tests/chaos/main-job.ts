// Kills the API, the worker or PostgreSQL with SIGKILL at random moments while the main job plays, and demands that
// every play still ends well and every audit is clean. The seed is printed; the same seed kills in the same order.
//   npm run chaos -- --kills 50 --seed 7
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '#platform';

const ROOT = join(import.meta.dirname, '../..');
const VICTIMS = ['api', 'worker', 'postgres'] as const;
const PER_PLAY = 10;

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const kills = Number(values.kills);
const random = mulberry32(Number(values.seed));
process.stdout.write(`chaos: ${kills} kills, seed ${values.seed}\n`);

let done = 0;
let failures = 0;
const counts: Record<string, number> = {};
for (let play = 1; done < kills; play += 1) {
  const wanted = Math.min(PER_PLAY, kills - done);
  const result = await playWith(wanted);
  done += result.killed;
  if (!result.ok) failures += 1;
  process.stdout.write(
    `play ${play}: ${result.killed} kills, ${result.seconds} s, ${result.ok ? 'job done, audit clean' : 'FAILED'}\n`,
  );
  if (!result.ok) process.stdout.write(`${result.output.split('\n').slice(-60).join('\n')}\n`);
  if (result.killed === 0) break;
}
process.stdout.write(
  `${done} kills (${VICTIMS.map((v) => `${v} ${counts[v] ?? 0}`).join(', ')}), ${failures} plays failed\n`,
);
process.exit(failures === 0 && done >= kills ? 0 : 1);

async function playWith(wanted: number): Promise<{ ok: boolean; killed: number; seconds: number; output: string }> {
  const home = mkdtempSync(join(tmpdir(), 'commonweights-chaos-'));
  chmodSync(home, 0o755);
  const port = await freePort();
  const started = Date.now();
  const child = spawn(join(ROOT, 'node_modules/.bin/node'), [join(ROOT, 'dist/apps/cli/src/main.js'), 'up', '--once'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      COMMONWEIGHTS_HOME: home,
      PORT: String(port),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  let over = false;
  void ended.then(() => (over = true));
  let killed = 0;
  while (!over && killed < wanted) {
    await pause(500 + random() * 6_000);
    if (over || !output.includes('The main job')) continue;
    if (output.includes('Audit:')) break;
    const victim = VICTIMS[Math.floor(random() * VICTIMS.length)] ?? 'api';
    const pid = pidOf(home, victim);
    if (pid === undefined) continue;
    try {
      process.kill(pid, 'SIGKILL');
      killed += 1;
      counts[victim] = (counts[victim] ?? 0) + 1;
      output += `[chaos] killed ${victim} after ${((Date.now() - started) / 1000).toFixed(1)} s\n`;
    } catch {
      // It was being started again; the next moment comes.
    }
  }
  const code = await Promise.race([ended, pause(12 * 60_000).then(() => 'late' as const)]);
  if (code === 'late') child.kill('SIGTERM');
  await ended;
  const ok = code === 0;
  if (ok) rmSync(home, { recursive: true, force: true });
  else output += `\n(kept: ${home})\n`;
  return { ok, killed, seconds: Math.round((Date.now() - started) / 1000), output };
}

function pidOf(home: string, name: string): number | undefined {
  const file = join(home, 'processes.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>)[name] : undefined;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** A small seeded generator (mulberry32), so that a failing run can be run again. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
