/**
 * All-reduce over TCP in a star: every rank sends its gradients to rank 0, which adds them in the order of ranks and
 * sends the sum back. The order of summation, and so every bit of the result, depends on the world size alone.
 *
 * 1. Nothing is reduced before every rank has joined and shown the same fingerprint (configuration, data, parameters).
 * 2. A rank that closes its connection, or stays silent for `peerTimeoutMs`, is lost; then every rank is told once.
 * 3. After `finish` a closed connection is a farewell, not a loss.
 */
import { createServer, connect, type Server, type Socket } from 'node:net';
import { Frame, Link } from './link.js';

export interface CollectiveOptions {
  rank: number;
  worldSize: number;
  masterAddr: string;
  masterPort: number;
  /** Names the attempt, so that a straggler of an earlier one cannot walk in through the same port. */
  attempt: string;
  /** What all ranks must agree on before they train together. */
  fingerprint: string;
  /** Floats in one all-reduce; also bounds what a frame may carry. */
  length: number;
  peerTimeoutMs: number;
  rendezvousTimeoutMs: number;
  /** Called once, with one line that says who was lost and how. */
  onLost: (reason: string) => void;
}

/** The small numbers that travel with the gradients: sums over the ranks, and whether any rank wants to drain. */
export interface Totals {
  loss: number;
  flop: number;
  drain: boolean;
}

interface Contribution {
  step: number;
  totals: Totals;
  values: Float32Array;
}

const TOTALS_BYTES = 24;
const HELLO_BYTES = 4096;
const RETRY_MS = 100;

export class Collective {
  private readonly links = new Map<number, Link>();
  private readonly arrived = new Map<number, Contribution>();
  private wake: () => void = () => {};
  private watch: NodeJS.Timeout | undefined;
  private server: Server | undefined;
  private lost: string | undefined;
  private finished = false;
  private farewell = false;

  private constructor(private readonly options: CollectiveOptions) {}

  /** Resolves when all ranks are connected and agree. Rejects with one line when they are not in time. */
  static async join(options: CollectiveOptions): Promise<Collective> {
    const collective = new Collective(options);
    if (options.worldSize > 1) {
      try {
        await (options.rank === 0 ? collective.gather() : collective.reach());
      } catch (error) {
        collective.close();
        throw error;
      }
      collective.startWatch();
    }
    return collective;
  }

  /** Replaces `values` by their sum over all ranks and returns the summed totals. */
  async allReduce(step: number, values: Float32Array, totals: Totals): Promise<Totals> {
    const { rank, worldSize } = this.options;
    if (worldSize === 1) return totals;
    if (rank !== 0) {
      this.links.get(0)!.send(Frame.reduce, ...encode({ step, totals, values }));
      const [result] = await this.collect([0], step);
      values.set(result!.values);
      return result!.totals;
    }
    const others = await this.collect(
      [...this.links.keys()].sort((a, b) => a - b),
      step,
    );
    const sum: Totals = { ...totals };
    for (const { totals: more, values: addend } of others) {
      sum.loss += more.loss;
      sum.flop += more.flop;
      sum.drain ||= more.drain;
      for (let i = 0; i < values.length; i++) values[i]! += addend[i]!;
    }
    const parts = encode({ step, totals: sum, values });
    for (const link of this.links.values()) link.send(Frame.result, ...parts);
    return sum;
  }

  /** Says goodbye. Rank 0 calls it when its last checkpoint is on disk; the others wait here for that. */
  async finish(): Promise<void> {
    if (this.options.rank !== 0 && this.options.worldSize > 1) {
      while (!this.farewell) await this.pause();
    }
    this.finished = true;
    if (this.options.rank === 0) for (const link of this.links.values()) link.send(Frame.bye);
    await Promise.all([...this.links.values()].map((link) => link.end()));
    this.close();
  }

  close(): void {
    this.finished = true;
    clearInterval(this.watch);
    this.server?.close();
    for (const link of this.links.values()) link.destroy();
  }

  private async collect(ranks: number[], step: number): Promise<Contribution[]> {
    while (!ranks.every((rank) => this.arrived.has(rank))) await this.pause();
    return ranks.map((rank) => {
      const contribution = this.arrived.get(rank)!;
      this.arrived.delete(rank);
      if (contribution.step !== step) throw new Error(`rank ${rank} is at step ${contribution.step}, not ${step}`);
      return contribution;
    });
  }

  /** Until something arrives; throws when a peer is lost. */
  private async pause(): Promise<void> {
    if (this.lost !== undefined) throw new Error(this.lost);
    await new Promise<void>((resolve) => (this.wake = resolve));
    if (this.lost !== undefined) throw new Error(this.lost);
  }

  private async gather(): Promise<void> {
    const { worldSize, masterAddr, masterPort, rendezvousTimeoutMs } = this.options;
    let refused: string | undefined;
    let complete: () => void = () => {};
    const joined = new Promise<void>((resolve) => (complete = resolve));
    this.server = createServer((socket) => {
      const link = new Link(socket, this.maxPayloadBytes());
      // Nobody is a peer before a valid hello; a stranger is dropped without a word.
      link.onFrame = (kind, payload) => {
        const answer = kind === Frame.hello ? this.admit(payload) : undefined;
        if (answer === undefined) return link.destroy();
        if (typeof answer === 'string') {
          refused = answer;
          link.send(Frame.abort, Buffer.from(answer));
          return complete();
        }
        this.adopt(answer.rank, link);
        if (this.links.size === worldSize - 1) complete();
      };
    });
    // On loopback nobody outside the machine needs to reach us; elsewhere the address may be that of a gateway.
    const host = masterAddr === 'localhost' || masterAddr.startsWith('127.') ? '127.0.0.1' : '0.0.0.0';
    await new Promise<void>((resolve, reject) => {
      this.server!.once('error', (error) =>
        reject(new Error(`cannot listen on ${host}:${masterPort}: ${error.message}`)),
      );
      this.server!.listen(masterPort, host, resolve);
    });
    this.wake = complete;
    await within(rendezvousTimeoutMs, joined, () => {
      const missing = Array.from({ length: worldSize - 1 }, (_, i) => i + 1).filter((rank) => !this.links.has(rank));
      return `rank ${missing.join(', ')} did not join within ${rendezvousTimeoutMs / 1000} s`;
    });
    if (refused !== undefined) throw new Error(refused);
    if (this.lost !== undefined) throw new Error(this.lost);
    this.server.close();
    for (const link of this.links.values()) link.send(Frame.welcome);
  }

  /** The rank of a valid hello; a reason when it is one of ours but cannot train with us; undefined for a stranger. */
  private admit(payload: Buffer): { rank: number } | string | undefined {
    if (payload.length > HELLO_BYTES) return undefined;
    const { worldSize, fingerprint, attempt } = this.options;
    let hello: { rank?: unknown; worldSize?: unknown; fingerprint?: unknown; attempt?: unknown };
    try {
      hello = JSON.parse(payload.toString('utf8')) as typeof hello;
    } catch {
      return undefined;
    }
    const { rank } = hello;
    if (hello.attempt !== attempt) return undefined;
    if (typeof rank !== 'number' || !Number.isInteger(rank) || rank < 1 || this.links.has(rank)) return undefined;
    if (hello.worldSize !== worldSize) return `rank ${rank} expects ${String(hello.worldSize)} ranks, not ${worldSize}`;
    if (rank >= worldSize) return undefined;
    if (hello.fingerprint !== fingerprint)
      return `rank ${rank} has another configuration, text or checkpoint than rank 0`;
    return { rank };
  }

  private async reach(): Promise<void> {
    const { rank, worldSize, masterAddr, masterPort, fingerprint, attempt, rendezvousTimeoutMs } = this.options;
    const deadline = performance.now() + rendezvousTimeoutMs;
    const socket = await dial(masterAddr, masterPort, deadline);
    if (socket === undefined) {
      throw new Error(`rank 0 not reachable at ${masterAddr}:${masterPort} within ${rendezvousTimeoutMs / 1000} s`);
    }
    const link = new Link(socket, this.maxPayloadBytes());
    const welcomed = new Promise<void>((resolve) => {
      this.wake = resolve;
      this.adopt(0, link, resolve);
    });
    link.send(Frame.hello, Buffer.from(JSON.stringify({ rank, worldSize, fingerprint, attempt })));
    const left = Math.max(0, deadline - performance.now());
    await within(left, welcomed, () => `not all ranks joined within ${rendezvousTimeoutMs / 1000} s`);
    if (this.lost !== undefined) throw new Error(this.lost);
  }

  private adopt(rank: number, link: Link, welcomed: () => void = () => {}): void {
    this.links.set(rank, link);
    link.onClose = (reason) => this.lose(`rank ${rank} (${reason})`);
    link.onFrame = (kind, payload) => {
      if (kind === Frame.alive) return;
      if (kind === Frame.welcome) return welcomed();
      if (kind === Frame.abort) this.fail(payload.toString('utf8'));
      if (kind === Frame.bye) this.finished = this.farewell = true;
      if (kind === Frame.reduce || kind === Frame.result) {
        if (payload.length !== TOTALS_BYTES + 4 * this.options.length) return link.destroy();
        this.arrived.set(rank, decode(payload));
      }
      this.wake();
    };
  }

  private lose(peer: string): void {
    if (!this.finished) this.fail(`lost ${peer}`);
  }

  private fail(reason: string): void {
    if (this.lost !== undefined) return;
    this.lost = reason;
    if (this.options.rank === 0) for (const link of this.links.values()) link.send(Frame.abort, Buffer.from(reason));
    this.wake();
    this.options.onLost(reason);
  }

  /** Says "alive" often and notices silence. A gap in our own ticks means that we were the ones asleep. */
  private startWatch(): void {
    const { peerTimeoutMs } = this.options;
    const tickMs = Math.max(20, Math.min(250, peerTimeoutMs / 8));
    let lastTickMs = performance.now();
    // Whoever joined early had nothing to say while the last rank was awaited.
    for (const link of this.links.values()) link.lastHeardMs = lastTickMs;
    this.watch = setInterval(() => {
      const now = performance.now();
      const slept = now - lastTickMs > peerTimeoutMs / 2;
      lastTickMs = now;
      for (const [rank, link] of this.links) {
        if (slept) link.lastHeardMs = now;
        link.send(Frame.alive);
        if (now - link.lastHeardMs > peerTimeoutMs) this.lose(`rank ${rank} (silent for ${peerTimeoutMs} ms)`);
      }
    }, tickMs);
  }

  private maxPayloadBytes(): number {
    return Math.max(HELLO_BYTES, TOTALS_BYTES + 4 * this.options.length);
  }
}

function encode({ step, totals, values }: Contribution): [Buffer, Uint8Array] {
  const head = Buffer.alloc(TOTALS_BYTES);
  head.writeUInt32LE(step, 0);
  head.writeUInt32LE(totals.drain ? 1 : 0, 4);
  head.writeDoubleLE(totals.loss, 8);
  head.writeDoubleLE(totals.flop, 16);
  return [head, new Uint8Array(values.buffer, values.byteOffset, values.byteLength)];
}

function decode(payload: Buffer): Contribution {
  const bytes = new Uint8Array(payload.subarray(TOTALS_BYTES));
  return {
    step: payload.readUInt32LE(0),
    totals: { drain: payload.readUInt32LE(4) === 1, loss: payload.readDoubleLE(8), flop: payload.readDoubleLE(16) },
    values: new Float32Array(bytes.buffer),
  };
}

/** Rank 0 may start later than we do, so a refused connection is tried again until the deadline. */
async function dial(host: string, port: number, deadlineMs: number): Promise<Socket | undefined> {
  while (performance.now() < deadlineMs) {
    const socket = connect({ host, port });
    const connected = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
      socket.setTimeout(2000, () => resolve(false));
    });
    if (connected) return socket.setTimeout(0);
    socket.destroy();
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  return undefined;
}

async function within(ms: number, work: Promise<void>, describe: () => string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(describe())), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
