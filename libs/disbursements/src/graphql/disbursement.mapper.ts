import { Money, toGlobalId } from '#platform';
import type { DisbursementPage, EvidencePage, TranchePage } from '../disbursement.queries.js';
import { netMinor } from '../domain/tranche-amount.rule.js';
import { waitingFor } from '../domain/waiting.rule.js';
import type { SizingRow } from '../store/reserve.store.js';
import { evidenceFileUrl } from '../http/evidence-file.address.js';
import type {
  DisbursementStateEnum,
  EvidenceKindEnum,
  EvidenceOutcomeEnum,
  PayoutAccountStatusEnum,
  PayoutAttemptStatusEnum,
  TrancheStateEnum,
  WaitingForEnum,
} from './disbursement.enums.js';
import type {
  Disbursement,
  DisbursementTranche,
  PayoutAccount,
  ReserveSizing,
  TrancheEvidence,
} from './disbursement.type.js';

const PAYING = new Set(['succeeded', 'training', 'completed']);

export function toDisbursement(
  page: DisbursementPage,
  about: { now: Date; origin: string; viewerMayVote: boolean },
): Disbursement {
  const { plan } = page;
  return {
    state: plan.state as DisbursementStateEnum,
    currency: plan.currency,
    termsVersion: plan.termsVersion,
    approvalsRequired: plan.approvalsRequired,
    safetyWindowEndsAt: page.safetyEndsAt,
    cash: page.funds.map((funds) => ({
      escrow: Money.of(funds.escrowMinor, funds.currency),
      reserve: Money.of(funds.reserveMinor, funds.currency),
      onItsWay: Money.of(funds.payableMinor, funds.currency),
      released: Money.of(funds.spentMinor - funds.payableMinor, funds.currency),
      fees: Money.of(funds.feesMinor, funds.currency),
      net: Money.of(netMinor(funds), funds.currency),
    })),
    reserves: page.reserves.map(toSizing),
    tranches: page.tranches.map((tranche) => toTranche(tranche, page, about)),
    payoutAccount: page.account === undefined ? null : toPayoutAccount(page.account),
    viewerMayVote: about.viewerMayVote,
  };
}

export const toPayoutAccount = (account: {
  status: string;
  country: string;
  requirementsDue: number;
}): PayoutAccount => ({
  status: account.status as PayoutAccountStatusEnum,
  country: account.country,
  requirementsDue: account.requirementsDue,
});

function toTranche(
  tranche: TranchePage,
  page: DisbursementPage,
  about: { now: Date; origin: string },
): DisbursementTranche {
  const { plan } = page;
  const judged = tranche.evidence.find(({ id }) => id === tranche.evidenceId);
  const waits = waitingFor({
    state: tranche.state,
    needsEvidence: tranche.evidenceKind !== 'none',
    isRemainder: tranche.isRemainder,
    isVoting: judged?.outcome === 'voting',
    isSafe: page.safetyEndsAt !== null && page.safetyEndsAt <= about.now,
    isAccountReady: page.account?.status === 'ENABLED',
    isCampaignPaying: PAYING.has(page.campaignState),
  });
  return {
    id: toGlobalId('DisbursementTranche', tranche.id),
    number: tranche.number,
    title: tranche.title,
    shareBp: tranche.shareBp,
    budgetKind: tranche.budgetKind,
    evidenceKind: tranche.evidenceKind as EvidenceKindEnum,
    evidenceTerms: tranche.evidenceTerms,
    state: tranche.state as TrancheStateEnum,
    waitingFor: (plan.state === 'open' || tranche.state === 'in_transit' ? waits : 'NOTHING') as WaitingForEnum,
    amount: tranche.amountMinor === null ? null : Money.of(tranche.amountMinor, plan.currency),
    heldReason: tranche.state === 'held' ? tranche.heldReason : null,
    evidence: tranche.evidence.map((evidence) => toEvidence(evidence, about.origin)),
    attempts: tranche.attempts.map((attempt) => ({
      part: attempt.part,
      number: attempt.number,
      amount: Money.of(attempt.amountMinor, plan.currency),
      status: attempt.status as PayoutAttemptStatusEnum,
      arrivalAt: attempt.arrivalAt ?? null,
      failureCode: attempt.failure?.code ?? null,
      createdAt: attempt.createdAt,
    })),
  };
}

const toEvidence = (e: EvidencePage, origin: string): TrancheEvidence => ({
  id: e.id,
  round: e.round,
  kind: e.kind as EvidenceKindEnum,
  submittedBy: e.pseudonym,
  submittedAt: e.submittedAt,
  checkpointId: e.checkpointId === null ? null : toGlobalId('Checkpoint', e.checkpointId),
  tokens: e.tokens,
  manifestSha256: e.manifestSha256,
  value: e.value,
  report: e.report,
  files: e.files.map((file) => ({
    name: file.name,
    sha256: file.sha256,
    bytes: BigInt(file.bytes),
    downloadUrl: `${origin}${evidenceFileUrl(file.sha256)}`,
  })),
  vote:
    e.closesAt === null
      ? null
      : { closesAt: e.closesAt, electorate: e.electorate ?? 0, cast: e.cast ?? 0, yes: e.yesVotes, no: e.noVotes },
  outcome: e.outcome as EvidenceOutcomeEnum,
  approvals: e.approvals.map(({ pseudonym, approves, reason, at }) => ({ approver: pseudonym, approves, reason, at })),
});

const toSizing = (row: SizingRow): ReserveSizing => {
  const amount = (text: string): Money => Money.of(BigInt(text), row.currency);
  return {
    currency: row.currency,
    target: Money.of(row.targetMinor, row.currency),
    sizedAt: row.sizedAt,
    rails: row.exposures.map((rail) => ({
      rail: rail.rail,
      open: amount(rail.openMinor),
      disputed: amount(rail.disputedMinor),
      rateBp: rail.rateBp,
      windowDays: rail.windowDays,
      windowEndsAt: rail.windowEndsAt === null ? null : new Date(rail.windowEndsAt),
      need: amount(rail.needMinor),
    })),
  };
};
