import { Injectable } from '@nestjs/common';
import { CampaignFunds } from '#campaigns';
import { projectRoles } from '#identity';
import { type Outcome, type Refused, isRefused, newId } from '#kernel';
import { type CardPayment, Payments } from '#payments';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { CashPledgeSteps } from './cash-pledge.steps.js';
import { CashPledgeWriter, type WrittenPledge } from './cash-pledge.writer.js';
import { type CashPledgeEvent, cashPledgeMachine } from './domain/cash-pledge.machine.js';
import { cardAmount, idempotencyKey } from './domain/cash-pledge.rule.js';
import { pledgeEvent } from './domain/pledge-event.rule.js';
import { refusePledge } from './pledge.refusal.js';
import { type CashPledgeRow, lockCashPledge, recordRefund } from './store/cash-pledge.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

export interface CashPledgeCreate {
  readonly campaignId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly idempotencyKey: string;
  readonly anonymous?: boolean | null | undefined;
}

export interface CreatedCashPledge {
  readonly pledge: CashPledgeRow;
  /** Null once nothing is left to pay. */
  readonly payment: CardPayment | null;
}

const UNPAID: readonly string[] = ['created', 'requires_action', 'failed'];

/** What a backer, or a treasurer, does with a cash pledge. */
@Injectable()
export class CashPledgeCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly writer: CashPledgeWriter,
    private readonly steps: CashPledgeSteps,
    private readonly funds: CampaignFunds,
    private readonly payments: Payments,
  ) {}

  /**
   * Promises an amount and begins its payment. The pledge, its promise in the books and its payment row are committed
   * before the processor hears of it. The same key with the same particulars gives the same pledge and payment again.
   */
  async create(viewer: SignedIn, input: CashPledgeCreate): Promise<Outcome<CreatedCashPledge>> {
    const written = await this.promise(viewer, input);
    if (isRefused(written)) return written;
    if (!UNPAID.includes(written.pledge.state)) return { pledge: written.pledge, payment: null };
    const payment =
      written.paymentId === undefined
        ? await this.payments.createCardPayment(written.payment)
        : await this.payments.submitPayment(written.paymentId);
    return isRefused(payment) ? payment : { pledge: written.pledge, payment };
  }

  /** The first half of {@link create}: all that is ours, without the call to the processor. */
  async promise(viewer: SignedIn, input: CashPledgeCreate): Promise<Outcome<WrittenPledge>> {
    const amountMinor = cardAmount(input.amountMinor);
    if (isRefused(amountMinor)) return amountMinor;
    const key = idempotencyKey(input.idempotencyKey);
    if (isRefused(key)) return key;
    return this.writer.submit({
      id: newId(),
      campaignId: input.campaignId,
      contributorId: viewer.contributorId,
      pseudonym: viewer.pseudonym,
      amountMinor,
      currency: input.currency,
      isAnonymous: input.anonymous ?? false,
      idempotencyKey: key,
    });
  }

  /**
   * Asks for everything that is left of a captured pledge back. The backer may until training begins, a treasurer of
   * the project always.
   */
  async refund(viewer: SignedIn, pledgeId: string, reason: string): Promise<Outcome<string>> {
    if (reason.length > 500) return refusePledge('PLEDGE_TEXT_INVALID', ['input', 'reason']);
    const outcome = await this.uow.run('pledges.cash-refund', async (tx) => {
      const pledge = await lockCashPledge(tx, pledgeId);
      if (!pledge) return notFound();
      const denied = await this.mayRefund(tx, viewer, pledge);
      if (denied) return denied;
      return this.refundIn(tx, pledge, reason);
    });
    if (isRefused(outcome)) return outcome;
    // The processor is told now; if this process dies first, the sweep of payments tells it.
    await this.payments.submitRefund(outcome);
    return pledgeId;
  }

  /** Requests the refund inside a unit of work that holds the pledge. Answers the refund's id. */
  async refundIn(tx: Tx, pledge: CashPledgeRow, reason: string): Promise<Outcome<string>> {
    if (pledge.state !== 'captured' || pledge.paymentId === null) return wrongState(pledge, 'request_refund');
    const amountMinor = pledge.amountMinor - pledge.refundedMinor;
    const refund = await this.payments.requestRefund(tx, pledge.paymentId, amountMinor, reason);
    if (isRefused(refund)) return refund;
    await recordRefund(tx, {
      refundId: refund.refundId,
      pledgeId: pledge.id,
      amountMinor,
      state: 'requested',
      reason,
    });
    const stepped = await this.steps.take(tx, pledge, 'request_refund');
    return stepped ? refund.refundId : wrongState(pledge, 'request_refund');
  }

  /**
   * Gives up a pledge that isn't paid, and its payment with it. Should the money arrive in the same moment, it is sent
   * back.
   */
  async cancel(viewer: SignedIn, pledgeId: string): Promise<Outcome<string>> {
    const payments = await this.uow.run('pledges.cash-cancel', async (tx) => {
      const pledge = await lockCashPledge(tx, pledgeId);
      if (!pledge) return notFound();
      if (pledge.contributorId !== viewer.contributorId) return forbidden();
      return this.cancelIn(tx, pledge);
    });
    if (isRefused(payments)) return payments;
    // The processor is told now; if this process dies first, the sweep of payments tells it.
    await this.payments.submitCancels(payments);
    return pledgeId;
  }

  /** Cancels inside a unit of work that holds the pledge. Answers the payments that the processor is to be told of. */
  async cancelIn(tx: Tx, pledge: CashPledgeRow): Promise<Outcome<string[]>> {
    if (!(await this.steps.take(tx, pledge, 'cancel'))) return wrongState(pledge, 'cancel');
    tx.emit(pledgeEvent('pledge.cash.cancelled', pledge.campaignId, { pledgeId: pledge.id }));
    return this.payments.requestCancel(tx, pledge.id);
  }

  private async mayRefund(tx: Tx, viewer: SignedIn, pledge: CashPledgeRow): Promise<Refused | undefined> {
    const campaign = (await this.funds.hold(tx, [pledge.campaignId])).get(pledge.campaignId);
    if (!campaign) throw new Error(`pledge ${pledge.id} has no campaign`);
    const roles = await projectRoles(tx, viewer.contributorId, campaign.projectId);
    if (roles.has('owner') || roles.has('treasurer')) return undefined;
    if (pledge.contributorId !== viewer.contributorId) return forbidden();
    return campaign.state === 'training' || campaign.state === 'completed'
      ? refusePledge('PLEDGE_STATE_INVALID', ['input', 'pledgeId'], 'Its campaign trains already.')
      : undefined;
  }
}

const notFound = (): Refused => refusePledge('PLEDGE_NOT_FOUND', ['input', 'pledgeId']);
const forbidden = (): Refused => refusePledge('PLEDGE_FORBIDDEN', ['input', 'pledgeId']);

function wrongState(pledge: CashPledgeRow, event: CashPledgeEvent): Refused {
  const from = cashPledgeMachine.transitions.filter((t) => t.event === event).map((t) => t.from);
  return refusePledge(
    'PLEDGE_STATE_INVALID',
    ['input', 'pledgeId'],
    `It is ${pledge.state}; it takes ${from.join(' or ')}.`,
  );
}
