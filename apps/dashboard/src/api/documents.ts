/**
 * Every question the dashboard asks, in one place: `tests/browser/dashboard-documents.spec.ts` holds each against
 * `schema.graphql`. Islands import single strings from here, so that unused ones are dropped from their bundles.
 */
const money = '{ amountMinor currency }';
const time = '{ milliseconds class }';
const person = '{ displayName pseudonym }';
const pageInfo = 'pageInfo { hasNextPage endCursor }';

const progress = `progress { cashPledged ${money} cashCaptured ${money} cashRefunded ${money} cashDisputed ${money}
  cashFees ${money} cashHeld ${money} computeOffered ${time} computePledged ${time} computeReserved ${time} computeDelivered ${time}
  computeAccepted ${time} cashBackers computeBackers }`;
const cashPledge = `id amount ${money} state contributor ${person} createdAt`;
const computePledge = `id class count state time ${time} delivered ${time} accepted ${time} contributor ${person} region`;
const campaignEvent = 'id type position occurredAt summary';
const goals = `cashGoal ${money} computeGoal ${time} deadline`;

/** How a pledge is paid: by a secret that the payer confirms with, or by a transfer to an account. */
const payment = 'payment { clientSecret savesMethod publishableKey apiBase status }';
const instructions = 'transfer { currency accounts { label value } }';

export const viewerQuery = `query Frame { viewer { contributor ${person} platformRoles } notificationUnreadCount }`;

export const campaignsQuery = `query Campaigns($first: Int!, $after: String, $state: CampaignState) {
  campaigns(first: $first, after: $after, state: $state) {
    edges { node { id slug title summary state fundingModel ${goals} createdAt project { name } ${progress} } } ${pageInfo}
  }
}`;

const figure = `{ pledges amount ${money} }`;
/** What changes while somebody looks: asked for by the page, the live island and the subscription alike. */
const campaignLive = `id state ${goals} ${progress} settlementEndsAt settlements { cause }
  settlement { awaited ${figure} frozen ${figure} charging ${figure} collected ${figure} needsAction ${figure} errored ${figure} dropped ${figure} }
  pledges(first: 12) { edges { node { ${cashPledge} } } ${pageInfo} }
  computePledges(first: 12) { edges { node { ${computePledge} } } ${pageInfo} }
  events(first: 12) { edges { node { ${campaignEvent} } } ${pageInfo} }`;

export const campaignQuery = `query CampaignPage($slug: String!) {
  campaignBySlug(slug: $slug) {
    ${campaignLive} slug title summary fundingModel createdAt project { name viewerRoles }
    recipe { id name digest workload parameters tokens gpuClass minWorkers maxWorkers dataset { name licence source } }
    budget { flop peakFlopPerSecond mfu gpuTime ${time} cash ${money} lines { code label amount unit formula source } }
  }
}`;
export const campaignRunsQuery = `query CampaignRuns($campaignId: ID!) {
  runs(first: 5, campaignId: $campaignId) { edges { node { id state step targetSteps lastLoss createdAt } } }
}`;
export const campaignLiveQuery = `query CampaignLive($id: ID!) { campaign(id: $id) { ${campaignLive} } }`;
export const campaignChanged = `subscription CampaignChanged($id: ID!) { campaignChanged(campaignId: $id) { ${campaignLive} } }`;

export const campaignHeadQuery = `query CampaignHead($slug: String!) {
  campaignBySlug(slug: $slug) { id slug title state fundingModel ${goals} recipe { gpuClass } ${progress} }
  acceleratorClasses { class label }
}`;
export const pledgeCashCreate = `mutation PledgeCash($input: PledgeCashCreateInput!) {
  pledgeCashCreate(input: $input) {
    pledge { id state amount ${money} }
    ${payment}
    ${instructions}
    userErrors { code message detail hint path }
  }
}`;
export const pledgePayNow = `mutation PledgePayNow($input: PledgeStepInput!) {
  pledgePayNow(input: $input) {
    pledge { id state rail amount ${money} }
    ${payment}
    ${instructions}
    userErrors { code message detail hint path }
  }
}`;
export const pledgeMethodChange = `mutation PledgeMethodChange($input: PledgeStepInput!) {
  pledgeMethodChange(input: $input) {
    pledge { id state rail amount ${money} }
    ${payment}
    ${instructions}
    userErrors { code message detail hint path }
  }
}`;
export const pledgePlanCreate = `mutation PledgePlan($input: PledgePlanCreateInput!) {
  pledgePlanCreate(input: $input) {
    plan { id state amount ${money} }
    ${payment}
    userErrors { code message detail hint path }
  }
}`;
export const pledgePlanMethodChange = `mutation PlanMethodChange($input: PledgePlanStepInput!) {
  pledgePlanMethodChange(input: $input) {
    plan { id rail amount ${money} }
    ${payment}
    userErrors { code message detail hint path }
  }
}`;
export const pledgePlanStop = `mutation PledgePlanStop($input: PledgePlanStepInput!) {
  pledgePlanStop(input: $input) { plan { id state } userErrors { code message detail hint path } }
}`;
export const unappliedCashRefund = `mutation UnappliedRefund($input: UnappliedCashRefundInput!) {
  unappliedCashRefund(input: $input) { userErrors { code message detail hint path } }
}`;
export const pledgeCashApply = `mutation PledgeCashApply($input: PledgeCashApplyInput!) {
  pledgeCashApply(input: $input) { pledge { id state } userErrors { code message detail hint path } }
}`;
export const railQuoteQuery = `query RailQuote($amountMinor: BigInt!, $currency: String!) {
  railQuote(amountMinor: $amountMinor, currency: $currency) {
    rail available reason charges fee ${money} settleBusinessDays canBeSaved
  }
}`;
/** What a unit of each other currency counts for a campaign in `$to`; null without a rate that is fresh enough. */
export const ratesQuery = `query Rates($to: String!) { ${['USD', 'EUR', 'GBP', 'CHF', 'CAD', 'JPY']
  .map((code) => `${code}: exchangeRate(base: "${code}", quote: $to) { rate asOf source }`)
  .join(' ')} }`;
export const pledgeStateQuery = `query PledgeState($id: ID!) {
  node(id: $id) { ... on CashPledge { id state rail failureCode amount ${money} } }
}`;
export const pledgeComputeCreate = `mutation PledgeCompute($input: PledgeComputeCreateInput!) {
  pledgeComputeCreate(input: $input) {
    pledge { id state class count time ${time} availability }
    userErrors { code message detail hint path }
  }
}`;
export const joinTokenCreate = `mutation JoinToken($input: NodeJoinTokenCreateInput!) {
  nodeJoinTokenCreate(input: $input) { token command userErrors { code message detail hint path } }
}`;

const lease = 'id rank token state grantedAt expiresAt endedAt endReason milliseconds node { id name class }';
const checkpoint = 'id step tokens loss state promotedAt manifestSha256 files { path bytes sha256 downloadUrl }';
const runLive = `id state stateReason waitReason step targetSteps tokens firstLoss lastLoss flopModel flopHardware
  createdAt startedAt endedAt lossCurve(maxPoints: 240) { step loss attempt }
  attempts { id number state reason startedAt endedAt restoredFromStep }
  leases(first: 60) { edges { node { ${lease} } } }
  checkpoints(first: 20) { edges { node { ${checkpoint} } } }
  usage { node { id name } contributor ${person} class delivered ${time} accepted ${time} tokens energyMicroWh energyMethod }
  events(first: 30) { edges { node { ${campaignEvent} } } }`;
export const runQuery = `query RunPage($id: ID!) {
  run(id: $id) { ${runLive} campaign { slug title } recipe { name workload parameters tokens gpuClass checkpointEverySteps } }
}`;
export const runLiveQuery = `query RunLive($id: ID!) { run(id: $id) { ${runLive} } }`;
export const runChanged = `subscription RunChanged($id: ID!) { runChanged(runId: $id) { ${runLive} } }`;
export const runsQuery = `query Runs($first: Int!, $after: String) {
  runs(first: $first, after: $after) {
    edges { node { id state step targetSteps firstLoss lastLoss tokens createdAt campaign { slug title } } } ${pageInfo}
  }
}`;

const balances = 'debitsPending debitsPosted creditsPending creditsPosted';
const transfer = 'id kind state amount unit reason createdAt position debitAccount { code } creditAccount { code }';
export const ledgerQuery = `query Ledger($first: Int!, $after: String, $prefix: String, $unit: String) {
  ledgerTrialBalance { unit debits credits balanced }
  ledgerAccounts(first: $first, after: $after, prefix: $prefix, unit: $unit) {
    edges { node { id code unit limit ${balances} } } ${pageInfo}
  }
  ledgerTransfers(first: 15) { edges { node { ${transfer} } } ${pageInfo} }
}`;
export const ledgerAccountQuery = `query LedgerAccount($code: String!, $first: Int!, $after: String) {
  ledgerAccount(code: $code) {
    id code unit limit ${balances} transfers(first: $first, after: $after) { edges { node { ${transfer} } } ${pageInfo} }
  }
}`;

const downloads = 'downloads { format url bytes sha256 }';
const report = `id slug title definition version logSize sha256 publishedAt supersedes ${downloads} campaign { slug title } run { id }`;
export const reportsQuery = `query Reports($first: Int!, $after: String) {
  reports(first: $first, after: $after) { edges { node { ${report} } } ${pageInfo} }
  log { size rootHash keyId }
}`;
export const reportQuery = `query ReportPage($id: ID!) {
  report(id: $id) { ${report} versions { version logSize sha256 correctsVersion publishedAt ${downloads} } }
  log { size rootHash keyId verifierKey }
}`;

export const signInMethodsQuery = 'query SignIn { signInMethods { developer } }';
export const developerSignIn = `mutation SignIn($input: DeveloperSignInInput!) {
  developerSignIn(input: $input) { contributor ${person} userErrors { code message detail hint path } }
}`;
export const signOut = 'mutation SignOut { signOut { userErrors { code message hint } } }';
export const accountQuery = `query Account {
  viewer { email scopes platformRoles contributor { id displayName pseudonym }
    apiTokens { id name scopes lastUsedAt expiresAt revokedAt } }
}`;
export const accountNodesQuery = `query AccountNodes {
  nodes(first: 50) { edges { node { id name state class count region lastSeenAt joinedAt owner ${person} } } }
}`;
export const apiTokenCreate = `mutation TokenCreate($input: ApiTokenCreateInput!) {
  apiTokenCreate(input: $input) { token apiToken { id name scopes expiresAt } userErrors { code message detail hint path } }
}`;
export const apiTokenRevoke = `mutation TokenRevoke($input: ApiTokenRevokeInput!) {
  apiTokenRevoke(input: $input) { userErrors { code message detail hint path } }
}`;
export const pledgeRefund = `mutation PledgeRefund($input: PledgeRefundInput!) {
  pledgeRefund(input: $input) { pledge { id state } userErrors { code message detail hint path } }
}`;
export const pledgeCancel = `mutation PledgeCancel($input: PledgeStepInput!) {
  pledgeCancel(input: $input) { pledge { id state } userErrors { code message detail hint path } }
}`;
export const pledgeComputeWithdraw = `mutation ComputeWithdraw($input: PledgeStepInput!) {
  pledgeComputeWithdraw(input: $input) { pledge { id state } userErrors { code message detail hint path } }
}`;
export const nodeDrain = `mutation NodeDrain($input: NodeDrainInput!) {
  nodeDrain(input: $input) { node { id state } userErrors { code message detail hint path } }
}`;

export const statusQuery = `query Status {
  log { size rootHash keyId }
  ledgerTrialBalance { unit debits credits balanced }
  nodes(first: 100) { edges { node { id name state class count lastSeenAt } } }
  runs(first: 5) { edges { node { id state step targetSteps campaign { title } } } }
}`;
export const invariantsQuery =
  'query Invariants { invariants { name invariant description ok checkedAt figures { name value } } }';
