import { type Refused, refuse } from '#kernel';

const CATALOGUE = {
  MATCH_FILE_INVALID: {
    message: 'This is not a round to compute.',
    hint: 'docs/matching.md shows the form of the file.',
  },
  MATCH_PROJECT_UNKNOWN: {
    message: 'A gift goes to a project that is not in the round.',
    hint: 'Name every project under "projects".',
  },
  MATCH_NAMED_TWICE: { message: 'A name stands there twice.', hint: 'Give each project and each gift one name.' },
  MATCH_NO_AGREEMENT: {
    message: 'The capital-constrained rule has nothing to go by.',
    hint: 'At least one project needs gifts of two donors; or choose the linear rule.',
  },
  MATCH_TOO_MANY_PAIRS: {
    message: 'The pairwise rule would have too many pairs to look at.',
    hint: 'It takes up to 1,000,000,000 pairs of donors of one project, and 30,000,000 where two figures are as good as equal; choose the cluster rule for larger rounds.',
  },
  MATCH_TOO_MANY_GROUPS: {
    message: 'There are too many groups.',
    hint: 'Up to 20,000 groups can be compared, 200 by the offset rule.',
  },
  MATCHING_APPEAL_FORBIDDEN: {
    message: 'The appeal is not yours to make.',
    hint: 'A donor appeals for himself and his gifts, a campaign by its owner or treasurer.',
  },
  MATCHING_APPEAL_NONE: {
    message: 'There is no appeal to decide.',
    hint: 'Decide exclusions whose state is APPEALED.',
  },
  MATCHING_APPEAL_TWICE: {
    message: 'This exclusion was appealed against before.',
    hint: 'Each exclusion can be appealed against once; its decision is final.',
  },
  MATCHING_CAMPAIGN_INELIGIBLE: {
    message: 'The campaign cannot be in this round.',
    hint: 'It has to be public, not ended, and raise the currency of the pool.',
  },
  MATCHING_CUT_OFF_PASSED: {
    message: 'The round is past its cut-off, so nothing of it can be changed.',
    hint: 'Open another round; what does not count in this one is said by an exclusion until the review is over.',
  },
  MATCHING_DECIDER_INVOLVED: {
    message: 'Nobody decides an appeal against his own exclusion, or his own appeal.',
    hint: 'Let another manager of the pool, or an operator, decide.',
  },
  MATCHING_DEPOSIT_NOT_FOUND: {
    message: 'There is no such deposit of yours.',
    hint: 'Take the id from viewerDeposits of the pool.',
  },
  MATCHING_DEPOSIT_STATE_INVALID: {
    message: 'Only a bank transfer that has not come yet can be taken back.',
    hint: 'What is in a pool goes back when its manager gives it back.',
  },
  MATCHING_EXCLUDED_ALREADY: { message: 'This does not count already.', hint: 'Look at the exclusions of the round.' },
  MATCHING_EXCLUSION_NOT_FOUND: { message: 'There is no such exclusion.', hint: 'Take the id from the round.' },
  MATCHING_FORBIDDEN: {
    message: 'Only who opened the pool, or an operator, may do this.',
    hint: 'Ask whoever opened the pool.',
  },
  MATCHING_KEY_INVALID: {
    message: 'The idempotency key is not usable.',
    hint: 'Give 8 to 100 visible characters, another for each deposit.',
  },
  MATCHING_KEY_MISMATCH: {
    message: 'This key was used for another deposit.',
    hint: 'Give another key, or the same particulars as before.',
  },
  MATCHING_POOL_NOT_FOUND: { message: 'There is no such pool.', hint: 'Take the id from the query matchPools.' },
  MATCHING_POOL_NOTHING_LEFT: {
    message: 'Nothing in the pool is free to give back.',
    hint: 'What open rounds promise comes back when they end.',
  },
  MATCHING_POOL_OVERDRAWN: {
    message: 'The round promises more than the pool holds.',
    hint: 'Promise less, or let sponsors pay in first. What other open rounds promise is not there to promise again.',
  },
  MATCHING_REVIEW_OPEN: {
    message: 'The round is still in review.',
    hint: 'It is final when its review is over and every appeal is decided.',
  },
  MATCHING_ROUND_NOT_FOUND: { message: 'There is no such round.', hint: 'Take the id from the query matchRounds.' },
  MATCHING_STATE_INVALID: {
    message: 'The round is not in a state in which this can be done.',
    hint: 'Look at the state of the round.',
  },
  MATCHING_SUBJECT_NOT_FOUND: {
    message: 'Nothing in this round goes by this id.',
    hint: 'Exclude a campaign of the round, a gift to one, or a donor who gave to one.',
  },
  MATCHING_TERMS_INVALID: {
    message: 'The terms of the round are not usable.',
    hint: 'docs/matching.md says what each rule takes.',
  },
  MATCHING_TEXT_INVALID: {
    message: 'The text is too short or too long.',
    hint: 'Titles have 3 to 120 characters, reasons and appeals 3 to 500.',
  },
} as const;
export type MatchCode = keyof typeof CATALOGUE;
export const MATCH_REFUSALS = Object.keys(CATALOGUE) as readonly MatchCode[];

export function refuseMatch(code: MatchCode, path: readonly string[], detail?: string): Refused {
  return refuse({ code, ...CATALOGUE[code], path, ...(detail === undefined ? {} : { detail }) });
}
