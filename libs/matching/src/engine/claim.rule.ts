import { clusterClaims } from './cluster.rule.js';
import { connectionClaims } from './connection.rule.js';
import { type Counted, type CountedProject, type MatchRound, MILLIONTHS } from './match.type.js';
import { pairwiseClaims } from './pairwise.rule.js';
import { type Bounds, RootTable, atLeastZero, exactly, less } from './root.rule.js';

/*
 * Scales. An amount counts in millionths of a minor unit; a root of it is scaled by P = 10^digits; figures, being
 * products of two roots, are in parts of 10^6 · P² of a minor unit. A root is short by less than 1 in its scale, so a
 * project's figure is known to within 2 · n · R + n² parts, n the number of its roots and R their sum: both bounds are
 * carried, and who uses a figure asks for more digits when they don't decide.
 */

/** A project's figure (what all formulas call F: its gifts and their claim together) and its claim on the pool. */
export interface Claim {
  readonly figure: Bounds;
  readonly claim: Bounds;
}

/** Powers of ten that roots and figures are scaled by. */
export interface Scale {
  readonly root: bigint;
  readonly figure: bigint;
  readonly rootSquared: bigint;
}

export function scaleOf(digits: number): Scale {
  const root = 10n ** BigInt(digits);
  return { root, rootSquared: root * root, figure: MILLIONTHS * root * root };
}

/** The claims of all projects of a round, in their order. */
export function claimsOf(round: MatchRound, counted: Counted, scale: Scale): Claim[] {
  const { rule } = round;
  switch (rule.kind) {
    case 'linear':
      return counted.projects.map((project) => linearClaim(project, rule.ratioMillionths, scale));
    case 'quadratic':
    case 'capital_constrained': {
      const roots = new RootTable(scale.rootSquared);
      return counted.projects.map((project) => quadraticClaim(project, roots, scale));
    }
    case 'pairwise':
      return pairwiseClaims(counted, rule, scale);
    case 'cluster':
    case 'squared_cluster':
      return clusterClaims(round, counted, scale);
    case 'connection_oriented':
      return connectionClaims(round, rule, counted, scale);
  }
}

/** What was given, as a figure. */
export const giftsOf = (project: CountedProject, scale: Scale): Bounds =>
  exactly(project.countedMillionths * scale.rootSquared);

/** The figure of a formula, and what it leaves beyond the gifts; a formula that gives less than the gifts claims nothing. */
export const claimBeyondGifts = (project: CountedProject, figure: Bounds, scale: Scale): Claim => ({
  figure,
  claim: atLeastZero(less(figure, giftsOf(project, scale))),
});

function linearClaim(project: CountedProject, ratioMillionths: bigint, scale: Scale): Claim {
  const gifts = project.countedMillionths * scale.rootSquared;
  // P² is a multiple of a million at every number of digits in use, so this loses nothing.
  const claim = (gifts / MILLIONTHS) * ratioMillionths;
  return { figure: exactly(gifts + claim), claim: exactly(claim) };
}

function quadraticClaim(project: CountedProject, roots: RootTable, scale: Scale): Claim {
  // One person is no agreement: (√c)² - c is nothing, and is told exactly.
  if (project.donors.length < 2) return { figure: giftsOf(project, scale), claim: exactly(0n) };
  let low = 0n;
  let high = 0n;
  for (const amount of project.amounts) {
    const root = roots.of(amount);
    low += root.low;
    high += root.high;
  }
  return claimBeyondGifts(project, { low: low * low, high: high * high }, scale);
}
