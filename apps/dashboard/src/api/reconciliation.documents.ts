/** Questions about how books, processor, bank and meters stand to each other. */
const errors = 'userErrors { code message detail hint path }';
const money = '{ amountMinor currency }';

export const reconciliationQuery = `query Reconciliation($first: Int!, $after: String, $states: [ReconciliationCaseState!]) {
  viewer { contributor { pseudonym } }
  reconciliationSummary {
    figures { bookedAtProcessor ${money} saidByProcessor ${money} bookedInTransit ${money} bookedAtBank ${money} saidByBank ${money} donorCash ${money} fees ${money} }
    openCases { kind open } oldestOpenedAt processorReadUntil eventsBackfilledUntil }
  reconciliationCases(first: $first, after: $after, states: $states) {
    edges { node { id kind state subject unit expected found owner note openedAt changedAt } }
    pageInfo { hasNextPage endCursor } }
}`;
export const reconciliationCaseAssign = `mutation ReconciliationCaseAssign($input: ReconciliationCaseAssignInput!) {
  reconciliationCaseAssign(input: $input) { reconciliationCase { id state owner } ${errors} }
}`;
export const reconciliationCaseExplain = `mutation ReconciliationCaseExplain($input: ReconciliationCaseExplainInput!) {
  reconciliationCaseExplain(input: $input) { reconciliationCase { id state note } ${errors} }
}`;
export const bankStatementImport = `mutation BankStatementImport($input: BankStatementImportInput!) {
  bankStatementImport(input: $input) { statements lines known ${errors} }
}`;
