/** Questions about refunds that did not reach their owners. */
const errors = 'userErrors { code message detail hint path }';
const refundCase =
  'id state amount { amountMinor currency } failureCode owner resolution note openedAt takenAt resolvedAt';

export const refundCasesQuery = `query RefundCases($first: Int!, $after: String, $unresolvedOnly: Boolean) {
  viewer { contributor { pseudonym } }
  refundCases(first: $first, after: $after, unresolvedOnly: $unresolvedOnly) {
    edges { node { ${refundCase} } } pageInfo { hasNextPage endCursor } }
}`;
export const refundCaseTake = `mutation RefundCaseTake($input: RefundCaseTakeInput!) {
  refundCaseTake(input: $input) { refundCase { id } ${errors} }
}`;
export const refundCaseResolve = `mutation RefundCaseResolve($input: RefundCaseResolveInput!) {
  refundCaseResolve(input: $input) { refundCase { id } ${errors} }
}`;
