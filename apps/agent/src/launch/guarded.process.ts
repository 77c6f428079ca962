import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Readable } from 'node:stream';

const folder = dirname(fileURLToPath(import.meta.url));
/** Compiled beside us in `dist`; run from its source under a loader otherwise. */
const GUARD = existsSync(join(folder, 'guard.js')) ? join(folder, 'guard.js') : join(folder, 'guard.ts');

export interface GuardedOptions {
  leaseId: string;
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
  cwd: string;
  /** Right to run from now on, until extended. */
  aliveMs: number;
  onOutput: (chunk: Buffer) => void;
  onExit: (exit: { code: number }) => void;
}

/** A workload under its guard. See guard.ts for what is promised. */
export class GuardedProcess {
  private readonly guard: ChildProcess;
  private workloadPid: number | null = null;
  private ended = false;

  constructor(options: GuardedOptions) {
    this.guard = spawn(
      process.execPath,
      [GUARD, options.leaseId, String(Math.round(options.aliveMs)), options.command, ...options.args],
      {
        cwd: options.cwd,
        env: { ...options.env },
        // A session of its own: Ctrl-C in the donor's terminal reaches the agent, which drains, and not the workload.
        detached: true,
        stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
        windowsHide: true,
      },
    );
    this.guard.stdin?.on('error', () => undefined);
    this.guard.stdout?.on('data', options.onOutput);
    this.guard.stderr?.on('data', options.onOutput);
    (this.guard.stdio[3] as Readable).on(
      'data',
      (chunk: Buffer) => (this.workloadPid = Number(chunk.toString().trim())),
    );
    const finish = (code: number): void => {
      if (this.ended) return;
      this.ended = true;
      this.killOrphans();
      options.onExit({ code });
    };
    this.guard.on('error', () => finish(127));
    // `close`, not `exit`: all output has arrived by then. A process that escaped could hold the pipes open, hence the limit.
    this.guard.on('exit', (code, signal) => setTimeout(() => finish(code ?? (signal ? 137 : 1)), 1_000).unref());
    this.guard.on('close', (code, signal) => finish(code ?? (signal ? 137 : 1)));
  }

  extend(aliveMs: number): void {
    this.write(`extend ${Math.max(0, Math.round(aliveMs))}`);
  }

  terminate(): void {
    this.write('term');
  }

  kill(): void {
    this.write('kill');
  }

  get pid(): number | null {
    return this.workloadPid;
  }

  private write(line: string): void {
    if (!this.ended) this.guard.stdin?.write(`${line}\n`);
  }

  /** Should the guard itself have been killed, its workload has lost its watch and must not go on. */
  private killOrphans(): void {
    if (this.workloadPid === null) return;
    try {
      process.kill(-this.workloadPid, 'SIGKILL');
    } catch {
      // the usual case: nobody is left
    }
  }
}
