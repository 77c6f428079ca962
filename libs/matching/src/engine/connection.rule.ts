import { type Claim, type Scale, claimBeyondGifts, giftsOf } from './scale.rule.js';
import { groupSums, rootOf } from './cluster.rule.js';
import { type Groups, readGroups } from './groups.rule.js';
import { type Counted, type CountedProject, type MatchRound, type MatchRule, MILLIONTHS } from './match.type.js';
import { type Bounds, atLeastZero, ceilDivide, exactly, less, plus, scaledRoot, smaller, times } from './root.rule.js';

type ConnectionRule = Extract<MatchRule, { kind: 'connection_oriented' }>;
/** For each group, how strongly a donor is connected with it, scaled as roots are. */
type Connections = ReadonlyMap<number, Bounds>;

/**
 * Connection-oriented match: the figure is the gifts and, for every two groups g and h, twice
 * √(Σ_{i∈g} K(i,h) / T_i) · √(Σ_{j∈h} K(j,g) / T_j). K(i,h) is the gift of i, or only its root where i is connected
 * with h: people who know each other agree more cheaply. The root is taken in `unitMinor`, and never makes more of a
 * gift than it was.
 *
 * A donor in no group is a group of his own, connected with none: those pairs are summed by squaring a sum. The time
 * grows with the square of the named groups that gave to a project, and with their members' connections.
 */
export function connectionClaims(round: MatchRound, rule: ConnectionRule, counted: Counted, scale: Scale): Claim[] {
  const groups = readGroups(round, counted);
  const connections = connectionsOf(groups, rule, scale);
  return counted.projects.map((project) => {
    const { named, alone } = groupSums(project, groups, 1, scale);
    const lost = lostTo(project, groups, connections, rule, scale);
    let single = exactly(0n);
    let singleGifts = 0n;
    for (const amount of alone) {
      single = plus(single, rootOf(exactly(amount * scale.root), scale));
      singleGifts += amount;
    }
    const gifts = [...named].sort(([a], [b]) => a - b);
    let namedRoots = exactly(0n);
    for (const [, sum] of gifts) namedRoots = plus(namedRoots, rootOf(sum, scale));
    // Twice the pairs among the single donors, and twice those of single donors with groups.
    const amongSingles =
      alone.length < 2
        ? exactly(0n)
        : atLeastZero(less(times(single, single), exactly(singleGifts * scale.rootSquared)));
    const withGroups = twice(times(single, namedRoots));
    let amongGroups = exactly(0n);
    for (const [at, [one, ownSum]] of gifts.entries()) {
      for (const [other, otherSum] of gifts.slice(at + 1)) {
        const mine = rootOf(without(ownSum, lost.get(one)?.get(other)), scale);
        const theirs = rootOf(without(otherSum, lost.get(other)?.get(one)), scale);
        amongGroups = plus(amongGroups, times(mine, theirs));
      }
    }
    const beyond = plus(plus(amongSingles, withGroups), twice(amongGroups));
    return claimBeyondGifts(project, plus(giftsOf(project, scale), beyond), scale);
  });
}

const twice = (b: Bounds): Bounds => ({ low: 2n * b.low, high: 2n * b.high });
const without = (sum: Bounds, lost: Bounds | undefined): Bounds => (lost ? atLeastZero(less(sum, lost)) : sum);

/** How much of what group g brings is lost where it meets group h, because its givers are connected with h. */
function lostTo(
  project: CountedProject,
  groups: Groups,
  connections: (donor: number) => Connections,
  rule: ConnectionRule,
  scale: Scale,
): Map<number, Map<number, Bounds>> {
  const lost = new Map<number, Map<number, Bounds>>();
  for (const [index, donor] of project.donors.entries()) {
    const own = groups.ofDonor[donor] ?? [];
    if (own.length === 0) continue;
    const loss = lossOf(project.amounts[index] ?? 0n, rule, scale);
    for (const [other, strength] of connections(donor)) {
      const parts = scale.root * BigInt(own.length);
      const part = {
        low: (loss.low * strength.low) / parts,
        high: ceilDivide(loss.high * strength.high, parts),
      };
      for (const group of own) {
        if (group === other) continue;
        const row = lost.get(group) ?? new Map<number, Bounds>();
        lost.set(group, row);
        row.set(other, plus(row.get(other) ?? exactly(0n), part));
      }
    }
  }
  return lost;
}

/** What a gift loses at full connection: all but its root, or all of it. In millionths times the root's scale. */
function lossOf(amount: bigint, rule: ConnectionRule, scale: Scale): Bounds {
  const whole = exactly(amount * scale.root);
  if (rule.discount === 'harsh') return whole;
  const root = scaledRoot(amount * rule.unitMinor * MILLIONTHS, 1n, scale.rootSquared);
  return less(whole, smaller(whole, root));
}

/**
 * Hard: connected (fully) with every group that shares a member with one of the donor's own. Soft: fully with his own
 * groups; with another as likely as a member of one of his groups, both drawn by lot, is in it. Walk: likewise, and the
 * member's group is drawn by lot too.
 */
function connectionsOf(groups: Groups, rule: ConnectionRule, scale: Scale): (donor: number) => Connections {
  const known = new Map<string, Connections>();
  return (donor) => {
    const own = groups.ofDonor[donor] ?? [];
    const key = own.join(' ');
    const found = known.get(key);
    if (found) return found;
    const made = new Map<number, Bounds>();
    for (const group of own) {
      for (const [other, members] of groups.overlaps[group] ?? []) {
        if (rule.connection === 'hard') made.set(other, exactly(scale.root));
        else if (rule.connection === 'walk') {
          const step = groups.walks[group]?.get(other) ?? { numerator: 0n, denominator: 1n };
          const parts = step.denominator * BigInt(own.length);
          const share = {
            low: (scale.root * step.numerator) / parts,
            high: ceilDivide(scale.root * step.numerator, parts),
          };
          made.set(other, plus(made.get(other) ?? exactly(0n), share));
        } else {
          const parts = BigInt(own.length) * BigInt(groups.sizes[group] ?? 1);
          const step = {
            low: (scale.root * BigInt(members)) / parts,
            high: ceilDivide(scale.root * BigInt(members), parts),
          };
          made.set(other, plus(made.get(other) ?? exactly(0n), step));
        }
      }
    }
    if (rule.connection !== 'hard') for (const group of own) made.set(group, exactly(scale.root));
    known.set(key, made);
    return made;
  };
}
