import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { isRefused } from '#kernel';
import type { messages } from '#protocol';
import { appendMetrics } from '../../libs/training/src/store/progress.store.js';
import type { TrainingStage } from './training.stage.js';

// Rows and answers have the shape of their SQL or their schema; each test says what it expects of them.
// oxlint-disable-next-line typescript/no-explicit-any -- see above
export type Loose = any;

/** A file in the safetensors format with one tensor of the given numbers. */
export function safetensors(numbers: readonly number[]): Buffer {
  const data = Buffer.alloc(numbers.length * 4);
  numbers.forEach((n, index) => data.writeFloatLE(n, index * 4));
  const header = Buffer.from(
    JSON.stringify({ w: { dtype: 'F32', shape: [numbers.length], data_offsets: [0, data.length] } }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, data]);
}
export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Held {
  token: number;
  phase: messages.LeasePhase;
  busySinceMs: number | null;
  busyMs: number;
  step: number;
  exitCode?: number;
  launch?: messages.LaunchSpec;
}

/** An agent without a process: it obeys directives and says what it is told to say. */
export class FakeAgent {
  readonly held = new Map<string, Held>();
  last: messages.LeaseDirective[] = [];
  state: 'available' | 'draining' = 'available';

  constructor(
    private readonly stage: TrainingStage,
    readonly nodeId: string,
    readonly pledgeId: string,
    readonly pseudonym: string,
  ) {}

  get only(): { leaseId: string } & Held {
    const [entry] = this.held;
    if (!entry || this.held.size !== 1) throw new Error(`holds ${this.held.size} leases`);
    return { leaseId: entry[0], ...entry[1] };
  }

  change(patch: Partial<Held>): void {
    const [entry] = this.held;
    if (entry) Object.assign(entry[1], patch);
  }

  /** One heartbeat, and obedience to its answer. */
  async beat(): Promise<messages.LeaseDirective[]> {
    const { nowMs } = this.stage;
    await this.stage.sql('UPDATE node_liveness SET last_seen_at = $2 WHERE node_id = $1', [
      this.nodeId,
      new Date(nowMs),
    ]);
    const leases: messages.LeaseReport[] = [...this.held].map(([leaseId, held]) => ({
      leaseId,
      token: held.token,
      phase: held.phase,
      rendezvousPort: 4_100,
      step: held.step,
      ...(held.exitCode === undefined ? {} : { exitCode: held.exitCode }),
      busyMs: held.busyMs + (held.busySinceMs === null ? 0 : nowMs - held.busySinceMs),
      energyMicroWh: 1_000,
      energyMethod: 'estimate:cpu-tdp-share',
    }));
    this.last = await this.stage.directives.onHeartbeat(this.nodeId, leases, new Date(nowMs), {
      seq: 0,
      bootId: this.nodeId,
      state: this.state,
      address: `10.0.0.${this.nodeId.charCodeAt(35) % 250}`,
      leases,
    });
    const listed = new Set(this.last.map((d) => d.leaseId));
    for (const leaseId of this.held.keys()) if (!listed.has(leaseId)) this.held.delete(leaseId);
    for (const directive of this.last) this.obey(directive);
    return this.last;
  }

  private obey(d: messages.LeaseDirective): void {
    const held = this.held.get(d.leaseId) ?? { token: d.token, phase: 'ready', busySinceMs: null, busyMs: 0, step: 0 };
    this.held.set(d.leaseId, held);
    if (d.directive === 'start' && d.launch && held.phase === 'ready') {
      Object.assign(held, { phase: 'running', busySinceMs: this.stage.nowMs, launch: d.launch });
    }
    if (d.directive === 'stop' && (held.phase === 'running' || held.phase === 'ready')) this.end(held, 'stopped');
  }

  private end(held: Held, phase: 'exited' | 'stopped', exitCode?: number): void {
    if (held.busySinceMs !== null) held.busyMs += this.stage.nowMs - held.busySinceMs;
    Object.assign(held, { phase, busySinceMs: null, ...(exitCode === undefined ? {} : { exitCode }) });
  }

  /** The workload ends by itself. */
  exit(code: number): void {
    for (const held of this.held.values()) if (held.phase === 'running') this.end(held, 'exited', code);
  }

  writer(lease: { leaseId: string; token: number } = this.only) {
    return { leaseId: lease.leaseId, nodeId: this.nodeId, token: lease.token };
  }

  /** Reports steps; answers whether the fence let them through. */
  async steps(from: number, to: number, writer = this.writer()): Promise<boolean> {
    const points = Array.from({ length: to - from + 1 }, (_, index) => ({
      step: from + index,
      loss: 5 - (from + index) / 50,
      tokens: (from + index) * 10,
      at: new Date(this.stage.nowMs).toISOString(),
      stepMs: 100,
      hardwareFlop: String((from + index) * 70_000),
    }));
    const written = await this.stage.uow.run('test', (tx) => appendMetrics(tx, writer, points));
    return written === true;
  }

  /** Declares, uploads and completes a checkpoint; the state it reached or the code of the refusal. */
  async checkpoint(step: number, writer = this.writer(), tamper?: (bytes: Buffer) => Buffer): Promise<string> {
    const contents: Record<string, Buffer> = {
      'model.safetensors': safetensors([step, 1, 2]),
      'state.json': Buffer.from(JSON.stringify({ step })),
    };
    const files = Object.entries(contents).map(([path, bytes]) => ({
      path,
      bytes: bytes.length,
      sha256: sha256(bytes),
    }));
    const { checkpoints } = this.stage;
    const declared = await checkpoints.declare(writer, {
      token: writer.token,
      step,
      tokens: step * 10,
      loss: 5 - step / 50,
      files,
    });
    if (isRefused(declared)) return declared.first.code;
    for (const upload of declared.uploads) {
      const bytes = contents[upload.path] as Buffer;
      const sent = tamper ? tamper(bytes) : bytes;
      const received = await checkpoints.upload(writer, declared.checkpointId, upload.path, {
        body: Readable.from([sent]),
        sha256: sha256(bytes),
        contentLength: undefined,
      });
      if (isRefused(received)) return received.first.code;
    }
    const completed = await checkpoints.complete(writer, declared.checkpointId);
    return isRefused(completed) ? completed.first.code : completed;
  }
}
