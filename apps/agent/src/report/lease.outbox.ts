import { setTimeout as sleep } from 'node:timers/promises';
import type { z } from 'zod';
import { messages } from '#protocol';
import { endpoint, untilAnswered, type Answer, type PlatformClient } from '../session/platform.client.js';
import { sendCheckpoint, type PendingCheckpoint } from './checkpoint.sender.js';
import { LogBuffer, type LogPiece } from './log.buffer.js';

const LOG_CAPACITY_BYTES = 512 * 1024;
const LOG_PIECE_BYTES = 32 * 1024;
const METRIC_CAPACITY = 20_000;
const METRIC_BATCH = 500;
const PAUSE_MS = 200;

export interface OutboxOptions {
  client: PlatformClient;
  leaseId: string;
  token: number;
  /** The platform says that this lease is somebody else's now. */
  onStale(): void;
}

/**
 * Carries a lease's logs, metrics and checkpoints to the platform, each in its own order, in bounded memory, through
 * the platform's absence. A refusal other than a stale token drops the one item and says so in the log.
 */
export class LeaseOutbox {
  private readonly logs = new LogBuffer(LOG_CAPACITY_BYTES);
  private readonly metrics: messages.MetricPoint[] = [];
  private readonly checkpoints: PendingCheckpoint[] = [];
  private readonly stop = new AbortController();
  private readonly lanes: Promise<void>[];
  private inFlight = 0;
  /** Set when the platform keeps no more of this lease's log: the rest is read and thrown away. */
  private isLogFull = false;

  constructor(private readonly options: OutboxOptions) {
    this.lanes = [
      this.lane(() => this.sendLogs()),
      this.lane(() => this.sendMetrics()),
      this.lane(() => this.sendCheckpoints()),
    ];
  }

  log(chunk: Buffer | string): void {
    this.logs.append(typeof chunk === 'string' ? Buffer.from(`[agent] ${chunk}\n`) : chunk);
  }

  metric(point: messages.MetricPoint): void {
    this.metrics.push(point);
    if (this.metrics.length > METRIC_CAPACITY) this.metrics.splice(0, 1);
  }

  checkpoint(pending: PendingCheckpoint): void {
    this.checkpoints.push(pending);
  }

  /** Resolves when all is delivered, or given up by `close`. */
  async flushed(): Promise<void> {
    while (
      !this.stop.signal.aborted &&
      (this.inFlight > 0 || this.logs.size + this.metrics.length + this.checkpoints.length > 0)
    ) {
      await sleep(25);
    }
  }

  async close(): Promise<void> {
    this.stop.abort();
    await Promise.all(this.lanes);
  }

  private async lane(send: () => Promise<boolean>): Promise<void> {
    while (!this.stop.signal.aborted) {
      this.inFlight += 1;
      const sent = await send().finally(() => (this.inFlight -= 1));
      if (!sent) await sleep(PAUSE_MS, undefined, { signal: this.stop.signal }).catch(() => undefined);
    }
  }

  private async sendLogs(): Promise<boolean> {
    const piece: LogPiece | null = this.logs.take(LOG_PIECE_BYTES);
    if (!piece) return false;
    if (this.isLogFull) return true;
    const answer = await this.deliver('logs', { token: this.options.token, ...piece }, messages.Acknowledged);
    this.isLogFull = !answer.ok && !answer.away && answer.code === 'LEASE_LOG_TOO_MUCH';
    return true;
  }

  private async sendMetrics(): Promise<boolean> {
    const points = this.metrics.splice(0, METRIC_BATCH);
    if (points.length === 0) return false;
    const answer = await this.deliver('metrics', { token: this.options.token, points }, messages.Acknowledged);
    this.note(answer, `${points.length} metric points`);
    return true;
  }

  private async sendCheckpoints(): Promise<boolean> {
    const pending = this.checkpoints[0];
    if (!pending) return false;
    const answer = await sendCheckpoint(
      this.options.client,
      this.options.leaseId,
      this.options.token,
      pending,
      this.stop.signal,
    );
    this.checkpoints.shift();
    if (!answer.ok && !answer.away && answer.code === 'LEASE_TOKEN_STALE') this.options.onStale();
    this.note(answer, `the checkpoint of step ${pending.step}`);
    return true;
  }

  private async deliver<T>(kind: string, body: object, schema: z.ZodType<T>): Promise<Answer<T>> {
    const path = endpoint(`/leases/${this.options.leaseId}/${kind}`);
    const { signal } = this.stop;
    const answer = await untilAnswered(() => this.options.client.post(path, body, schema, signal), signal);
    if (!answer.ok && !answer.away && answer.code === 'LEASE_TOKEN_STALE') this.options.onStale();
    return answer;
  }

  private note(answer: Answer<unknown>, what: string): void {
    if (!answer.ok && !this.stop.signal.aborted)
      this.log(`${what} could not be delivered: ${answer.away ? answer.why : `${answer.message} (${answer.code})`}`);
  }
}
