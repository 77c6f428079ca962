import { byText } from './counted.rule.js';
import { type Groups, readGroups } from './groups.rule.js';
import type { Counted, MatchRound } from './match.type.js';
import { type Bounds, exactly, plus, scaledRoot, times } from './root.rule.js';
import { type Claim, type Scale, claimBeyondGifts, giftsOf } from './scale.rule.js';

/**
 * Offset match: F = (Σ √(α_i · c_i))². The α solve Σ_j |T_i ∩ T_j| · α_j = |T_i|, T_i the groups of i and one of his own,
 * so that what people share by their groups is taken off once. Solved exactly, in fractions: with A the memberships,
 * (1 + A·Aᵀ)⁻¹ comes down to a system with one row a group. Below 0 an α counts as 0. Source: plural-qf; numbers alone.
 */
export function offsetClaims(round: MatchRound, counted: Counted, scale: Scale): Claim[] {
  const groups = readGroups(round, counted);
  const { shares, denominator } = solve(groups, round);
  return counted.projects.map((project) => {
    let sum = exactly(0n);
    for (const [index, donor] of project.donors.entries()) {
      const own = groups.ofDonor[donor] ?? [];
      let alpha = BigInt(own.length + 1) * denominator;
      for (const group of own) alpha -= shares[group] ?? 0n;
      if (alpha <= 0n) continue;
      const root: Bounds = scaledRoot((project.amounts[index] ?? 0n) * alpha, denominator, scale.rootSquared);
      sum = plus(sum, root);
    }
    // One person alone agrees with nobody.
    const figure = project.donors.length < 2 ? giftsOf(project, scale) : times(sum, sum);
    return claimBeyondGifts(project, figure, scale);
  });
}

/** y of (1 + O) · y = b, as whole numbers over one denominator that is above 0: O the overlaps, b_g = Σ of |T_i| over g. */
function solve(groups: Groups, round: MatchRound): { shares: bigint[]; denominator: bigint } {
  const count = groups.sizes.length;
  const ties = new Map<string, number>();
  for (const members of round.groups?.values() ?? [])
    for (const member of new Set(members)) ties.set(member, (ties.get(member) ?? 0) + 1);
  const ids = [...(round.groups?.keys() ?? [])].sort(byText);
  const rows = ids.map((id, row) => {
    const overlap = groups.overlaps[row];
    const sum = [...new Set(round.groups?.get(id))].reduce((total, member) => total + (ties.get(member) ?? 0) + 1, 0);
    const own = Array.from({ length: count }, (_, n) => BigInt(overlap?.get(n) ?? 0) + (n === row ? 1n : 0n));
    return [...own, BigInt(sum)];
  });
  return eliminated(rows);
}

/** Fraction-free elimination (Bareiss). The matrix is symmetric with all its roots at least 1, so no pivot is 0. */
function eliminated(rows: bigint[][]): { shares: bigint[]; denominator: bigint } {
  const count = rows.length;
  let before = 1n;
  for (let at = 0; at < count; at += 1) {
    const pivot = rows[at] ?? [];
    const lead = pivot[at] ?? 1n;
    for (const [n, row] of rows.entries()) {
      if (n === at) continue;
      const factor = row[at] ?? 0n;
      for (let k = 0; k <= count; k += 1) row[k] = (lead * (row[k] ?? 0n) - factor * (pivot[k] ?? 0n)) / before;
    }
    before = lead;
  }
  return { shares: rows.map((row) => row[count] ?? 0n), denominator: before };
}
