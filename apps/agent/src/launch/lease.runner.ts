import { mkdir, rm, writeFile } from 'node:fs/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRefused, type Refusal } from '#kernel';
import type { messages } from '#protocol';
import { energySource, type EnergySource } from '../report/energy.meter.js';
import { EventTail, type WorkloadEvent } from '../report/event.tail.js';
import { LeaseOutbox } from '../report/lease.outbox.js';
import { fetchRestorePoint } from '../report/restore.js';
import type { PlatformClient } from '../session/platform.client.js';
import { type DiskLimits, diskTrouble } from './disk.watch.js';
import { freePort } from './free-port.js';
import { GuardedProcess } from './guarded.process.js';
import { planLaunch } from './launch.plan.js';
import { monotonicMs } from './lease-clock.js';
import type { WorkloadRegistry } from './workload.registry.js';

export interface RunnerContext {
  client: PlatformClient;
  nodeId: string;
  /** Folder that this lease may use and that is removed with it. */
  folder: string;
  inventory: messages.Inventory;
  lentCores: number;
  workloads: WorkloadRegistry;
  python: string;
  passedOn: Readonly<Record<string, string>>;
  disk: DiskLimits;
  /** Asks for a heartbeat now, because something changed that the platform waits for. */
  wake(): void;
  say(line: string): void;
}

const TAIL_MS = 200;
const DISK_CHECK_MS = 2_000;
const TERM_GRACE_MS = 3_000;
type Reason = NonNullable<messages.LeaseReport['reason']>;

/**
 * One lease on this node, from `prepare` to its end.
 *
 *   preparing → ready → running → exited
 *        any of them  ──────────→ stopped
 *
 *  1. Nothing runs after the local deadline (lease-clock.ts); the guard enforces it even when this process is frozen.
 *  2. `exited` is said only after logs, metrics and checkpoints have been delivered, for after it the lease may be gone.
 *  3. A stale token ends the work at once, and nothing more is sent.
 */
export class LeaseRunner {
  phase: messages.LeasePhase | 'preparing' = 'preparing';
  runId: string | null = null;
  step: number | null = null;
  private port: number | null = null;
  private process: GuardedProcess | null = null;
  private outbox: LeaseOutbox | null = null;
  private tail: EventTail | null = null;
  private tailTimer: NodeJS.Timeout | null = null;
  private diskCheckedAtMs = 0;
  private deadlineTimer: NodeJS.Timeout | null = null;
  private drainTimer: NodeJS.Timeout | null = null;
  private deadlineMs = 0;
  private launched = false;
  private stopping: Reason | null = null;
  private reason: Reason | null = null;
  private exitCode: number | null = null;
  private startedAtMs: number | null = null;
  private exitedAtMs: number | null = null;
  private meteredBusyMs = 0;
  private energyMicroWh = 0;
  private draining = false;
  private readonly energy: EnergySource;
  private readonly abort = new AbortController();

  constructor(
    readonly leaseId: string,
    readonly token: number,
    private readonly context: RunnerContext,
  ) {
    this.energy = energySource(context.inventory, context.lentCores);
  }

  /** Makes the folder and chooses a port. */
  async prepare(): Promise<void> {
    try {
      await rm(this.context.folder, { recursive: true, force: true });
      for (const name of ['out', 'home']) await mkdir(join(this.context.folder, name), { recursive: true });
      this.port = await freePort();
      if (this.phase === 'preparing') this.phase = 'ready';
    } catch (error) {
      this.finish('stopped', { code: 'AGENT_PREPARE_FAILED', message: (error as Error).message }, null);
    }
  }

  /** The right to work now ends at `deadlineMs` of the monotonic clock. */
  renew(deadlineMs: number): void {
    this.deadlineMs = deadlineMs;
    const leftMs = deadlineMs - monotonicMs();
    this.process?.extend(leftMs);
    if (this.deadlineTimer) clearTimeout(this.deadlineTimer);
    this.deadlineTimer = setTimeout(
      () => {
        this.stopNow({ code: 'AGENT_LEASE_EXPIRED', message: 'The lease ran out before it was renewed.' });
      },
      Math.max(0, leftMs),
    );
  }

  start(launch: messages.LaunchSpec): void {
    if (this.launched || this.phase !== 'ready') return;
    this.launched = true;
    this.runId = launch.runId;
    this.launch(launch).catch((error: Error) =>
      this.finish('exited', { code: 'AGENT_LAUNCH_FAILED', message: error.message }, 126),
    );
  }

  /** Asks the workload for a checkpoint and its end; stops it when it hasn't ended after `withinMs`. */
  drain(withinMs: number): void {
    if (this.draining || this.hasEnded) return;
    this.draining = true;
    if (!this.launched) return this.stop({ code: 'AGENT_DRAINED', message: 'The node drained before the launch.' });
    writeFileSync(join(this.context.folder, 'out', 'drain'), '');
    this.drainTimer = setTimeout(
      () => this.stop({ code: 'AGENT_DRAIN_TIMEOUT', message: 'The workload did not drain in time.' }),
      withinMs,
    );
  }

  /** Ends the workload politely, then firmly. */
  stop(reason: Reason): void {
    if (this.hasEnded || this.stopping) return;
    this.stopping = reason;
    if (!this.process) return this.finish('stopped', reason, null);
    this.process.terminate();
    setTimeout(() => this.process?.kill(), TERM_GRACE_MS).unref();
  }

  /** Ends the workload at once. Nothing more is sent: the lease is not ours any more. */
  stopNow(reason: Reason): void {
    if (this.hasEnded) return;
    this.stopping = reason;
    this.process?.kill();
    this.finish('stopped', reason, null);
  }

  get hasEnded(): boolean {
    return this.phase === 'exited' || this.phase === 'stopped';
  }

  report(): messages.LeaseReport {
    const busyMs = this.meter();
    return {
      leaseId: this.leaseId,
      token: this.token,
      phase: this.phase === 'preparing' ? 'ready' : this.phase,
      ...(this.port !== null ? { rendezvousPort: this.port } : {}),
      ...(this.step !== null ? { step: this.step } : {}),
      ...(this.exitCode !== null && this.hasEnded ? { exitCode: this.exitCode } : {}),
      ...(this.reason ? { reason: this.reason } : {}),
      busyMs,
      energyMicroWh: Math.round(this.energyMicroWh),
      energyMethod: this.energy.method,
    };
  }

  /** Forgets the lease: everything it had is ended and removed. */
  async dispose(): Promise<void> {
    this.stopNow({ code: 'AGENT_LEASE_ENDED', message: 'The platform ended the lease.' });
    await this.outbox?.close();
    await rm(this.context.folder, { recursive: true, force: true });
  }

  private async launch(launch: messages.LaunchSpec): Promise<void> {
    const { context } = this;
    const workload = context.workloads.find(launch.workload);
    if (isRefused(workload)) return this.refuseLaunch(workload.first);
    const restoreDir = launch.restore ? join(context.folder, 'restore') : null;
    const configPath = join(context.folder, 'config.json');
    const plan = planLaunch(launch, workload, {
      nodeId: context.nodeId,
      leaseId: this.leaseId,
      token: this.token,
      configPath,
      outDir: join(context.folder, 'out'),
      restoreDir,
      homeDir: join(context.folder, 'home'),
      python: context.python,
      nodeBinary: process.execPath,
      lentCores: context.lentCores,
      passedOn: context.passedOn,
    });
    if (isRefused(plan)) return this.refuseLaunch(plan.first);
    if (launch.restore && restoreDir) {
      const fetched = await fetchRestorePoint(context.client, launch.restore, restoreDir, this.abort.signal);
      if (!fetched.ok)
        return this.refuseLaunch(fetched.away ? { code: 'AGENT_RESTORE_ABANDONED', message: fetched.why } : fetched);
    }
    const config = { ...workload.defaults, ...launch.config, checkpointEverySteps: launch.checkpointEverySteps };
    await writeFile(configPath, JSON.stringify(config));
    if (this.hasEnded || this.stopping) return;
    this.spawn(plan);
  }

  private spawn(plan: { command: string; args: string[]; env: Record<string, string> }): void {
    const { client, folder } = this.context;
    const onStale = (): void => this.stopNow({ code: 'LEASE_TOKEN_STALE', message: 'Another lease has taken over.' });
    const outbox = new LeaseOutbox({ client, leaseId: this.leaseId, token: this.token, onStale });
    this.outbox = outbox;
    this.tail = new EventTail(
      join(folder, 'out', 'events.jsonl'),
      (event) => this.onEvent(event),
      (line) => outbox.log(`not an event: ${line}`),
    );
    this.startedAtMs = monotonicMs();
    this.energy.since(0);
    this.process = new GuardedProcess({
      leaseId: this.leaseId,
      ...plan,
      cwd: join(folder, 'home'),
      aliveMs: this.deadlineMs - monotonicMs(),
      onOutput: (chunk) => outbox.log(chunk),
      onExit: ({ code }) => void this.onExit(code),
    });
    this.phase = 'running';
    this.schedulePoll();
    this.context.wake();
  }

  private schedulePoll(): void {
    this.tailTimer = setTimeout(() => {
      void Promise.all([this.tail?.poll(), this.checkDisk()]).finally(() => {
        if (this.exitedAtMs === null && !this.hasEnded) this.schedulePoll();
      });
    }, TAIL_MS);
  }

  private async checkDisk(): Promise<void> {
    if (monotonicMs() - this.diskCheckedAtMs < DISK_CHECK_MS) return;
    const trouble = await diskTrouble(this.context.folder, this.context.disk).catch(() => null);
    this.diskCheckedAtMs = monotonicMs();
    if (trouble) this.stop({ code: 'AGENT_DISK_LIMIT', message: trouble });
  }

  private onEvent(event: WorkloadEvent): void {
    if (event.type === 'step') {
      const { type: _, ...point } = event;
      this.step = point.step;
      this.outbox?.metric({ ...point, at: new Date().toISOString() });
    } else if (event.type === 'checkpoint') {
      const { step, tokens, loss, dir } = event;
      this.outbox?.checkpoint({ step, tokens, loss, dir, outDir: join(this.context.folder, 'out') });
    }
  }

  private async onExit(code: number): Promise<void> {
    this.exitedAtMs = monotonicMs();
    this.meter();
    if (this.tailTimer) clearTimeout(this.tailTimer);
    if (this.hasEnded) return;
    while (await this.tail?.poll()) {
      // until the file has been read to its end
    }
    await this.outbox?.flushed();
    if (this.stopping) this.finish('stopped', this.stopping, code);
    else
      this.finish(
        'exited',
        code === 0 ? null : { code: 'AGENT_WORKLOAD_FAILED', message: `The workload ended with code ${code}.` },
        code,
      );
  }

  private refuseLaunch({ code, message }: Pick<Refusal, 'code' | 'message'>): void {
    this.context.say(`lease ${this.leaseId}: ${message} (${code})`);
    this.finish('exited', { code, message: message.slice(0, 2_000) }, 126);
  }

  private finish(phase: 'exited' | 'stopped', reason: Reason | null, exitCode: number | null): void {
    if (this.hasEnded) return;
    this.meter();
    this.phase = phase;
    this.reason = reason;
    this.exitCode = exitCode;
    this.exitedAtMs ??= monotonicMs();
    for (const timer of [this.deadlineTimer, this.drainTimer, this.tailTimer]) if (timer) clearTimeout(timer);
    this.abort.abort();
    if (phase === 'stopped') void this.outbox?.close();
    this.context.wake();
  }

  /** Brings the energy up to now; answers the time that the workload has been alive, milliseconds. */
  private meter(): number {
    if (this.startedAtMs === null) return 0;
    const busyMs = Math.round((this.exitedAtMs ?? monotonicMs()) - this.startedAtMs);
    if (busyMs > this.meteredBusyMs) {
      this.energyMicroWh += this.energy.since(busyMs - this.meteredBusyMs);
      this.meteredBusyMs = busyMs;
    }
    return busyMs;
  }
}
