import { acceleratorClass } from '#catalog';
import { type ChallengePlan, planOperations } from '#protocol';

/**
 * How a machine is put to the proof, as a pure function of the class it claims.
 *
 *  1. A plan is sized so that an honest device needs about a second or two, and the platform a thousandth of it.
 *  2. A device passes only if it is fast enough for its class: it has to reach {@link REQUIRED_PERCENT} of the class's dense
 *     peak over the whole chain. Classes lie further apart than that (A100 312, H100 989 TFLOP/s), so that none passes for the
 *     next better one. Time counts by the platform's clock, from the nonce to the commitment, with {@link ROUND_TRIP_MS} on top.
 *  3. A class whose peak nobody has stated, `cpu` among them, is timed but held to no speed: it has a minute.
 *  4. Whoever is late or silent {@link TRIES} times in a row, or is found to have cheated once, goes to quarantine.
 */
export const CHALLENGE_STATES = ['issued', 'started', 'committed', 'opened', 'passed', 'failed', 'expired'] as const;
export type ChallengeState = (typeof CHALLENGE_STATES)[number];
export const LIVE_CHALLENGES = ['issued', 'started', 'committed', 'opened'] as const;

export type ChallengeCause = 'join' | 'repeat' | 'appeal';
export type EndFault = 'shape' | 'commitment' | 'rows' | 'chain' | 'late' | 'silent';

/** How long a node may take to get ready, load its libraries for instance. */
export const READY_WITHIN_MS = 10 * 60_000;
/** How long it may take from its commitment to its opening. */
export const OPEN_WITHIN_MS = 60_000;
export const TRIES = 3;
const REQUIRED_PERCENT = 40n;
const ROUND_TRIP_MS = 2_000;
const UNHURRIED_MS = 60_000;
const PERCENT = 100n;
const MS = 1_000n;

/** Half a billion multiplications: a second of one core. */
const SMALL: ChallengePlan = { side: 256, segments: 8, linksPerSegment: 4, opened: 8, rows: 8, columns: 6 };
/** 4.4 × 10¹⁴ multiplications, two seconds at 40 % of an H100, and 700 MB of matrices. */
const LARGE: ChallengePlan = { side: 8_192, segments: 8, linksPerSegment: 100, opened: 2, rows: 8, columns: 6 };

export interface Trial {
  readonly plan: ChallengePlan;
  /** Time from the nonce to the commitment, in milliseconds. */
  readonly withinMs: number;
}

/** The plan for a device of a class, and its time. `gpuClass` is the slug that the agent derives from the device's name. */
export function trialFor(gpuClass: string): Trial {
  const peak = acceleratorClass(gpuClass)?.peakFlopPerSecond;
  if (gpuClass === 'cpu' || peak === undefined) return { plan: SMALL, withinMs: UNHURRIED_MS };
  const operations = BigInt(planOperations(LARGE));
  const ms = (operations * PERCENT * MS) / (REQUIRED_PERCENT * peak);
  return { plan: LARGE, withinMs: Number(ms) + ROUND_TRIP_MS };
}

/** Operations a second that a device showed: those of its plan over the time from nonce to commitment. */
export function rateShown(plan: ChallengePlan, startedAt: Date, committedAt: Date): bigint {
  const ms = BigInt(Math.max(1, committedAt.getTime() - startedAt.getTime()));
  return (BigInt(planOperations(plan)) * MS) / ms;
}

/** What follows when a challenge was not passed: another try, or quarantine. `before`: tries without success before it. */
export function afterFailure(fault: EndFault, before: number): 'retry' | 'quarantine' {
  const mayBeHonest = fault === 'late' || fault === 'silent';
  return mayBeHonest && before + 1 < TRIES ? 'retry' : 'quarantine';
}

/**
 * When a node is challenged again: at a moment that nobody can foresee, so that nobody can be at his best just then. The
 * waiting times are exponential, so that having waited says nothing about what is still to wait.
 *
 * @param chance uniform in [0, 1)
 */
export function nextChallengeMs(meanMs: number, chance: number): number {
  return Math.round(-Math.log(1 - chance) * meanMs);
}
