import type { ZodType } from 'zod';
import { challengeSeed, messages, planFault } from '#protocol';
import { type PlatformClient, endpoint, untilAnswered } from '../session/platform.client.js';
import type { Solver } from './solver.js';

export interface ChallengeContext {
  readonly client: PlatformClient;
  /** Raw Ed25519 key of this node. */
  readonly publicKey: Buffer;
  readonly solverFor: (device: number, signal: AbortSignal) => Solver;
  readonly say: (text: string) => void;
}

/**
 * Answers the challenges that heartbeats tell of, each once and each on its own device; a challenge that was given up is
 * taken up again when it is still told of. What this process forgets by dying, the platform lets run out and asks again.
 */
export class ChallengeRunner {
  private readonly taken = new Set<string>();
  private readonly working = new Set<Promise<void>>();
  private readonly end = new AbortController();

  constructor(private readonly context: ChallengeContext) {}

  take(directives: readonly messages.ChallengeDirective[]): void {
    for (const directive of directives) {
      const { challengeId } = directive;
      if (this.taken.has(challengeId) || this.end.signal.aborted) continue;
      this.taken.add(challengeId);
      const work = this.answer(directive)
        .catch((error: unknown) => {
          if (!this.end.signal.aborted)
            this.context.say(`challenge ${challengeId}: ${error instanceof Error ? error.message : String(error)}`);
        })
        .finally(() => this.working.delete(work));
      this.working.add(work);
    }
  }

  async stop(): Promise<void> {
    this.end.abort();
    await Promise.all(this.working);
  }

  private async answer({ challengeId, device, plan }: messages.ChallengeDirective): Promise<void> {
    const fault = planFault(plan);
    if (fault !== undefined) throw new Error(`not answered: ${fault}`);
    const { say, publicKey } = this.context;
    const solver = this.context.solverFor(device, this.end.signal);
    const stop = (): void => solver.close();
    this.end.signal.addEventListener('abort', stop, { once: true });
    try {
      say(`challenge ${challengeId}: shows what device ${device} can do`);
      await solver.ready(plan);
      const { nonce } = await this.post(challengeId, 'start', {}, messages.ChallengeStarted);
      const commitment = await solver.commit(challengeSeed(Buffer.from(nonce, 'hex'), publicKey, challengeId));
      const body = { commitment: commitment.toString('hex') };
      const { reveal } = await this.post(challengeId, 'commitment', body, messages.ChallengeReveal);
      const opening = await solver.open(Buffer.from(reveal, 'hex'));
      await this.post(challengeId, 'opening', { opening }, messages.Acknowledged);
      say(`challenge ${challengeId}: answered`);
    } finally {
      this.end.signal.removeEventListener('abort', stop);
      solver.close();
    }
  }

  private async post<T>(
    challengeId: string,
    what: 'start' | 'commitment' | 'opening',
    body: unknown,
    schema: ZodType<T>,
  ): Promise<T> {
    const path = endpoint(`/challenges/${challengeId}/${what}`);
    const { signal } = this.end;
    const answer = await untilAnswered(() => this.context.client.post(path, body, schema, signal), signal);
    if (answer.ok) return answer.value;
    throw new Error(answer.away ? answer.why : `${answer.message} (${answer.code})`);
  }
}
