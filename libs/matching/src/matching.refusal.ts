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
    hint: 'It takes up to 30,000,000 pairs of donors of one project; choose the cluster rule for larger rounds.',
  },
  MATCH_TOO_MANY_GROUPS: { message: 'There are too many groups.', hint: 'Up to 20,000 groups can be compared.' },
} as const;
export type MatchCode = keyof typeof CATALOGUE;
export const MATCH_REFUSALS = Object.keys(CATALOGUE) as readonly MatchCode[];

export function refuseMatch(code: MatchCode, path: readonly string[], detail?: string): Refused {
  return refuse({ code, ...CATALOGUE[code], path, ...(detail === undefined ? {} : { detail }) });
}
