import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '#kernel';
import { messages } from '#protocol';
import { ChallengeRunner } from '../challenge/challenge.runner.js';
import type { Solver } from '../challenge/solver.js';
import { localDeadlineMs, monotonicMs } from '../launch/lease-clock.js';
import { LeaseRunner, type RunnerContext } from '../launch/lease.runner.js';
import { backOffMs } from './back-off.js';
import type { NodeStore } from './node.store.js';
import { endpoint, type Answer } from './platform.client.js';

export interface LoopOptions extends Omit<RunnerContext, 'folder' | 'wake'> {
  store: NodeStore;
  address: string;
  heartbeatMs: number;
  /** Time that running work is given to write a checkpoint when the node drains. */
  drainMs: number;
  /** Raw Ed25519 key of this node. */
  publicKey: Buffer;
  /** What works out a hardware challenge on a device. */
  solverFor: (device: number, signal: AbortSignal) => Solver;
}

/** `left`: drained and said goodbye. `stopped`: told to stop at once. `refused`: the platform doesn't take this node. */
export type LoopEnd =
  { kind: 'left' | 'stopped' } | { kind: 'refused'; code: string; message: string; hint?: string | undefined };

const LEAVE_TRIES = 5;
const MIN_PATIENCE_MS = 2_500;
/** Time for a last word when stopped at once. */
const LAST_WORD_MS = 700;
/** Refusals after which asking again is pointless. */
const FINAL = new Set([
  'AGENT_UNKNOWN_NODE',
  'AGENT_NODE_RETIRED',
  'AGENT_NODE_QUARANTINED',
  'AGENT_SIGNATURE_INVALID',
]);

/**
 * The life of a running agent: one heartbeat after the other, and what the answers ask for.
 *  1. The platform may be away for any time: work goes on while its lease lasts, and beats are tried with back-off.
 *  2. A lease that an answer doesn't list is over: its work is stopped and its folder removed.
 *  3. Draining takes no new lease, lets the workloads write a checkpoint, then leaves.
 */
export class AgentLoop {
  private readonly bootId = newId();
  private readonly startedAt = new Date().toISOString();
  private readonly runners = new Map<string, LeaseRunner>();
  private readonly disposals = new Set<Promise<void>>();
  private readonly challenges: ChallengeRunner;
  private state: 'available' | 'draining' = 'available';
  private end: LoopEnd | null = null;
  private seq = 0;
  private failures = 0;
  private heartbeatMs: number;
  private lastAnswerAt: string | null = null;
  private drainDeadlineMs = Number.POSITIVE_INFINITY;
  private wakeUp: (() => void) | null = null;
  private isAwake = false;

  constructor(private readonly options: LoopOptions) {
    this.heartbeatMs = options.heartbeatMs;
    this.challenges = new ChallengeRunner(options);
  }

  async run(): Promise<LoopEnd> {
    await rm(join(this.options.store.home, 'leases'), { recursive: true, force: true });
    while (!this.end) {
      const sentAtMs = monotonicMs();
      const answer = await this.beat();
      if (answer.ok) await this.apply(answer.value, sentAtMs);
      else this.onFailure(answer);
      this.saveStatus();
      if (!this.end && this.isDrained()) this.end = await this.leave();
      if (!this.end) await this.pause();
    }
    if (this.end.kind === 'stopped') await this.sayLastWord();
    await this.challenges.stop();
    await Promise.all([...this.runners.values()].map((runner) => runner.dispose()));
    await Promise.all(this.disposals);
    return this.end;
  }

  drain(why: string): void {
    if (this.state === 'draining') return;
    this.state = 'draining';
    this.drainDeadlineMs = monotonicMs() + this.options.drainMs;
    this.options.say(
      `draining: ${why}; running work may take up to ${Math.round(this.options.drainMs / 1000)} s to write a checkpoint`,
    );
    for (const runner of this.runners.values()) runner.drain(this.options.drainMs);
    this.wake();
  }

  stopNow(): void {
    this.end = { kind: 'stopped' };
    for (const runner of this.runners.values())
      runner.stopNow({ code: 'AGENT_STOPPED', message: 'The donor stopped the agent.' });
    this.wake();
  }

  private beat(): Promise<Answer<messages.HeartbeatResponse>> {
    const request: messages.HeartbeatRequest = {
      seq: ++this.seq,
      bootId: this.bootId,
      state: this.state,
      address: this.options.address,
      leases: [...this.runners.values()].map((runner) => runner.report()),
    };
    // A platform that hangs must not cost the leases: it is given up in time to ask again.
    const patience = AbortSignal.timeout(Math.max(MIN_PATIENCE_MS, 2 * this.heartbeatMs));
    return this.options.client.post(endpoint('/heartbeat'), request, messages.HeartbeatResponse, patience);
  }

  private async apply(answer: messages.HeartbeatResponse, sentAtMs: number): Promise<void> {
    if (this.failures > 0) this.options.say('the platform answers again');
    this.failures = 0;
    this.heartbeatMs = answer.heartbeatMs;
    this.lastAnswerAt = new Date().toISOString();
    if (answer.desiredState === 'draining') this.drain('the platform asked for it');
    this.challenges.take(answer.challenges);
    const listed = new Set(answer.leases.map((lease) => lease.leaseId));
    for (const [leaseId, runner] of this.runners) if (!listed.has(leaseId)) this.forget(leaseId, runner);
    for (const directive of answer.leases) {
      const { expiresAt } = directive;
      const deadlineMs = localDeadlineMs({ sentAtMs, serverTime: answer.serverTime, expiresAt });
      await this.obey(directive, deadlineMs, answer.serverTime);
    }
  }

  private async obey(directive: messages.LeaseDirective, deadlineMs: number, serverTime: string): Promise<void> {
    const runner = this.runners.get(directive.leaseId) ?? (await this.take(directive));
    if (directive.token !== runner.token) {
      return runner.stopNow({ code: 'LEASE_TOKEN_STALE', message: 'The platform gave this lease another token.' });
    }
    if (directive.directive !== 'stop') runner.renew(deadlineMs);
    if (directive.directive === 'start' && directive.launch) runner.start(directive.launch);
    if (directive.directive === 'stop')
      runner.stop({ code: 'AGENT_STOP_DIRECTED', message: 'The platform asked for the stop.' });
    if (directive.directive === 'drain') {
      const { drainBy } = directive;
      runner.drain(drainBy ? Math.max(0, Date.parse(drainBy) - Date.parse(serverTime)) : this.options.drainMs);
    }
  }

  /** A lease that is new to this process. Only `prepare` may begin one: anything later is of a process before this one. */
  private async take({ leaseId, token, directive }: messages.LeaseDirective): Promise<LeaseRunner> {
    const folder = join(this.options.store.home, 'leases', leaseId);
    const runner = new LeaseRunner(leaseId, token, { ...this.options, folder, wake: () => this.wake() });
    this.runners.set(leaseId, runner);
    if (directive !== 'prepare') {
      runner.stop({ code: 'AGENT_RESTARTED', message: 'The agent restarted and its work ended with it.' });
    } else if (this.state === 'draining') {
      runner.stop({ code: 'AGENT_DRAINED', message: 'The node is draining.' });
    } else {
      this.options.say(`lease ${leaseId}: preparing`);
      await runner.prepare();
      this.wake();
    }
    return runner;
  }

  private forget(leaseId: string, runner: LeaseRunner): void {
    this.options.say(`lease ${leaseId}: over`);
    this.runners.delete(leaseId);
    const disposal = runner.dispose().finally(() => this.disposals.delete(disposal));
    this.disposals.add(disposal);
  }

  private onFailure(answer: Exclude<Answer<unknown>, { ok: true }>): void {
    this.failures += 1;
    if (!answer.away && FINAL.has(answer.code)) {
      const { code, message, hint } = answer;
      this.end = { kind: 'refused', code, message, hint };
      return;
    }
    if (this.failures === 1 || this.failures % 20 === 0) {
      const why = answer.away ? answer.why : `${answer.message} (${answer.code})`;
      const works = [...this.runners.values()].filter((runner) => !runner.hasEnded).length;
      this.options.say(`${why}; trying again${works > 0 ? `, ${works} running while its lease lasts` : ''}`);
    }
  }

  private isDrained(): boolean {
    if (this.state !== 'draining') return false;
    const isIdle = [...this.runners.values()].every((runner) => runner.hasEnded);
    // Ended leases are reported once more, so that the platform learns how they ended, unless it stays away.
    return isIdle && (this.runners.size === 0 || monotonicMs() > this.drainDeadlineMs);
  }

  private async leave(): Promise<LoopEnd> {
    for (let attempt = 0; attempt < LEAVE_TRIES; attempt++) {
      const answer = await this.options.client.post(endpoint('/leave'), {}, messages.Acknowledged);
      if (answer.ok) return { kind: 'left' };
      if (!answer.away) break;
      await new Promise((resolve) => setTimeout(resolve, backOffMs(attempt, 300, 2_000, Math.random())));
    }
    this.options.say(
      'left without the platform knowing: it does not answer, and will notice by the missing heartbeats',
    );
    return { kind: 'left' };
  }

  /** Tells how the leases ended and that we are gone, if that can be said at once: the gang need not wait for expiry. */
  private async sayLastWord(): Promise<void> {
    const told = this.beat().then(() =>
      this.options.client.post(endpoint('/leave'), {}, messages.Acknowledged, AbortSignal.timeout(LAST_WORD_MS)),
    );
    await Promise.race([told, new Promise((resolve) => setTimeout(resolve, LAST_WORD_MS))]);
  }

  private wake(): void {
    this.isAwake = true;
    this.wakeUp?.();
  }

  /** Until the next beat is due, or something changed; while the platform is away changes wait for the back-off. */
  private async pause(): Promise<void> {
    const isAway = this.failures > 0;
    // Never rarer than heartbeats are anyway: a returning platform should be found before leases run out.
    const ms = isAway
      ? backOffMs(this.failures - 1, this.heartbeatMs / 4, this.heartbeatMs, Math.random())
      : this.heartbeatMs;
    if (this.isAwake && !isAway) {
      this.isAwake = false;
      // A moment, so that changes of one turn share a beat.
      return new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.isAwake = false;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      if (isAway && !this.end) return;
      this.wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wakeUp = null;
    this.isAwake = false;
  }

  private saveStatus(): void {
    const leases = [...this.runners.values()].map((runner) => {
      const { leaseId, runId, phase, step } = runner;
      return { leaseId, runId, phase, step, busyMs: runner.report().busyMs };
    });
    const { startedAt, lastAnswerAt, state } = this;
    this.options.store.saveStatus({ pid: process.pid, state, startedAt, lastAnswerAt, leases });
  }
}
