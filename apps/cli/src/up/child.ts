import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { StartError } from './home.js';

export interface ChildSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** How the child says that it serves: by IPC message, or by a check of ours. */
  readonly ready: 'ipc' | (() => Promise<boolean>);
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  readonly stopSignal?: NodeJS.Signals;
  /** How long it may take to stop before it is killed: longer than it gives itself. */
  readonly graceMs?: number;
  /** Runs before each start; a leftover of the last one is cleared here. */
  readonly beforeStart?: () => Promise<void>;
}

const READY_MS = 60_000;
const GRACE_MS = 16_000;
const CONFIG_EXIT = 78;
const MAX_BACKOFF_MS = 3_000;

/**
 * One supervised child: started, watched, and started again with growing pauses when it dies, until it is stopped.
 * It runs in a process group of its own, so that a Ctrl-C in the terminal reaches only the supervisor, which then
 * stops its children in order.
 */
export class Child {
  private process: ChildProcess | undefined;
  private stopping = false;
  private failures = 0;
  private startedAt = 0;
  private log: WriteStream | undefined;
  private lastLines: string[] = [];

  constructor(
    private readonly spec: ChildSpec,
    private readonly say: (line: string) => void,
    private readonly onLaunch: (name: string, pid: number) => void = () => undefined,
  ) {}

  /** Starts the child and waits until it serves. Throws a `StartError` with the reason when it doesn't. */
  async start(): Promise<void> {
    this.stopping = false;
    await this.launch(true);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    const child = this.process;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill(this.spec.stopSignal ?? 'SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), this.spec.graceMs ?? GRACE_MS);
      await ended;
      clearTimeout(timer);
    }
    this.log?.end();
    this.log = undefined;
  }

  private async launch(first: boolean): Promise<void> {
    await this.spec.beforeStart?.();
    if (this.stopping) return;
    this.log ??= createWriteStream(this.spec.logFile, { flags: 'a' });
    this.lastLines = [];
    this.startedAt = Date.now();
    const child = spawn(this.spec.command, [...this.spec.args], {
      env: { ...this.spec.env },
      detached: true,
      stdio: this.spec.ready === 'ipc' ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
      ...(this.spec.uid === undefined ? {} : { uid: this.spec.uid }),
      ...(this.spec.gid === undefined ? {} : { gid: this.spec.gid }),
    });
    this.process = child;
    if (child.pid !== undefined) this.onLaunch(this.spec.name, child.pid);
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => this.record(chunk));
    child.once('error', () => undefined);
    child.once('exit', (code, signal) => void this.ended(child, code, signal));
    try {
      await this.untilReady(child);
      this.failures = 0;
    } catch (error) {
      if (first) {
        this.stopping = true;
        child.kill('SIGKILL');
        throw error;
      }
    }
  }

  private async untilReady(child: ChildProcess): Promise<void> {
    const { ready, name } = this.spec;
    let timer: NodeJS.Timeout | undefined;
    const failed = new Promise<never>((_, reject) => {
      child.once('exit', (code) => reject(new StartError(this.reason(code))));
      child.once('error', (error) => reject(new StartError(`${name} did not start: ${error.message}.`)));
      timer = setTimeout(
        () => reject(new StartError(`${name} was not ready in ${READY_MS / 1000} s; see ${this.spec.logFile}.`)),
        READY_MS,
      );
    });
    const served =
      ready === 'ipc'
        ? new Promise<void>((resolve) => child.once('message', () => resolve()))
        : poll(ready, () => child.exitCode === null && child.signalCode === null);
    try {
      await Promise.race([served, failed]);
    } finally {
      clearTimeout(timer);
      failed.catch(() => undefined);
    }
  }

  private async ended(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    if (this.stopping || child !== this.process) return;
    if (Date.now() - this.startedAt > 30_000) this.failures = 0;
    this.failures += 1;
    const pause = Math.min(MAX_BACKOFF_MS, 50 * 2 ** this.failures);
    this.say(`${this.spec.name} ended (${signal ?? `exit ${code}`}); starting it again`);
    if (code === CONFIG_EXIT) this.say(this.reason(code));
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (!this.stopping) await this.launch(false).catch((error: unknown) => this.say(String(error)));
  }

  private record(chunk: Buffer): void {
    this.log?.write(chunk);
    this.lastLines.push(...chunk.toString('utf8').split('\n').filter(Boolean));
    this.lastLines.splice(0, Math.max(0, this.lastLines.length - 20));
  }

  /** The child's own last words, which for our processes are one line saying what to do. */
  private reason(code: number | null): string {
    const own = this.lastLines.findLast((line) => line.startsWith(`${this.spec.name}: `));
    return own ? own : `${this.spec.name} ended with code ${code}; see ${this.spec.logFile}.`;
  }
}

async function poll(check: () => Promise<boolean>, alive: () => boolean): Promise<void> {
  while (alive()) {
    if (await check().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}
