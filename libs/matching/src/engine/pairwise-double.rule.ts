import { byText } from './counted.rule.js';
import { type Counted, type MatchRule, MILLIONTHS } from './match.type.js';
import { type Bounds, plus } from './root.rule.js';
import { type Claim, type Scale, giftsOf } from './scale.rule.js';

/*
 * The pairwise rule for rounds of many pairs, in floating point between bounds that hold the exact figure. IEEE 754
 * rounds each +, ·, ÷ and √ of doubles in one way, and donors are visited in the order of their ids, so every machine
 * finds the same bounds. What they leave open is for whole numbers to decide; that is rare, for they are some 10^-14
 * of a figure apart.
 *
 * Each operation is off by at most U of its result. A gift's root carries 1.5 U (the gift as a double, then its root), so a
 * product of two 4 U; a sum of n such products, all positive, n U more; k = M / (M + D) as much as D and 4 U. Terms are
 * summed with what each addition loses kept beside (Neumaier), which leaves 2 U.
 */
const U = 2 ** -53;

type PairwiseRule = Extract<MatchRule, { kind: 'pairwise' }>;

interface Row {
  readonly donors: Int32Array;
  readonly roots: Float64Array;
}

export function pairwiseClaimsInDoubles(counted: Counted, rule: PairwiseRule, scale: Scale): Claim[] {
  const rankOf = ranks(counted.donorIds);
  const rows = counted.projects.map((project): Row => {
    const order = project.donors
      .map((donor, index) => ({ rank: rankOf[donor] ?? 0, index }))
      .sort((a, b) => a.rank - b.rank);
    return {
      donors: Int32Array.from(order, ({ rank }) => rank),
      roots: Float64Array.from(order, ({ index }) => Math.sqrt(nearest(project.amounts[index] ?? 0n))),
    };
  });
  const places = placesOf(rows, counted.donorIds.length);
  const most = places.reduce((max, { length }) => Math.max(max, length / 2), 0);
  const bound = nearest(rule.boundMinor * MILLIONTHS);
  const sums = sumPairs(rows, places, bound, rule.form === 'bounded');
  // Twice what the operations add up to, for all that is of the second order.
  const off = 2 * (4 + (4 + most) + 5 + 2) * U;
  const times = rule.pairs === 'twice' ? 2n : 1n;
  return counted.projects.map((project, index) => {
    const sum = sums[index] ?? 0;
    const claim: Bounds = {
      low: wholeOf(sum * (1 - off), scale.rootSquared * times),
      high: wholeOf(sum * (1 + off), scale.rootSquared * times) + (sum === 0 ? 0n : 1n),
    };
    return { figure: plus(claim, giftsOf(project, scale)), claim };
  });
}

/** Two passes over each donor's pairs: what they co-fund everywhere, then what each pair is worth. */
function sumPairs(rows: readonly Row[], places: readonly Int32Array[], bound: number, isBounded: boolean) {
  const sums = new Float64Array(rows.length);
  const lost = new Float64Array(rows.length);
  const shared = new Float64Array(places.length);
  const seen = new Int32Array(places.length).fill(-1);
  for (const [donor, own] of places.entries()) {
    // Who gave to one project co-funds nothing elsewhere.
    const isSingle = own.length === 2;
    if (!isSingle)
      for (let n = 0; n < own.length; n += 2) {
        const { donors, roots } = rows[own[n] ?? 0] as Row;
        const at = own[n + 1] ?? 0;
        const mine = roots[at] ?? 0;
        for (let next = at + 1; next < donors.length; next += 1) {
          const other = donors[next] as number;
          const product = mine * (roots[next] as number);
          if (seen[other] === donor) shared[other] = (shared[other] as number) + product;
          else {
            seen[other] = donor;
            shared[other] = product;
          }
        }
      }
    for (let n = 0; n < own.length; n += 2) {
      const project = own[n] ?? 0;
      const { donors, roots } = rows[project] as Row;
      const at = own[n + 1] ?? 0;
      const mine = roots[at] ?? 0;
      let sum = sums[project] ?? 0;
      let rest = lost[project] ?? 0;
      for (let next = at + 1; next < donors.length; next += 1) {
        const product = mine * (roots[next] as number);
        const all = isSingle ? product : (shared[donors[next] as number] as number);
        const worth = (product * bound) / (isBounded ? bound + all : all);
        const total = sum + worth;
        rest += sum >= worth ? sum - total + worth : worth - total + sum;
        sum = total;
      }
      sums[project] = sum;
      lost[project] = rest;
    }
  }
  return sums.map((sum, index) => sum + (lost[index] ?? 0));
}

/** Where each donor stands by id: the same on every machine and in any order of the gifts. */
function ranks(ids: readonly string[]): Int32Array {
  const order = ids.map((id, index) => ({ id, index })).sort((a, b) => byText(a.id, b.id));
  const found = new Int32Array(ids.length);
  for (const [rank, { index }] of order.entries()) found[index] = rank;
  return found;
}

/** For each donor: a project, his place in it, the next project, and so on. */
function placesOf(rows: readonly Row[], donorCount: number): Int32Array[] {
  const lists: number[][] = Array.from({ length: donorCount }, () => []);
  for (const [project, { donors }] of rows.entries())
    for (const [at, donor] of donors.entries()) lists[donor]?.push(project, at);
  return lists.map((list) => Int32Array.from(list));
}

/** The double nearest to a whole number, which JavaScript's conversion is by its definition. */
const nearest = (whole: bigint): number => Number(whole);

const MANTISSA = 2 ** 52;
/** A double that is not negative, times a whole number, rounded down: nothing else is lost. */
function wholeOf(value: number, times: bigint): bigint {
  if (value === 0) return 0n;
  let exponent = 0;
  let mantissa = value;
  while (mantissa < MANTISSA) {
    mantissa *= 2;
    exponent += 1;
  }
  while (!Number.isSafeInteger(mantissa)) {
    mantissa /= 2;
    exponent -= 1;
  }
  const whole = BigInt(mantissa) * times;
  return exponent >= 0 ? whole >> BigInt(exponent) : whole << BigInt(-exponent);
}
