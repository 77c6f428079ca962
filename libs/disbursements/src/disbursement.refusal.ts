import { type Refused, refuse } from '#kernel';

/** Everything that disbursements refuse, with what would be right. */
const REFUSALS = {
  DISBURSEMENT_NOT_FOUND: {
    message: 'This campaign has no plan for paying out.',
    hint: 'A plan is made when a campaign succeeds.',
  },
  DISBURSEMENT_TRANCHE_NOT_FOUND: {
    message: 'There is no such tranche.',
    hint: 'Take the id from the tranches of a campaign’s disbursement.',
  },
  DISBURSEMENT_STATE_INVALID: {
    message: 'The tranche is not in a state that allows this.',
    hint: 'Look at its state; the README of disbursements shows which step is possible from where.',
  },
  DISBURSEMENT_CAMPAIGN_STATE_INVALID: {
    message: 'The campaign is not in a state in which money leaves it.',
    hint: 'Money leaves a campaign that has succeeded, is training or has completed; a suspended one waits.',
  },
  DISBURSEMENT_SAFETY_WINDOW_OPEN: {
    message: 'The safety window after the success is not over.',
    hint: 'Wait until it ends; the disbursement says when.',
  },
  DISBURSEMENT_BELOW_GOAL: {
    message: 'What was really collected is below the goal.',
    hint: 'Nothing is paid out below the goal that backers were promised.',
  },
  DISBURSEMENT_NO_MONEY: {
    message: 'Escrow holds nothing for this tranche now.',
    hint: 'Wait until refunds and disputes are settled or money of other currencies is exchanged.',
  },
  DISBURSEMENT_WINDOW_OPEN: {
    message: 'Payments can still be disputed, so the reserve stays.',
    hint: 'Wait until the last window has closed; the reserve says when.',
  },
  DISBURSEMENT_EVIDENCE_INVALID: {
    message: 'The evidence is not of the kind that the terms ask for, or incomplete.',
    hint: 'Give what the tranche’s evidence terms name: a checkpoint, a value with a file, a report, or a question to vote on.',
  },
  DISBURSEMENT_EVIDENCE_BELOW_TERMS: {
    message: 'The evidence does not reach what the terms ask for.',
    hint: 'Submit it when the threshold is reached.',
  },
  DISBURSEMENT_EVIDENCE_USED: {
    message: 'This checkpoint is evidence of another tranche already.',
    hint: 'Submit a later checkpoint.',
  },
  DISBURSEMENT_CHECKPOINT_UNKNOWN: {
    message: 'No run of this campaign has promoted this checkpoint.',
    hint: 'Take the id of a promoted checkpoint of the campaign’s run.',
  },
  DISBURSEMENT_FILE_MISSING: {
    message: 'A file is not in the store.',
    hint: 'Upload the file first, then name it by the SHA-256 of its bytes.',
  },
  DISBURSEMENT_TEXT_INVALID: {
    message: 'The text is empty or too long.',
    hint: 'A reason has 3 to 500 characters, a report 20 to 20000.',
  },
  DISBURSEMENT_APPROVER_REQUIRED: {
    message: 'You are not among those who approve this campaign’s tranches.',
    hint: 'The terms name the approvers; where they name nobody, reviewers and treasurers of the project approve.',
  },
  DISBURSEMENT_OWN_EVIDENCE: {
    message: 'Whoever submitted the evidence does not judge it.',
    hint: 'Ask another approver.',
  },
  DISBURSEMENT_OWN_PAYOUT: {
    message: 'Nobody approves a payout to himself.',
    hint: 'Whoever connected the payout account receives the money; ask another approver.',
  },
  DISBURSEMENT_APPROVED_ALREADY: {
    message: 'You have judged this evidence already.',
    hint: 'Each approver counts once; the next one must be somebody else.',
  },
  DISBURSEMENT_VOTE_OPEN: {
    message: 'The backers are still voting.',
    hint: 'Wait until the vote is decided.',
  },
  DISBURSEMENT_VOTE_CLOSED: {
    message: 'There is no open vote on this tranche.',
    hint: 'Vote while the tranche’s evidence is being voted on.',
  },
  DISBURSEMENT_NOT_A_BACKER: {
    message: 'Only backers of the campaign vote.',
    hint: 'A backer is whoever has a cash pledge that was collected and not given back.',
  },
  DISBURSEMENT_VOTED_ALREADY: {
    message: 'You have voted on this already.',
    hint: 'One backer, one vote; it stands.',
  },
  DISBURSEMENT_NO_ELECTORATE: {
    message: 'The campaign has no backer who could vote.',
    hint: 'A vote needs at least one collected pledge.',
  },
  DISBURSEMENT_CURRENCY_INVALID: {
    message: 'The campaign holds nothing in this currency that could be exchanged.',
    hint: 'Give one of the other currencies in which it collected money.',
  },
  DISBURSEMENT_EXCHANGE_AMOUNT: {
    message: 'The amount cannot be exchanged.',
    hint: 'Give at most what escrow holds free; what may have to go back in its own currency stays in the dispute reserve.',
  },
  DISBURSEMENT_EXCHANGE_CONFLICT: {
    message: 'The idempotency key is none, or names another exchange.',
    hint: 'Use a new key of 8 to 100 letters, digits, "-" or "_" for each exchange.',
  },
  DISBURSEMENT_OPERATOR_REQUIRED: {
    message: 'Only a platform operator may do this.',
    hint: 'Ask an operator of the platform.',
  },
  DISBURSEMENT_TOO_LATE: {
    message: 'The money is on its way already.',
    hint: 'Wait until it has arrived or failed.',
  },
} as const satisfies Record<string, { message: string; hint: string }>;

export type DisbursementRefusal = keyof typeof REFUSALS;
export const DISBURSEMENT_REFUSALS = Object.keys(REFUSALS) as readonly DisbursementRefusal[];

export const refuseDisbursement = (code: DisbursementRefusal, path: readonly string[] = [], detail?: string): Refused =>
  refuse({ code, ...REFUSALS[code], path, ...(detail === undefined ? {} : { detail }) });
