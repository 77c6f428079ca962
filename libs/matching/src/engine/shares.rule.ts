import type { Claim, Scale } from './scale.rule.js';
import type { Unsaturated } from './match.type.js';
import { type Bounds, ceilDivide } from './root.rule.js';

/*
 * 1. The parts are whole minor units and sum to what is paid, exactly.
 * 2. What is paid is the pool; or the whole part of the claims where they are below it and aren't scaled up; or less
 *    where every project is at its cap.
 * 3. Rounding goes down first, then a unit each to the largest remainders, ties to the smaller project id.
 * 4. A part never exceeds its cap. What is over goes to the others in proportion to their claims, again and again.
 * 5. Undecided (a figure's bounds stand on both sides of a border) is an answer of its own: ask with more digits.
 */

export interface Shares {
  readonly parts: readonly bigint[];
  /** Before rounding, in 1 / {@link FRACTION} minor units, rounded down. */
  readonly shares: readonly bigint[];
  readonly capped: readonly boolean[];
  readonly roundedUp: readonly boolean[];
  readonly paid: bigint;
  readonly isSaturated: boolean;
  readonly capRounds: number;
}

export const FRACTION = 10n ** 30n;

interface Order {
  readonly claims: readonly Claim[];
  readonly caps: readonly (bigint | undefined)[];
  readonly poolMinor: bigint;
  readonly unsaturated: Unsaturated;
  readonly scale: Scale;
  /**
   * Whether a share that may lie on either side of a whole number is taken from below, where that changes no part: it
   * gets the unit that it would then lack.
   */
  readonly mayStraddle?: boolean;
}

/** Divides the pool; undefined when the bounds of the figures don't decide. With `last`, bounds are taken as they are. */
export function divide(order: Order, last: boolean): Shares | undefined {
  const claims = order.claims.map(({ claim }) => claim);
  const total = sum(claims);
  const pool = order.poolMinor * order.scale.figure;
  const reaches = total.low >= pool ? true : total.high < pool ? false : last ? true : undefined;
  if (reaches === undefined) return undefined;
  const count = claims.length;
  if (total.high === 0n || pool === 0n) return nothing(count, reaches);
  const judge = new Judge(last);
  if (!reaches && order.unsaturated === 'raw') return asClaimed(order, claims, judge);
  const filled = fillCaps(order, claims, judge);
  if (!filled) return undefined;
  const rounded = round(filled.shares, filled.fixed, filled.paid, judge, order.mayStraddle === true);
  return rounded && { ...rounded, capped: filled.capped, isSaturated: reaches, capRounds: filled.rounds };
}

/** Compares what lies between bounds. */
class Judge {
  constructor(private readonly last: boolean) {}

  /** Whether the figure is greater than the border; undefined when its bounds don't tell. */
  over(figure: Bounds, border: bigint): boolean | undefined {
    if (figure.low > border) return true;
    if (figure.high <= border) return false;
    return this.last ? settle(figure) > border : undefined;
  }

  floor(figure: Bounds): bigint | undefined {
    const low = figure.low / FRACTION;
    if (low === figure.high / FRACTION) return low;
    return this.last ? settle(figure) / FRACTION : undefined;
  }

  /** Which of the open shares have the largest remainders; undefined when the bounds leave the choice open. */
  largest(
    shares: readonly Bounds[],
    parts: readonly bigint[],
    fixed: readonly (bigint | undefined)[],
    units: number,
  ): readonly number[] | undefined {
    const open = shares.flatMap((share, index) => {
      if (fixed[index] !== undefined) return [];
      const whole = (parts[index] ?? 0n) * FRACTION;
      const rest = this.last ? settle(share) - whole : share.low + share.high - 2n * whole;
      return [{ index, rest, low: share.low - whole, high: share.high - whole }];
    });
    open.sort((a, b) => (a.rest === b.rest ? a.index - b.index : a.rest > b.rest ? -1 : 1));
    const chosen = open.slice(0, units);
    if (!this.last) {
      const least = chosen.reduce((low, one) => (one.low < low ? one.low : low), FRACTION);
      if (open.slice(units).some(({ high }) => high >= least)) return undefined;
    }
    return chosen.map(({ index }) => index);
  }
}

/** Twenty decimals of a minor unit are kept of a figure that stays open: closer than this to a border is on it. */
const GRAIN = 10n ** 10n;
const settle = (figure: Bounds): bigint => ((figure.low + figure.high + GRAIN) / (2n * GRAIN)) * GRAIN;

function sum(claims: readonly Bounds[]): Bounds {
  let low = 0n;
  let high = 0n;
  for (const claim of claims) {
    low += claim.low;
    high += claim.high;
  }
  return { low, high };
}

const nothing = (count: number, isSaturated: boolean): Shares => ({
  parts: Array<bigint>(count).fill(0n),
  shares: Array<bigint>(count).fill(0n),
  capped: Array<boolean>(count).fill(false),
  roundedUp: Array<boolean>(count).fill(false),
  paid: 0n,
  isSaturated,
  capRounds: 0,
});

/** Claims below the pool, paid as they are up to the caps; what the caps cut off stays in the pool. */
function asClaimed(order: Order, claims: readonly Bounds[], judge: Judge): Shares | undefined {
  const shares = claims.map((claim) => inMinor(claim, order.scale.figure));
  const capped: boolean[] = [];
  for (const [index, share] of shares.entries()) {
    const cap = order.caps[index];
    const isOver = cap === undefined ? false : judge.over(share, cap * FRACTION);
    if (isOver === undefined) return undefined;
    capped.push(isOver);
  }
  const fixed = capped.map((isCapped, index) => (isCapped ? (order.caps[index] ?? 0n) : undefined));
  const open = sum(shares.filter((_, index) => !capped[index]));
  const whole = judge.floor(open);
  if (whole === undefined) return undefined;
  const paid = whole + fixed.reduce<bigint>((total, cap) => total + (cap ?? 0n), 0n);
  const rounded = round(shares, fixed, paid, judge);
  const capRounds = capped.includes(true) ? 1 : 0;
  return rounded && { ...rounded, capped, isSaturated: false, capRounds };
}

interface Filled {
  readonly shares: readonly Bounds[];
  readonly fixed: readonly (bigint | undefined)[];
  readonly capped: readonly boolean[];
  readonly paid: bigint;
  readonly rounds: number;
}

/** Each round caps those who are over and divides what is left among the others, until nobody is over. */
function fillCaps(order: Order, claims: readonly Bounds[], judge: Judge): Filled | undefined {
  const capped = claims.map(() => false);
  for (let rounds = 0; ; rounds += 1) {
    const fixed = capped.map((isCapped, index) => (isCapped ? (order.caps[index] ?? 0n) : undefined));
    const spent = fixed.reduce<bigint>((total, cap) => total + (cap ?? 0n), 0n);
    const rest = order.poolMinor - spent;
    const open = sum(claims.filter((_, index) => !capped[index]));
    const noneLeft = open.high === 0n;
    const shares = claims.map((claim, index) => shareOf(claim, open, rest, fixed[index]));
    const over: number[] = [];
    for (const [index, share] of shares.entries()) {
      const cap = order.caps[index];
      if (cap === undefined || capped[index]) continue;
      const verdict = judge.over(share, cap * FRACTION);
      if (verdict === undefined) return undefined;
      if (verdict) over.push(index);
    }
    if (over.length === 0) return { shares, fixed, capped, paid: noneLeft ? spent : order.poolMinor, rounds };
    for (const index of over) capped[index] = true;
  }
}

function shareOf(claim: Bounds, open: Bounds, rest: bigint, fixed: bigint | undefined): Bounds {
  if (fixed !== undefined) return { low: fixed * FRACTION, high: fixed * FRACTION };
  if (open.high === 0n || claim.high === 0n) return { low: 0n, high: 0n };
  // The others at their most when this one is at its least, and the reverse: no bound is given away.
  const others = { low: open.low - claim.low, high: open.high - claim.high };
  const most = claim.high + others.low;
  const least = claim.low + others.high;
  return {
    low: least === 0n ? 0n : (rest * claim.low * FRACTION) / least,
    high: most === 0n ? rest * FRACTION : ceilDivide(rest * claim.high * FRACTION, most),
  };
}

const inMinor = (claim: Bounds, figure: bigint): Bounds => ({
  low: (claim.low * FRACTION) / figure,
  high: ceilDivide(claim.high * FRACTION, figure),
});

/** Whole minor units by largest remainder. The projects come in the order of their ids. */
function round(
  shares: readonly Bounds[],
  fixed: readonly (bigint | undefined)[],
  paid: bigint,
  judge: Judge,
  mayStraddle = false,
): Pick<Shares, 'parts' | 'shares' | 'roundedUp' | 'paid'> | undefined {
  const parts: bigint[] = [];
  const straddling: number[] = [];
  for (const [index, share] of shares.entries()) {
    const floor = fixed[index] ?? judge.floor(share);
    if (floor === undefined && !mayStraddle) return undefined;
    if (floor === undefined) straddling.push(index);
    parts.push(floor ?? share.low / FRACTION);
  }
  const units = Number(paid - parts.reduce((total, part) => total + part, 0n));
  const roundedUp = parts.map(() => false);
  if (units > 0) {
    const chosen = judge.largest(shares, parts, fixed, units);
    if (!chosen) return undefined;
    const least = chosen.reduce((low, index) => {
      const rest = (shares[index]?.low ?? 0n) - (parts[index] ?? 0n) * FRACTION;
      return rest < low ? rest : low;
    }, FRACTION);
    // Above the whole number it would have next to nothing left over, and the others the same units as now.
    const isSound = (index: number) =>
      chosen.includes(index) && (shares[index]?.high ?? 0n) - ((parts[index] ?? 0n) + 1n) * FRACTION < least;
    if (!straddling.every(isSound)) return undefined;
    for (const index of chosen) {
      parts[index] = (parts[index] ?? 0n) + 1n;
      roundedUp[index] = true;
    }
  } else if (straddling.length > 0) return undefined;
  return { parts, shares: shares.map(({ low }) => low), roundedUp, paid };
}
