import { byText } from './counted.rule.js';
import type { Counted, MatchRound } from './match.type.js';

/** The groups of a round, numbered in the order of their ids. Donors are numbered as they are counted. */
export interface Groups {
  readonly sizes: readonly number[];
  /** The groups of each donor. Empty: a group of his own. */
  readonly ofDonor: readonly (readonly number[])[];
  /** For each group, the groups it has members in common with (itself too), and how many. */
  readonly overlaps: readonly ReadonlyMap<number, number>[];
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
  return { sizes, overlaps, ofDonor: counted.donorIds.map((id) => groupsOf.get(id) ?? []) };
}
