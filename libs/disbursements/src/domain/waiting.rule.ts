import type { TrancheState } from './tranche.machine.js';

/** What a tranche waits for, in the order in which it is waited for. */
export const WAITING_FOR = [
  'SAFETY_WINDOW',
  'DISPUTE_WINDOWS',
  'EVIDENCE',
  'VOTE',
  'APPROVALS',
  'PAYOUT_ACCOUNT',
  'CAMPAIGN',
  'MONEY',
  'BANK',
  'OPERATOR',
  'RETRY',
  'NOTHING',
] as const;
export type WaitingFor = (typeof WAITING_FOR)[number];

export interface Standing {
  readonly state: TrancheState;
  readonly needsEvidence: boolean;
  readonly isRemainder: boolean;
  readonly isVoting: boolean;
  readonly isSafe: boolean;
  readonly isAccountReady: boolean;
  readonly isCampaignPaying: boolean;
}

export function waitingFor(standing: Standing): WaitingFor {
  switch (standing.state) {
    case 'planned':
      if (standing.needsEvidence) return 'EVIDENCE';
      return standing.isRemainder && standing.isSafe ? 'DISPUTE_WINDOWS' : 'SAFETY_WINDOW';
    case 'evidence_submitted':
      return standing.isVoting ? 'VOTE' : 'APPROVALS';
    case 'approved':
      if (!standing.isCampaignPaying) return 'CAMPAIGN';
      if (!standing.isSafe) return 'SAFETY_WINDOW';
      return standing.isAccountReady ? 'MONEY' : 'PAYOUT_ACCOUNT';
    case 'reserved':
    case 'in_transit':
      return 'BANK';
    case 'held':
      return 'OPERATOR';
    case 'failed':
      return 'RETRY';
    case 'succeeded':
    case 'canceled':
      return 'NOTHING';
  }
}
