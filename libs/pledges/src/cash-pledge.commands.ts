import { Injectable } from '@nestjs/common';
import { type Outcome, isRefused } from '#kernel';
import type { Rail } from '#payments';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { CashPledgeWriter, type WrittenPledge } from './cash-pledge.writer.js';
import { CloseMoney } from './close.money.js';
import { cashPledgeMachine } from './domain/cash-pledge.machine.js';
import { type Billing, billingOf, displayName, idempotencyKey, railAmount } from './domain/cash-pledge.rule.js';
import { pledgeEvent } from './domain/pledge-event.rule.js';
import { PledgeBatches } from './pledge.batch.js';
import { type CreatedCashPledge, PledgePaying, forbidden, notFound, wrongState } from './pledge.paying.js';
import { PledgeRefunds } from './pledge.refunds.js';
import { refusePledge } from './pledge.refusal.js';
import { type CashPledgeRow, lockCashPledge, setPledgeName } from './store/cash-pledge.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

export interface CashPledgeCreate {
  readonly campaignId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly idempotencyKey: string;
  readonly rail?: Rail | null | undefined;
  readonly anonymous?: boolean | null | undefined;
  readonly displayName?: string | null | undefined;
  readonly invoice?: Partial<Billing> | null | undefined;
}

/** What a donor, or a treasurer, does with a cash pledge. */
@Injectable()
export class CashPledgeCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly writer: CashPledgeWriter,
    private readonly pay: PledgePaying,
    private readonly batches: PledgeBatches,
    private readonly refunds: PledgeRefunds,
    private readonly money: CloseMoney,
  ) {}

  /**
   * Promises an amount and begins what pays it. The pledge, its promise in the books and its payment row are committed
   * before the processor hears of it. The same key with the same particulars gives the same pledge and payment again.
   */
  async create(viewer: SignedIn, input: CashPledgeCreate): Promise<Outcome<CreatedCashPledge>> {
    const written = await this.promise(viewer, input);
    if (isRefused(written)) return written;
    const next = await this.pay.next(written);
    if (isRefused(next)) return next;
    const transfer = await this.pay.transfer(written.pledge);
    return isRefused(transfer)
      ? transfer
      : { pledge: written.pledge, campaign: written.campaign, payment: next, transfer };
  }

  /** The first half of {@link create}: all that is ours, without the call to the processor. */
  async promise(viewer: SignedIn, input: CashPledgeCreate): Promise<Outcome<WrittenPledge>> {
    const rail = input.rail ?? 'card';
    const count = railAmount(input.amountMinor, input.currency, rail);
    if (isRefused(count)) return count;
    const key = idempotencyKey(input.idempotencyKey);
    if (isRefused(key)) return key;
    const name = displayName(input.displayName);
    if (isRefused(name)) return name;
    const billing = billingOf(input.invoice);
    if (isRefused(billing)) return billing;
    return this.writer.submit({
      campaignId: input.campaignId,
      contributorId: viewer.contributorId,
      pseudonym: viewer.pseudonym,
      amountMinor: input.amountMinor,
      currency: input.currency,
      rail,
      isAnonymous: input.anonymous ?? false,
      displayName: name,
      idempotencyKey: key,
      billing,
      month: null,
    });
  }

  /**
   * How the donor pays a pledge himself now: because his bank asks for him, or with another card. Refusals:
   * PLEDGE_NOT_FOUND, PLEDGE_FORBIDDEN, PLEDGE_STATE_INVALID, and those of payments.
   */
  payNow(viewer: SignedIn, pledgeId: string): Promise<Outcome<CreatedCashPledge>> {
    return this.pay.now(viewer, pledgeId);
  }

  /** Saves another card or account for a pledge that waits to be charged. */
  changeMethod(viewer: SignedIn, pledgeId: string): Promise<Outcome<CreatedCashPledge>> {
    return this.pay.change(viewer, pledgeId);
  }

  /**
   * Asks for everything that is left of a collected pledge back. The backer may until training begins, a treasurer of
   * the project always.
   */
  async refund(viewer: SignedIn, pledgeId: string, reason: string): Promise<Outcome<string>> {
    if (reason.length > 500) return refusePledge('PLEDGE_TEXT_INVALID', ['input', 'reason']);
    const outcome = await this.uow.run('pledges.cash-refund', async (tx) => {
      const pledge = await lockCashPledge(tx, pledgeId);
      if (!pledge) return notFound();
      const denied = await this.pay.mayRefund(tx, viewer, pledge);
      return denied ?? this.refundIn(tx, pledge, reason);
    });
    if (isRefused(outcome)) return outcome;
    await this.pay.submitRefunds(outcome);
    return pledgeId;
  }

  /** Requests the refunds inside a unit of work that holds the pledge. Answers their ids. */
  async refundIn(tx: Tx, pledge: CashPledgeRow, reason: string): Promise<Outcome<string[]>> {
    if (cashPledgeMachine.next(pledge.state, 'request_refund') === undefined)
      return wrongState(pledge, 'request_refund');
    const batch = this.batches.of(tx, [pledge]);
    const asked = (await this.refunds.ask(tx, batch, [pledge.id], reason)).get(pledge.id);
    if (asked === undefined) throw new Error(`no answer about the refund of pledge ${pledge.id}`);
    if (!isRefused(asked)) await batch.write();
    return asked;
  }

  /**
   * How a pledge of one's own is named on pages from now on. What the public record said when it was made stays said.
   * Refusals: PLEDGE_NOT_FOUND, PLEDGE_TEXT_INVALID.
   */
  async setName(
    viewer: SignedIn,
    pledgeId: string,
    shown: { readonly anonymous: boolean; readonly displayName?: string | null | undefined },
  ): Promise<Outcome<string>> {
    const name = displayName(shown.displayName);
    if (isRefused(name)) return name;
    const own = { id: pledgeId, contributorId: viewer.contributorId };
    return this.uow.run('pledges.cash-name', async (tx) =>
      (await setPledgeName(tx, own, { isAnonymous: shown.anonymous, displayName: name })) ? pledgeId : notFound(),
    );
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
    await this.pay.submitCancels(payments);
    return pledgeId;
  }

  /** Cancels inside a unit of work that holds the pledge. Answers the payments that the processor is to be told of. */
  async cancelIn(tx: Tx, pledge: CashPledgeRow): Promise<Outcome<string[]>> {
    // A list that was frozen is final, and what was paid in part is refunded, not cancelled.
    if (pledge.snapshotId !== null || pledge.collectedMinor > 0n) return wrongState(pledge, 'cancel');
    const batch = this.batches.of(tx, [pledge]);
    if (!batch.take(pledge.id, 'cancel', { nextAttemptAt: null })) return wrongState(pledge, 'cancel');
    tx.emit(pledgeEvent('pledge.cash.cancelled', pledge.campaignId, { pledgeId: pledge.id }));
    const payments = await this.money.letGo(tx, [pledge]);
    await batch.write();
    return payments;
  }
}
