import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, readFile } from 'node:fs/promises';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import autocannon from 'autocannon';
import { createDataSource, freePort } from '#platform';

/** One comparison: a figure of ours beside the same work done otherwise. */
export interface BenchResult {
  readonly name: string;
  readonly ours: number;
  readonly peer: number;
  /** What could not be passed on this machine, where that is something else than the peer. */
  readonly limit?: number;
  readonly unit: string;
  /** `ours / peer`. */
  readonly ratio: number;
  /** The least ratio that is good enough, where one was set. */
  readonly goal?: number;
  readonly note: string;
}

export interface BenchContext {
  readonly databaseUrl: string;
  /** Seconds of measuring in all, shared by the variants. */
  readonly seconds: number;
  readonly log: (line: string) => void;
}

export const ROOT = join(import.meta.dirname, '../..');

/** Brings an empty database to the present schema. */
export async function migrate(databaseUrl: string): Promise<void> {
  const source = await createDataSource({ url: databaseUrl, poolSize: 2, packageRoot: ROOT }).initialize();
  await source.runMigrations();
  await source.destroy();
}

/** A process of the benchmark, ready to work. */
export interface Served {
  readonly url: string;
  /** CPU time that it has used so far, in milliseconds; not a number where the system doesn't tell. */
  cpuMs(): Promise<number>;
  /** One question over the process's IPC channel and its answer. */
  ask<T>(question: object): Promise<T>;
  stop(): Promise<void>;
}

/** What every measured process runs under. */
const ENV = { NODE_ENV: 'production', GRAPHILE_ENV: 'production', LOG_LEVEL: 'info', TZ: 'UTC' };

export interface ServeOptions {
  /** The script's arguments, once its port and its own folder are known. */
  readonly args?: (port: number, home: string) => string[];
  /** Whether it serves already; without, it says so on its IPC channel. */
  readonly isReady?: (url: string) => Promise<boolean>;
}

/** Starts a script in a process of its own and waits until it is ready. */
export async function serve(script: string, env: Record<string, string>, options: ServeOptions = {}): Promise<Served> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const home = await mkdtemp(join(tmpdir(), 'commonweights-bench-'));
  const args = ['--disable-warning=ExperimentalWarning', join(ROOT, script), ...(options.args?.(port, home) ?? [])];
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'] ?? '', ...ENV, PORT: String(port), COMMONWEIGHTS_HOME: home, ...env },
    // What a process logs is formatted and written as in production, and then thrown away.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  // However this process ends, nothing of it stays behind.
  const clear = (): void => {
    child.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  };
  process.once('exit', clear);
  const lastWords: string[] = [];
  child.stderr?.on('data', (chunk: Buffer) => {
    lastWords.push(chunk.toString('utf8'));
    lastWords.splice(0, lastWords.length - 20);
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}: ${lastWords.join('')}`)));
  });
  ended.catch(() => undefined);
  const said = () => new Promise<unknown>((resolve) => child.once('message', resolve));
  await Promise.race([options.isReady ? poll(() => options.isReady?.(url)) : said(), ended]);
  return {
    url,
    cpuMs: () => cpuMsOf(child.pid ?? 0),
    ask: async <T>(question: object) => {
      const answer = said();
      child.send(question);
      return (await Promise.race([answer, ended])) as T;
    },
    stop: async () => {
      await stop(child);
      process.removeListener('exit', clear);
      clear();
    },
  };
}

async function poll(check: () => Promise<boolean | undefined> | undefined): Promise<void> {
  while (!(await check()?.catch(() => false))) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** The API as it runs in production, from `dist`. */
export const serveApi = (databaseUrl: string, env: Record<string, string> = {}): Promise<Served> =>
  serve('dist/apps/api/src/main.js', {
    DATABASE_URL: databaseUrl,
    STRIPE_SECRET_KEY: 'sk_test_bench',
    STRIPE_PUBLISHABLE_KEY: 'pk_test_bench',
    STRIPE_WEBHOOK_SECRET: 'whsec_bench',
    NODE_CHALLENGE: 'off',
    ...env,
  });

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}

/** User and system time of a process from /proc, at 100 ticks a second. */
async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** One way of doing the work. `sample` works for about that long and answers operations a second. */
export interface Variant {
  readonly name: string;
  sample(ms: number): Promise<number>;
}

/**
 * Lets the variants take turns, each round beginning with another one, after a warm-up of each. Answers the samples of
 * each by name. What else the machine does falls on all of them alike.
 */
export async function inTurns(
  variants: readonly Variant[],
  options: { seconds: number; rounds: number; warmUpMs: number },
): Promise<Map<string, number[]>> {
  const samples = new Map<string, number[]>(variants.map((variant) => [variant.name, []]));
  const ms = Math.max(250, (options.seconds * 1000) / (options.rounds * variants.length));
  for (const variant of variants) await variant.sample(options.warmUpMs);
  for (let round = 0; round < options.rounds; round += 1) {
    for (let turn = 0; turn < variants.length; turn += 1) {
      const variant = variants[(turn + round) % variants.length];
      if (variant) samples.get(variant.name)?.push(await variant.sample(ms));
    }
  }
  return samples;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** The median of the ratios of samples taken in the same round: steadier than the ratio of medians on a busy machine. */
export const medianRatio = (ours: readonly number[], theirs: readonly number[]): number =>
  median(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)));

export interface Load {
  readonly url: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  /** Makes each request where none may repeat. */
  readonly next?: () => { body: string; headers: Record<string, string> };
  /** What every answer has to hold. */
  readonly holds?: string;
  readonly connections: number;
}

/** Requests a second that were answered as they should be, from this process. */
export async function requests(load: Load, ms: number): Promise<{ perSecond: number; p50: number; p99: number }> {
  const { url, connections, next, body, holds } = load;
  const result = await autocannon({
    url,
    connections,
    duration: ms / 1000,
    sampleInt: 100,
    method: 'POST',
    headers: { 'content-type': 'application/json', ...load.headers },
    ...(body === undefined ? {} : { body }),
    ...(next ? { requests: [{ setupRequest: (request) => withNext(request, next()) }] } : {}),
    ...(holds === undefined
      ? {}
      : { verifyBody: (text: string | Buffer | undefined) => text?.includes(holds) ?? false }),
  });
  if (result.non2xx + result.errors + result.timeouts + result.mismatches > 0) {
    throw new Error(
      `${url}: ${result.non2xx} refused, ${result.mismatches} wrong, ${result.errors} failed of ${result.requests.total}`,
    );
  }
  return { perSecond: result['2xx'] / result.duration, p50: result.latency.p50, p99: result.latency.p99 };
}

const withNext = (request: autocannon.Request, next: { body: string; headers: Record<string, string> }) => ({
  ...request,
  body: next.body,
  headers: { ...request.headers, ...next.headers },
});

/** Answer of one request as text. */
export async function ask(load: Load): Promise<string> {
  const { body, headers } = load.next?.() ?? { body: load.body ?? '', headers: load.headers };
  const response = await fetch(load.url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${load.url} answered ${response.status}: ${text.slice(0, 500)}`);
  return text;
}

/**
 * Stands between a client and PostgreSQL and notes the text of each statement that is prepared: what a server really
 * sends, as the wire has it.
 */
export async function listenIn(
  databaseUrl: string,
): Promise<{ url: string; statements: string[]; close(): Promise<void> }> {
  const target = new URL(databaseUrl);
  const statements: string[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    client.on(
      'data',
      parseReader((sql) => statements.push(sql)),
    );
    client.pipe(upstream).pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => [client, upstream].forEach((s) => s.destroy()));
    }
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    url: url.href,
    statements,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** Reads the `Parse` messages of PostgreSQL's frontend protocol, version 3. The first message has no type byte. */
function parseReader(found: (sql: string) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  let started = false;
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const head = started ? 1 : 0;
      if (rest.length < head + 4) return;
      const size = head + rest.readUInt32BE(head);
      if (rest.length < size) return;
      const message = rest.subarray(0, size);
      if (started && message[0] === 0x50) found(message.subarray(5).toString('utf8').split('\0')[1] ?? '');
      started = true;
      rest = rest.subarray(size);
    }
  };
}
