import { type CountedProject, MILLIONTHS } from './match.type.js';
import { type Bounds, atLeastZero, exactly, less } from './root.rule.js';

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

/** What was given, as a figure. */
export const giftsOf = (project: CountedProject, scale: Scale): Bounds =>
  exactly(project.countedMillionths * scale.rootSquared);

/** The figure of a formula, and what it leaves beyond the gifts; a formula that gives less than the gifts claims nothing. */
export const claimBeyondGifts = (project: CountedProject, figure: Bounds, scale: Scale): Claim => ({
  figure,
  claim: atLeastZero(less(figure, giftsOf(project, scale))),
});
