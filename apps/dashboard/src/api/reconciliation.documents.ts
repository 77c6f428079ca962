/** Questions about how books, processor, bank and meters stand to each other. */
const errors = 'userErrors { code message detail hint path }';
const money = '{ amountMinor currency }';
const gpu = '{ milliseconds class }';
const caseFields = 'id kind state subject unit expected found owner note openedAt changedAt';
const lineFields = `id account reference bookedOn amount ${money} texts counterparty
  match { payoutId ledgerKey matchedBy note matchedAt }`;
const me = 'viewer { contributor { pseudonym } platformRoles }';
const operators = 'operators { pseudonym displayName }';

export const reconciliationStatusQuery = `query ReconciliationStatus {
  reconciliationStatus { comparedAt processorReadUntil eventsBackfilledUntil oldestOpenedAt explainedCases
    openDifferences { unit cases difference } }
}`;
export const reconciliationQuery = `query Reconciliation($first: Int!, $after: String, $states: [ReconciliationCaseState!]) {
  ${me}
  reconciliationSummary {
    figures { bookedAtProcessor ${money} saidByProcessor ${money} bookedInTransit ${money} bookedAtBank ${money} saidByBank ${money} donorCash ${money} donorCashAtProcessor ${money} fees ${money} }
    gpuFigures { booked ${gpu} metered ${gpu} recorded ${gpu} } ${operators}
    openCases { kind open } oldestOpenedAt processorReadUntil eventsBackfilledUntil }
  reconciliationCases(first: $first, after: $after, states: $states) {
    edges { node { ${caseFields} } }
    pageInfo { hasNextPage endCursor } }
}`;
export const reconciliationCaseQuery = `query ReconciliationCase($id: ID!) {
  ${me}
  reconciliationSummary { ${operators} }
  reconciliationCase(id: $id) {
    reconciliationCase { ${caseFields} }
    sayings { side what reference amount fee at transferId account }
    steps { state owner note expected found at }
    corrections { id state debit credit unit amountMinor reason proposedBy proposedAt decidedBy decidedAt decidedNote }
    neededCorrection { account isDebit amountMinor counterAccounts }
    bankLine { ${lineFields} }
    candidates { payoutId transferId what at } }
}`;
export const bankLinesQuery = `query BankLines($first: Int!, $after: String, $matched: Boolean) {
  ${me}
  reconciliationSummary { ${operators} }
  bankLines(first: $first, after: $after, matched: $matched) {
    edges { node { ${lineFields} } } pageInfo { hasNextPage endCursor } }
}`;
export const reconciliationCaseAssign = `mutation ReconciliationCaseAssign($input: ReconciliationCaseAssignInput!) {
  reconciliationCaseAssign(input: $input) { reconciliationCase { id state owner } ${errors} }
}`;
export const reconciliationCaseExplain = `mutation ReconciliationCaseExplain($input: ReconciliationCaseExplainInput!) {
  reconciliationCaseExplain(input: $input) { reconciliationCase { id state note } ${errors} }
}`;
const corrected = `correction { id state } ${errors}`;
export const reconciliationCorrectionPropose = `mutation ReconciliationCorrectionPropose($input: ReconciliationCorrectionProposeInput!) {
  reconciliationCorrectionPropose(input: $input) { ${corrected} }
}`;
export const reconciliationCorrectionApprove = `mutation ReconciliationCorrectionApprove($input: ReconciliationCorrectionApproveInput!) {
  reconciliationCorrectionApprove(input: $input) { ${corrected} }
}`;
export const reconciliationCorrectionReject = `mutation ReconciliationCorrectionReject($input: ReconciliationCorrectionRejectInput!) {
  reconciliationCorrectionReject(input: $input) { ${corrected} }
}`;
export const reconciliationCorrectionWithdraw = `mutation ReconciliationCorrectionWithdraw($input: ReconciliationCorrectionWithdrawInput!) {
  reconciliationCorrectionWithdraw(input: $input) { ${corrected} }
}`;
export const bankLineMatch = `mutation BankLineMatch($input: BankLineMatchInput!) {
  bankLineMatch(input: $input) { bankLine { id match { payoutId ledgerKey } } ${errors} }
}`;
export const bankLineUnmatch = `mutation BankLineUnmatch($input: BankLineUnmatchInput!) {
  bankLineUnmatch(input: $input) { bankLine { id match { payoutId ledgerKey } } ${errors} }
}`;
export const bankStatementImport = `mutation BankStatementImport($input: BankStatementImportInput!) {
  bankStatementImport(input: $input) { statements lines known ${errors} }
}`;
