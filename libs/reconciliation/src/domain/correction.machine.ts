/** A correction is proposed by one person and decided once: posted or rejected by another, withdrawn by himself. */
export const CORRECTION_STATES = ['proposed', 'posted', 'rejected', 'withdrawn', 'lapsed'] as const;
export type CorrectionState = (typeof CORRECTION_STATES)[number];

export const CORRECTION_TRANSITIONS: Readonly<Record<CorrectionState, readonly CorrectionState[]>> = {
  // It lapses when the difference goes away by itself.
  proposed: ['posted', 'rejected', 'withdrawn', 'lapsed'],
  posted: [],
  rejected: [],
  withdrawn: [],
  lapsed: [],
};
