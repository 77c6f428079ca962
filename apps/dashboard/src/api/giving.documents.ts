/** What a donor gave: pledges, what they are paid with, and the papers about them. */
const money = '{ amountMinor currency }';
const time = '{ milliseconds class }';
const errors = 'userErrors { code message detail hint path }';
const campaign = 'campaign { slug title state }';
const downloads = 'downloads { format url }';
const pageInfo = 'pageInfo { hasNextPage endCursor }';

export const givingQuery = `query Giving($after: String) {
  viewer { contributor { displayName pseudonym } }
  myPledges {
    cash(first: 20, after: $after) {
      edges { node { id state rail createdAt nextAt anonymous chargedAtClose amount ${money} collected ${money}
        contributor { displayName } refunds { state amount ${money} } ${campaign} } }
      ${pageInfo}
    }
    compute(first: 20) {
      edges { node { id class count state createdAt time ${time} delivered ${time} accepted ${time} ${campaign} } } ${pageInfo}
    }
  }
  myPledgePlans { id state rail endsAt nextDueAt amount ${money} ${campaign} }
  myUnappliedCash ${money}
}`;
export const savedMethodsQuery = `query SavedMethods {
  mySavedMethods(first: 50) {
    edges { node { id rail brand last4 expires savedAt uses { planId amount ${money} campaign { title } } } } ${pageInfo}
  }
}`;
export const papersQuery = `query Papers($receiptsAfter: String, $invoicesAfter: String) {
  myReceipts(first: 10, after: $receiptsAfter) {
    edges { node { pledgeId number version issuedAt campaignTitle net ${money} received ${money} ${downloads} } } ${pageInfo}
  }
  myYearlySummaries(first: 20) { edges { node { year isRunning ${downloads} } } ${pageInfo} }
  myInvoices(first: 10, after: $invoicesAfter) {
    edges { node { pledgeId number issuedAt dueAt organisation campaignTitle amount ${money} paid ${money} ${downloads} } }
    ${pageInfo}
  }
}`;
export const savedMethodRemove = `mutation SavedMethodRemove($input: SavedMethodRemoveInput!) {
  savedMethodRemove(input: $input) { methodId ${errors} }
}`;
export const pledgeNameSet = `mutation PledgeNameSet($input: PledgeNameSetInput!) {
  pledgeNameSet(input: $input) { pledge { id } ${errors} }
}`;
export const profileUpdate = `mutation ProfileUpdate($input: ProfileUpdateInput!) {
  profileUpdate(input: $input) { contributor { displayName } ${errors} }
}`;
export const contributorErase = `mutation Erase($input: ContributorEraseInput!) {
  contributorErase(input: $input) { contributor { pseudonym } ${errors} }
}`;
