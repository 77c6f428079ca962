/** What the pages of matching ask and change; held against `schema.graphql` like `documents.ts`. */
const money = '{ amountMinor currency }';
const errors = 'userErrors { code message detail hint path }';
const pool = `id title viewerManages deposited ${money} granted ${money} free ${money} fees ${money} sponsors { displayName amount ${money} }`;
const line = `id slug title summary state opensAt closesAt reviewEndsAt promised ${money} paid ${money} viewerManages`;

export const matchRoundsQuery = `query MatchRounds($first: Int, $after: String) {
  matchRounds(first: $first, after: $after) { nodes { ${line} } pageInfo { hasNextPage endCursor } }
  matchPools(first: 50) { nodes { ${pool} } }
}`;
export const matchRoundQuery = `query MatchRound($slug: String!) {
  matchRound(slug: $slug) {
    ${line} terms cancelReason
    pool { ${pool} }
    campaigns {
      campaign { id slug title state } giftCount gifts ${money} cap ${money} estimate ${money} match ${money} paid ${money}
    }
    exclusions { id kind subject reason state excludedAt appeal decision viewerMayAppeal viewerMayDecide }
    results { version roundSha256 resultSha256 resultUrl roundUrl computedAt }
  }
}`;
export const matchFormQuery = `query MatchForm {
  matchPools(first: 100) { nodes { ${pool} } }
  campaigns(first: 100, state: LIVE) { edges { node { id slug title cashGoal ${money} } } }
}`;
export const matchEstimatesQuery = `query MatchEstimates($id: ID!, $small: BigInt!, $middle: BigInt!, $large: BigInt!) {
  small: matchEstimate(campaignId: $id, amountMinor: $small) { match ${money} stands ${money} asOf round { slug title } }
  middle: matchEstimate(campaignId: $id, amountMinor: $middle) { match ${money} }
  large: matchEstimate(campaignId: $id, amountMinor: $large) { match ${money} }
}`;

export const matchPoolCreate = `mutation MatchPoolCreate($input: MatchPoolCreateInput!) {
  matchPoolCreate(input: $input) { pool { id } ${errors} }
}`;
const step = (name: string, type: string) =>
  `mutation ${type.replace(/Input$/, '')}($input: ${type}!) { ${name}(input: $input) { round { id slug } ${errors} } }`;
export const matchRoundCreate = step('matchRoundCreate', 'MatchRoundCreateInput');
export const matchRoundOpen = step('matchRoundOpen', 'MatchRoundStepInput');
export const matchRoundCancel = step('matchRoundCancel', 'MatchRoundCancelInput');
export const matchExclude = step('matchExclude', 'MatchExcludeInput');
export const matchAppeal = step('matchAppeal', 'MatchAppealInput');
export const matchAppealDecide = step('matchAppealDecide', 'MatchAppealDecideInput');
