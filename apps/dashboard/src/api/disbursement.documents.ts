/** Money that leaves a campaign: the page's question and the steps that a form can take. */
const money = '{ amountMinor currency }';
const refused = 'userErrors { code message hint detail path }';

export const moneyQuery = /* GraphQL */ `
  query CampaignMoney($slug: String!) {
    viewer {
      platformRoles
      contributor {
        pseudonym
      }
    }
    campaignBySlug(slug: $slug) {
      id
      slug
      title
      state
      project {
        name
        viewerRoles
      }
      disbursement {
        state
        currency
        termsVersion
        approvalsRequired
        safetyWindowEndsAt
        viewerMayVote
        payoutAccount { status country requirementsDue }
        cash { escrow ${money} reserve ${money} onItsWay ${money} released ${money} fees ${money} net ${money} }
        reserves {
          currency
          sizedAt
          target ${money}
          rails { rail rateBp windowDays windowEndsAt open ${money} disputed ${money} need ${money} }
        }
        tranches {
          id
          number
          title
          shareBp
          budgetKind
          evidenceKind
          evidenceTerms
          state
          waitingFor
          heldReason
          amount ${money}
          attempts { number status arrivalAt failureCode createdAt }
          evidence {
            id
            round
            kind
            submittedBy
            submittedAt
            value
            tokens
            checkpointId
            report
            outcome
            files { name bytes sha256 downloadUrl }
            vote { closesAt electorate cast yes no }
            approvals { approver approves reason at }
          }
        }
      }
    }
  }
`;

const step = (field: string, input: string): string => /* GraphQL */ `
  mutation ($input: ${input}!) { ${field}(input: $input) { ${refused} } }
`;

export const evidenceSubmit = step('disbursementEvidenceSubmit', 'DisbursementEvidenceSubmitInput');
export const trancheApprove = step('disbursementApprove', 'DisbursementReasonInput');
export const trancheReject = step('disbursementReject', 'DisbursementReasonInput');
export const trancheHold = step('disbursementHold', 'DisbursementReasonInput');
export const trancheHoldLift = step('disbursementHoldLift', 'DisbursementReasonInput');
export const trancheCancel = step('disbursementCancel', 'DisbursementReasonInput');
export const trancheRetry = step('disbursementRetry', 'DisbursementStepInput');
export const trancheVote = step('disbursementVote', 'DisbursementVoteInput');
export const accountRefresh = step('payoutAccountRefresh', 'PayoutAccountRefreshInput');
export const accountConnect = /* GraphQL */ `
  mutation ($input: PayoutAccountConnectInput!) { payoutAccountConnect(input: $input) { onboardingUrl ${refused} } }
`;
const exchange = `exchange { gives ${money} gets ${money} rate rateAsOf rateSource available ${money} }`;
export const exchangePreview = /* GraphQL */ `
  query ($input: DisbursementExchangePreviewInput!) { disbursementExchangePreview(input: $input) { ${exchange} ${refused} } }
`;
export const exchangeMake = /* GraphQL */ `
  mutation ($input: DisbursementExchangeInput!) { disbursementExchange(input: $input) { ${exchange} ${refused} } }
`;
