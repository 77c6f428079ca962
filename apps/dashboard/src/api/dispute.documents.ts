/** Charges that their payers dispute, and who answers the bank. */
const money = '{ amountMinor currency }';
const errors = 'userErrors { code message detail hint path }';

export const disputesQuery = `query Disputes($first: Int!, $after: String, $openOnly: Boolean) {
  viewer { contributor { pseudonym } }
  disputes(first: $first, after: $after, openOnly: $openOnly) {
    edges { node { id state rail reason answerDue respondBy owner openedAt answeredAt closedAt amount ${money} fee ${money} reinstated ${money} } }
    pageInfo { hasNextPage endCursor }
  }
}`;
export const disputeTake = `mutation DisputeTake($input: DisputeStepInput!) {
  disputeTake(input: $input) { dispute { id } ${errors} }
}`;
export const disputeAnswer = `mutation DisputeAnswer($input: DisputeAnswerInput!) {
  disputeAnswer(input: $input) { dispute { id } ${errors} }
}`;
export const disputeAccept = `mutation DisputeAccept($input: DisputeStepInput!) {
  disputeAccept(input: $input) { dispute { id } ${errors} }
}`;
