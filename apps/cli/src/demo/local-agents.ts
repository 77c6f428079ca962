import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Donor } from './cast.js';

/** A donor's agent as a process of its own on this machine, with its own folder and key. */
export class LocalAgent {
  private process: ChildProcess | undefined;

  constructor(
    private readonly options: {
      packageRoot: string;
      folder: string;
      server: string;
      donor: Donor;
      env: Record<string, string>;
      onLaunch: (name: string, pid: number) => void;
    },
  ) {}

  get joined(): boolean {
    return existsSync(join(this.options.folder, 'identity.json')) || existsSync(join(this.options.folder, 'node.json'));
  }

  start(joinToken: string | undefined): void {
    const { packageRoot, folder, server, donor, env } = this.options;
    mkdirSync(folder, { recursive: true });
    const log = createWriteStream(join(folder, 'agent.log'), { flags: 'a' });
    const keep = ['PATH', 'HOME', 'LANG', 'TMPDIR'].flatMap((name) => (env[name] ? [[name, env[name]]] : []));
    const child = spawn(
      process.execPath,
      [
        join(packageRoot, 'dist/apps/agent/src/main.js'),
        'start',
        ...flags({
          server,
          home: folder,
          name: donor.node,
          region: donor.region,
          cpus: '1',
          address: '127.0.0.1',
          workloads: join(packageRoot, 'workloads'),
        }),
      ],
      {
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...Object.fromEntries(keep), ...(joinToken ? { COMMONWEIGHTS_JOIN_TOKEN: joinToken } : {}) },
      },
    );
    for (const stream of [child.stdout, child.stderr]) stream.pipe(log, { end: false });
    this.process = child;
    if (child.pid !== undefined) this.options.onLaunch(`agent ${donor.node}`, child.pid);
  }

  /** As a power cut would. */
  kill(): void {
    this.process?.kill('SIGKILL');
  }

  /** Asks to finish; insists after a while. */
  async stop(): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const again = setTimeout(() => child.kill('SIGTERM'), 1_500);
    const insist = setTimeout(() => child.kill('SIGKILL'), 6_000);
    await ended;
    clearTimeout(again);
    clearTimeout(insist);
  }
}

const flags = (values: Record<string, string>): string[] =>
  Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
