/*
 * What counts as evidence for a tranche, by the kind that its terms name.
 */
export const EVIDENCE_KINDS = ['none', 'checkpoint', 'evaluation', 'milestone_report', 'vote'] as const;
export type EvidenceKind = (typeof EVIDENCE_KINDS)[number];

/** The evidence that a tranche's terms ask for. */
export interface EvidenceTerms {
  readonly kind: EvidenceKind;
  /** Checkpoint: tokens trained on, decimal text. */
  readonly minTokens?: string | undefined;
  readonly metric?: string | undefined;
  /** Decimal text. */
  readonly threshold?: string | undefined;
  readonly direction?: 'at_least' | 'at_most' | undefined;
  readonly quorumBp?: number | undefined;
  readonly majorityBp?: number | undefined;
  readonly votingSeconds?: number | undefined;
  readonly description?: string | undefined;
}

const DECIMAL = /^-?\d{1,30}(\.\d{1,30})?$/;
export const isDecimal = (text: string): boolean => DECIMAL.test(text);

/** Compares two decimal texts exactly: below zero, zero or above zero. */
export function compareDecimals(a: string, b: string): number {
  const scale = Math.max(fraction(a).length, fraction(b).length);
  const whole = (text: string): bigint => BigInt(text.replace('.', '') + '0'.repeat(scale - fraction(text).length));
  const difference = whole(a) - whole(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

const fraction = (text: string): string => text.split('.')[1] ?? '';

/** Whether a value stated reaches the threshold agreed. Without a threshold any value does. */
export function reachesThreshold(terms: EvidenceTerms, value: string): boolean {
  if (terms.threshold === undefined || !isDecimal(terms.threshold)) return true;
  const order = compareDecimals(value, terms.threshold);
  return terms.direction === 'at_most' ? order <= 0 : order >= 0;
}
