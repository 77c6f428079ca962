import { newId } from '#kernel';
import { disputeSteps, type DisputeStatus } from '../domain/dispute.machine.js';
import { restoreLoss, splitLoss, sumOf } from '../domain/loss.rule.js';
import {
  disputeOpenedPostings,
  disputesReceivable,
  disputeWonPostings,
  takingPostings,
  type Parts,
} from '../domain/postings.rule.js';
import { termsOf, type PaymentRow } from '../store/payment.store.js';
import type { BookingDraft } from './booking.draft.js';
import type { Booked, ObservedDispute } from './observed.type.js';

/** A dispute while its steps are taken. Amounts in minor units. */
interface Standing {
  readonly id: string;
  readonly takenMinor: bigint;
  reinstatedMinor: bigint;
  feeMinor: bigint;
  lost: Parts;
}

/**
 * The steps of a dispute. Money moves at its opening; a loss is decided at its close. An account that was refunded
 * before has nothing left to lose: the second credit is owed.
 */
export function bookDispute(draft: BookingDraft, row: PaymentRow, observed: ObservedDispute): Booked {
  const known = draft.disputeAt(observed.stripeDisputeId);
  const steps = disputeSteps(known?.status, observed, known?.reinstated_minor);
  if (known !== undefined && steps.length === 0) return 'booked';
  const standing: Standing = {
    id: known?.id ?? newId(),
    takenMinor: observed.withdrawn?.amountMinor ?? observed.amountMinor,
    reinstatedMinor: known?.reinstated_minor ?? 0n,
    feeMinor: known?.fee_minor ?? 0n,
    lost: {
      reserve: known?.lost_reserve_minor ?? 0n,
      escrow: known?.lost_escrow_minor ?? 0n,
      debt: known?.lost_debt_minor ?? 0n,
    },
  };
  for (const step of steps) takeStep(draft, row, standing, step, observed);
  draft.saveDispute({
    id: standing.id,
    paymentId: row.id,
    stripeDisputeId: observed.stripeDisputeId,
    amountMinor: standing.takenMinor,
    reinstatedMinor: standing.reinstatedMinor,
    feeMinor: standing.feeMinor,
    lost: standing.lost,
    reason: observed.reason,
    stripeStatus: observed.stripeStatus,
    status: steps.at(-1) ?? 'INQUIRY',
    openedAt: observed.openedAt,
    respondBy: observed.respondBy,
  });
  return 'booked';
}

function takeStep(
  draft: BookingDraft,
  row: PaymentRow,
  standing: Standing,
  step: DisputeStatus,
  { withdrawn, reinstated }: ObservedDispute,
): void {
  if (withdrawn === undefined) return;
  const disputeId = standing.id;
  if (step === 'OPEN') {
    const { amountMinor, feeMinor } = withdrawn;
    draft.postings.push(...disputeOpenedPostings(termsOf(row), disputeId, amountMinor, feeMinor));
    standing.feeMinor = feeMinor;
    draft.tell(row, { kind: 'dispute_opened', disputeId, amountMinor, feeMinor });
  }
  if (step === 'LOST') {
    lose(draft, row, standing, standing.takenMinor - standing.reinstatedMinor);
    const amountMinor = standing.takenMinor;
    draft.tell(row, { kind: 'dispute_closed', disputeId, won: false, amountMinor, feeReturnedMinor: 0n });
  }
  if (step === 'WON' && reinstated !== undefined) win(draft, row, standing, { withdrawn, reinstated });
}

function win(
  draft: BookingDraft,
  row: PaymentRow,
  standing: Standing,
  seen: {
    withdrawn: { feeMinor: bigint };
    reinstated: { amountMinor: bigint; feeReturnedMinor: bigint };
  },
): void {
  const totalMinor = seen.reinstated.amountMinor;
  const back = totalMinor - standing.reinstatedMinor;
  const open = standing.takenMinor - standing.reinstatedMinor - sumOf(standing.lost);
  const receivableMinor = back < open ? back : open;
  const restored = restoreLoss(back - receivableMinor, standing.lost);
  const feeReturnedMinor = seen.reinstated.feeReturnedMinor - (seen.withdrawn.feeMinor - standing.feeMinor);
  const isFirst = standing.reinstatedMinor === 0n;
  draft.postings.push(
    ...disputeWonPostings(termsOf(row), standing.id, {
      totalMinor,
      receivableMinor,
      restored,
      feeReturnedMinor,
      isFirst,
    }),
  );
  draft.spend(row, { reserve: -restored.reserve, escrow: -restored.escrow, debt: 0n });
  standing.lost = {
    reserve: standing.lost.reserve - restored.reserve,
    escrow: standing.lost.escrow - restored.escrow,
    debt: standing.lost.debt - restored.debt,
  };
  standing.reinstatedMinor = totalMinor;
  standing.feeMinor -= feeReturnedMinor;
  // Won in part: what the bank keeps is lost.
  lose(draft, row, standing, open - receivableMinor);
  draft.tell(row, {
    kind: 'dispute_closed',
    disputeId: standing.id,
    won: true,
    amountMinor: back,
    feeReturnedMinor,
  });
}

function lose(draft: BookingDraft, row: PaymentRow, standing: Standing, amountMinor: bigint): void {
  if (amountMinor <= 0n) return;
  const free = { reserve: draft.free(row.reserve_account ?? undefined), escrow: draft.free(row.escrow_account) };
  const parts = splitLoss(amountMinor, free, draft.heldOf(row));
  const taking = {
    key: `dispute:${standing.id}:lost`,
    credit: disputesReceivable(row.currency),
    reason: 'dispute lost',
    refs: { dispute: standing.id },
  };
  draft.postings.push(...takingPostings(termsOf(row), taking, parts));
  draft.spend(row, parts);
  standing.lost = {
    reserve: standing.lost.reserve + parts.reserve,
    escrow: standing.lost.escrow + parts.escrow,
    debt: standing.lost.debt + parts.debt,
  };
}
