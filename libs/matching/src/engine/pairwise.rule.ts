import { type Claim, type Scale, giftsOf } from './scale.rule.js';
import { type Counted, type MatchRule, MILLIONTHS } from './match.type.js';
import { type Bounds, RootTable, ceilDivide, exactly, plus } from './root.rule.js';

type PairwiseRule = Extract<MatchRule, { kind: 'pairwise' }>;

/** A gift seen from its donor. */
interface Place {
  readonly project: number;
  /** Where the donor stands among the donors of the project, in the order of donor numbers. */
  readonly at: number;
}

/**
 * Two people's pair is worth the less the more they co-fund everywhere: each product of roots is multiplied by
 * k = M / (M + D), D the sum of their products in all projects (Buterin 2019). Works donor by donor, so memory holds one
 * donor's pairs; the time is two passes over all pairs, the sum of n(n-1)/2 over the projects.
 */
export function pairwiseClaims(counted: Counted, rule: PairwiseRule, scale: Scale): Claim[] {
  const table = new RootTable(scale.rootSquared);
  const rows = counted.projects.map((project) => {
    const order = project.donors.map((_, index) => index).sort((a, b) => donorAt(project, a) - donorAt(project, b));
    return {
      donors: order.map((index) => donorAt(project, index)),
      roots: order.map((index) => table.of(project.amounts[index] ?? 0n)),
    };
  });
  const places = placesOfDonors(rows, counted.donorIds.length);
  const bound = rule.boundMinor * MILLIONTHS * scale.rootSquared;
  const sums: Bounds[] = rows.map(() => exactly(0n));
  for (const own of places) {
    if (own.length === 0) continue;
    const shared = new Map<number, Bounds>();
    const eachPair = (visit: (other: number, product: Bounds, project: number) => void) => {
      for (const { project, at } of own) {
        const row = rows[project];
        const mine = row?.roots[at];
        if (!row || !mine) continue;
        for (let next = at + 1; next < row.donors.length; next += 1) {
          const theirs = row.roots[next] ?? mine;
          const product = { low: mine.low * theirs.low, high: mine.high * theirs.high };
          visit(row.donors[next] ?? 0, product, project);
        }
      }
    };
    eachPair((other, product) => {
      const known = shared.get(other);
      shared.set(other, known ? plus(known, product) : product);
    });
    eachPair((other, product, project) => {
      const weighted = weaken(product, shared.get(other) ?? product, bound, rule.form);
      sums[project] = plus(sums[project] ?? exactly(0n), weighted);
    });
  }
  const times = rule.pairs === 'twice' ? 2n : 1n;
  return counted.projects.map((project, index) => {
    const sum = sums[index] ?? exactly(0n);
    const claim = { low: sum.low * times, high: sum.high * times };
    return { figure: plus(claim, giftsOf(project, scale)), claim };
  });
}

const donorAt = (project: Counted['projects'][number], index: number): number => project.donors[index] ?? 0;

function weaken(product: Bounds, shared: Bounds, bound: bigint, form: PairwiseRule['form']): Bounds {
  const most = form === 'bounded' ? bound + shared.low : shared.low;
  const least = form === 'bounded' ? bound + shared.high : shared.high;
  return { low: (product.low * bound) / least, high: ceilDivide(product.high * bound, most) };
}

function placesOfDonors(rows: readonly { readonly donors: readonly number[] }[], donorCount: number): Place[][] {
  const places: Place[][] = Array.from({ length: donorCount }, () => []);
  for (const [project, { donors }] of rows.entries())
    for (const [at, donor] of donors.entries()) places[donor]?.push({ project, at });
  return places;
}

/** How many pairs a round has to look at. */
export const pairCount = (counted: Counted): number =>
  counted.projects.reduce((sum, { donors }) => sum + (donors.length * (donors.length - 1)) / 2, 0);
