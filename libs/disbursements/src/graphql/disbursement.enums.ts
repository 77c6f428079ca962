import { registerEnumType } from '@nestjs/graphql';

export enum DisbursementStateEnum {
  OPEN = 'open',
  CLOSED = 'closed',
  CANCELED = 'canceled',
}

export enum TrancheStateEnum {
  PLANNED = 'planned',
  EVIDENCE_SUBMITTED = 'evidence_submitted',
  APPROVED = 'approved',
  RESERVED = 'reserved',
  HELD = 'held',
  IN_TRANSIT = 'in_transit',
  SUCCEEDED = 'succeeded',
  FAILED = 'failed',
  CANCELED = 'canceled',
}
registerEnumType(TrancheStateEnum, {
  name: 'TrancheState',
  description: 'Where a tranche stands.',
  valuesMap: {
    PLANNED: { description: 'Waits for its evidence.' },
    EVIDENCE_SUBMITTED: { description: 'Its evidence is voted on or waits for approvals.' },
    APPROVED: { description: 'Waits for its money to be set aside.' },
    RESERVED: { description: 'Its money is set aside.' },
    HELD: { description: 'Stopped by an operator before its money left.' },
    IN_TRANSIT: { description: 'Its money is on its way.' },
    SUCCEEDED: { description: 'Its money has arrived.' },
    FAILED: { description: 'Its money could not be delivered and is back in escrow.' },
    CANCELED: { description: 'Given up.' },
  },
});

export enum EvidenceKindEnum {
  NONE = 'none',
  CHECKPOINT = 'checkpoint',
  EVALUATION = 'evaluation',
  MILESTONE_REPORT = 'milestone_report',
  VOTE = 'vote',
}
registerEnumType(EvidenceKindEnum, {
  name: 'EvidenceKind',
  description: 'What shows that a tranche is due.',
  valuesMap: {
    NONE: { description: 'Time alone: the safety window, or the last dispute window, is over.' },
    CHECKPOINT: { description: 'A checkpoint that the campaign’s run promoted.' },
    EVALUATION: { description: 'A value of a metric that reaches the threshold agreed, with its file.' },
    MILESTONE_REPORT: { description: 'A written report.' },
    VOTE: { description: 'A vote of the backers.' },
  },
});

export enum EvidenceOutcomeEnum {
  VOTING = 'voting',
  OPEN = 'open',
  ACCEPTED = 'accepted',
  REJECTED = 'rejected',
}
registerEnumType(EvidenceOutcomeEnum, {
  name: 'EvidenceOutcome',
  description: 'What became of evidence.',
  valuesMap: {
    VOTING: { description: 'Backers are voting.' },
    OPEN: { description: 'Waits for approvals.' },
    ACCEPTED: { description: 'Approved.' },
    REJECTED: { description: 'Sent back.' },
  },
});

export enum WaitingForEnum {
  SAFETY_WINDOW = 'SAFETY_WINDOW',
  DISPUTE_WINDOWS = 'DISPUTE_WINDOWS',
  EVIDENCE = 'EVIDENCE',
  VOTE = 'VOTE',
  APPROVALS = 'APPROVALS',
  PAYOUT_ACCOUNT = 'PAYOUT_ACCOUNT',
  CAMPAIGN = 'CAMPAIGN',
  MONEY = 'MONEY',
  BANK = 'BANK',
  OPERATOR = 'OPERATOR',
  RETRY = 'RETRY',
  NOTHING = 'NOTHING',
}
registerEnumType(WaitingForEnum, {
  name: 'TrancheWaitingFor',
  description: 'What a tranche waits for.',
  valuesMap: {
    SAFETY_WINDOW: { description: 'The time after the success in which nothing leaves.' },
    DISPUTE_WINDOWS: { description: 'The time in which payments can be disputed.' },
    EVIDENCE: { description: 'Evidence from the project.' },
    VOTE: { description: 'The backers’ vote.' },
    APPROVALS: { description: 'Approvals.' },
    PAYOUT_ACCOUNT: { description: 'A payout account that can receive money.' },
    CAMPAIGN: { description: 'The campaign: it is suspended.' },
    MONEY: { description: 'Money in escrow, or the next look of the clock.' },
    BANK: { description: 'The bank.' },
    OPERATOR: { description: 'An operator to lift the hold.' },
    RETRY: { description: 'Somebody to try again.' },
    NOTHING: { description: 'It is over.' },
  },
});

export enum PayoutAccountStatusEnum {
  CREATED = 'CREATED',
  ONBOARDING = 'ONBOARDING',
  ENABLED = 'ENABLED',
  RESTRICTED = 'RESTRICTED',
}
registerEnumType(PayoutAccountStatusEnum, {
  name: 'PayoutAccountStatus',
  description: 'Whether a payout account can receive money.',
  valuesMap: {
    CREATED: { description: 'Asked for; the payment processor does not know it yet.' },
    ONBOARDING: { description: 'Its owner has not said all that the processor asks for.' },
    ENABLED: { description: 'It can receive money.' },
    RESTRICTED: { description: 'The processor has stopped it, or checks it.' },
  },
});

export enum PayoutAttemptStatusEnum {
  LOCAL = 'LOCAL',
  SUBMITTING = 'SUBMITTING',
  TRANSFERRED = 'TRANSFERRED',
  IN_TRANSIT = 'IN_TRANSIT',
  RETURNING = 'RETURNING',
  SUCCEEDED = 'SUCCEEDED',
  FAILED = 'FAILED',
  CANCELED = 'CANCELED',
}
registerEnumType(PayoutAttemptStatusEnum, {
  name: 'PayoutAttemptStatus',
  description: 'Where an attempt of a payout stands.',
  valuesMap: {
    LOCAL: { description: 'Set aside; the processor has not been told.' },
    SUBMITTING: { description: 'The processor is being told.' },
    TRANSFERRED: { description: 'In the project’s account at the processor.' },
    IN_TRANSIT: { description: 'On its way to the project’s bank.' },
    RETURNING: { description: 'The bank would not have it; it is being taken back.' },
    SUCCEEDED: { description: 'Arrived.' },
    FAILED: { description: 'Not delivered; the money is back.' },
    CANCELED: { description: 'Taken back before the processor was told.' },
  },
});
