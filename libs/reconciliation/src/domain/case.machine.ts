/**
 * A case stands for one difference. It is corrected when the difference is gone, whoever made it go; one that comes
 * back, or that changes after it was explained, is open again under the same name.
 */
export const CASE_STATES = ['open', 'assigned', 'explained', 'corrected', 'reopened'] as const;
export type CaseState = (typeof CASE_STATES)[number];

export const CASE_TRANSITIONS: Readonly<Record<CaseState, readonly CaseState[]>> = {
  open: ['assigned', 'corrected'],
  assigned: ['assigned', 'explained', 'corrected'],
  explained: ['corrected', 'reopened'],
  corrected: ['reopened'],
  reopened: ['assigned', 'corrected'],
};
/** States in which somebody still has to act. */
export const OPEN_STATES: readonly CaseState[] = ['open', 'assigned', 'reopened'];
