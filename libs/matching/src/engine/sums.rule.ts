import { MILLIONTHS, type MatchRule } from './match.type.js';
import { atLeastZero, exactly, scaledRoot } from './root.rule.js';
import { type Claim, scaleOf } from './scale.rule.js';

/*
 * Three rules need nothing of a project but three sums. So what one more gift moves is found without looking at any
 * other gift, however many there are. For estimates alone: the sums of roots come from the database, in floating point.
 */

type SumRule = Extract<MatchRule, { kind: 'linear' | 'quadratic' | 'capital_constrained' }>;

/** What counts of a project, as sums over its donors. */
export interface ProjectSums {
  readonly donors: number;
  /** In millionths of a minor unit. */
  readonly counted: bigint;
  /** Of the roots of what each donor counts for, in millionths of a root of a millionth of a minor unit. */
  readonly roots: bigint;
}

/** Roots of millionths with six decimals. */
export const SUMS_SCALE = scaleOf(6);

export const isSumRule = (rule: MatchRule): rule is SumRule =>
  rule.kind === 'linear' || rule.kind === 'quadratic' || rule.kind === 'capital_constrained';

export function claimOfSums(rule: SumRule, sums: ProjectSums): Claim {
  const given = sums.counted * SUMS_SCALE.rootSquared;
  if (rule.kind === 'linear') {
    const claim = (given / MILLIONTHS) * rule.ratioMillionths;
    return { figure: exactly(given + claim), claim: exactly(claim) };
  }
  // One person is no agreement.
  const figure = sums.donors < 2 ? given : sums.roots * sums.roots;
  return { figure: exactly(figure), claim: atLeastZero(exactly(figure - given)) };
}

/** The sums once a donor counts for `now` instead of `old`, in millionths. */
export function sumsWith(sums: ProjectSums, old: bigint, now: bigint): ProjectSums {
  if (now === old) return sums;
  const root = (amount: bigint) => scaledRoot(amount, 1n, SUMS_SCALE.rootSquared).low;
  return {
    donors: sums.donors + (old === 0n ? 1 : 0),
    counted: sums.counted - old + now,
    roots: sums.roots - root(old) + root(now),
  };
}
