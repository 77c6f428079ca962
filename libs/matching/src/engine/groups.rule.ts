import { byText } from './counted.rule.js';
import type { Counted, MatchRound } from './match.type.js';

/** The groups of a round, numbered in the order of their ids. Donors are numbered as they are counted. */
export interface Groups {
  readonly sizes: readonly number[];
  /** The groups of each donor. Empty: a group of his own. */
  readonly ofDonor: readonly (readonly number[])[];
  /** For each group, the groups it has members in common with (itself too), and how many. */
  readonly overlaps: readonly ReadonlyMap<number, number>[];
  /** For each group, how likely one of its members and one of his groups, both drawn by lot, come to each group. */
  readonly walks: readonly ReadonlyMap<number, Share>[];
}

export interface Share {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

export function readGroups(round: MatchRound, counted: Counted): Groups {
  const ids = [...(round.groups ?? new Map<string, readonly string[]>()).keys()].sort(byText);
  const groupsOf = new Map<string, number[]>();
  const sizes: number[] = [];
  for (const [group, id] of ids.entries()) {
    // Named twice is named once.
    const members = new Set(round.groups?.get(id));
    sizes.push(members.size);
    for (const member of members) {
      const own = groupsOf.get(member);
      if (own) own.push(group);
      else groupsOf.set(member, [group]);
    }
  }
  const overlaps = ids.map(() => new Map<number, number>());
  // Members who gave nothing connect groups too.
  for (const own of groupsOf.values())
    for (const one of own) for (const other of own) overlaps[one]?.set(other, (overlaps[one]?.get(other) ?? 0) + 1);
  return {
    sizes,
    overlaps,
    walks: walksOf(groupsOf, sizes),
    ofDonor: counted.donorIds.map((id) => groupsOf.get(id) ?? []),
  };
}

/** Members are counted by how many groups they are in, so that the fractions stay small. */
function walksOf(groupsOf: ReadonlyMap<string, readonly number[]>, sizes: readonly number[]): Map<number, Share>[] {
  const counts = sizes.map(() => new Map<number, Map<number, number>>());
  for (const own of groupsOf.values())
    for (const one of own)
      for (const other of own) {
        const by = counts[one]?.get(other) ?? new Map<number, number>();
        counts[one]?.set(other, by);
        by.set(own.length, (by.get(own.length) ?? 0) + 1);
      }
  return counts.map((row, group) => {
    const shares = new Map<number, Share>();
    for (const [other, by] of row) {
      const denominator = [...by.keys()].reduce((product, ties) => product * BigInt(ties), 1n);
      let numerator = 0n;
      for (const [ties, members] of by) numerator += (denominator / BigInt(ties)) * BigInt(members);
      shares.set(other, { numerator, denominator: denominator * BigInt(sizes[group] ?? 1) });
    }
    return shares;
  });
}
