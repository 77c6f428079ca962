import { type Claim, type Scale, claimBeyondGifts } from './scale.rule.js';
import { type Groups, readGroups } from './groups.rule.js';
import type { Counted, CountedProject, MatchRound } from './match.type.js';
import { type Bounds, ceilDivide, exactly, plus, times, wholeRoot } from './root.rule.js';

/**
 * Cluster match: gifts of a group are added before the root, so a group counts as one voice; who is in T groups brings
 * each a T-th of his gift, in the squared variant a T²-th.
 */
export function clusterClaims(round: MatchRound, counted: Counted, scale: Scale): Claim[] {
  const groups = readGroups(round, counted);
  const power = round.rule.kind === 'squared_cluster' ? 2 : 1;
  return counted.projects.map((project) => {
    const { named, alone } = groupSums(project, groups, power, scale);
    let roots = exactly(0n);
    for (const sum of named.values()) roots = plus(roots, rootOf(sum, scale));
    for (const amount of alone) roots = plus(roots, rootOf(exactly(amount * scale.root), scale));
    // One group alone agrees with nobody, and its figure is its own sum.
    const [only] = named.values();
    if (named.size + alone.length < 2) {
      const sum = only ?? exactly((alone[0] ?? 0n) * scale.root);
      return claimBeyondGifts(project, times(sum, exactly(scale.root)), scale);
    }
    return claimBeyondGifts(project, times(roots, roots), scale);
  });
}

/** What each group brings, in millionths times the root's scale, and the gifts of donors who are in no group. */
export function groupSums(project: CountedProject, groups: Groups, power: number, scale: Scale) {
  const named = new Map<number, Bounds>();
  const alone: bigint[] = [];
  for (const [index, donor] of project.donors.entries()) {
    const amount = project.amounts[index] ?? 0n;
    const own = groups.ofDonor[donor] ?? [];
    if (own.length === 0) {
      alone.push(amount);
      continue;
    }
    const part = partOf(amount * scale.root, BigInt(own.length) ** BigInt(power));
    for (const group of own) named.set(group, plus(named.get(group) ?? exactly(0n), part));
  }
  return { named, alone };
}

export const partOf = (whole: bigint, parts: bigint): Bounds => ({
  low: whole / parts,
  high: ceilDivide(whole, parts),
});

/** The root of a sum that is in millionths times the root's scale, in the scale of roots. */
export function rootOf(sum: Bounds, scale: Scale): Bounds {
  const low = wholeRoot(sum.low * scale.root);
  if (sum.low === sum.high && low * low === sum.low * scale.root) return exactly(low);
  return { low, high: sum.low === sum.high ? low + 1n : wholeRoot(sum.high * scale.root) + 1n };
}
