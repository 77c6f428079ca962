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
const estimate = `match ${money} atPace ${money}`;
export const matchEstimatesQuery = `query MatchEstimates($id: ID!, $small: BigInt!, $middle: BigInt!, $large: BigInt!, $own: BigInt!) {
  small: matchEstimate(campaignId: $id, amountMinor: $small) { ${estimate} stands ${money} asOf round { slug title } }
  middle: matchEstimate(campaignId: $id, amountMinor: $middle) { ${estimate} }
  large: matchEstimate(campaignId: $id, amountMinor: $large) { ${estimate} }
  own: matchEstimate(campaignId: $id, amountMinor: $own) { ${estimate} }
}`;
export const matchEstimateQuery = `query MatchEstimate($id: ID!, $amount: BigInt!) {
  matchEstimate(campaignId: $id, amountMinor: $amount) { ${estimate} }
}`;
export const matchPoolQuery = `query MatchPool($id: ID!) {
  matchPool(id: $id) {
    ${pool} refunded ${money} createdAt
    viewerDeposits {
      id amount ${money} refunded ${money} rail state anonymous createdAt collectedAt
      transfer { currency accounts { label value } }
    }
  }
}`;
export const matchDepositStateQuery = `query MatchDepositState($id: ID!) {
  matchPool(id: $id) { viewerDeposits { id state } }
}`;
export const matchPoolDeposit = `mutation MatchPoolDeposit($input: MatchPoolDepositInput!) {
  matchPoolDeposit(input: $input) {
    deposit { id state }
    payment { clientSecret publishableKey apiBase }
    transfer { currency accounts { label value } }
    ${errors}
  }
}`;
export const matchDepositWithdraw = `mutation MatchDepositWithdraw($input: MatchDepositWithdrawInput!) {
  matchDepositWithdraw(input: $input) { pool { id } ${errors} }
}`;
export const matchPoolGiveBack = `mutation MatchPoolGiveBack($input: MatchPoolGiveBackInput!) {
  matchPoolGiveBack(input: $input) { pool { id } ${errors} }
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
