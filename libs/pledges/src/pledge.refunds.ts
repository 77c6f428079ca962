import { Injectable } from '@nestjs/common';
import { type Outcome, type Refused, isRefused } from '#kernel';
import { Payments } from '#payments';
import type { Tx } from '#platform';
import type { PledgeBatch } from './pledge.batch.js';
import { refusePledge } from './pledge.refusal.js';
import { type RefundRow, chargesOf, recordRefunds } from './store/pledge-money.store.js';

/** Asks for the money of pledges back, whole pledges at a time. */
@Injectable()
export class PledgeRefunds {
  constructor(private readonly payments: Payments) {}

  /**
   * Requests the return of all that is left of each pledge, and takes the pledges' own step in the batch; the caller
   * writes it. Answers, by pledge, the refunds that payments are to be told of, or why there is none.
   */
  async ask(
    tx: Tx,
    batch: PledgeBatch,
    pledgeIds: readonly string[],
    reason: string,
  ): Promise<Map<string, Outcome<string[]>>> {
    const charges = await chargesOf(tx, pledgeIds);
    const open = charges.filter((charge) => charge.amountMinor > charge.returnedMinor);
    const outcomes = await this.payments.requestRefunds(
      tx,
      open.map((charge) => ({
        paymentId: charge.paymentId,
        amountMinor: charge.amountMinor - charge.returnedMinor,
        reason,
      })),
    );
    const asked: RefundRow[] = [];
    const refused = new Map<string, Refused>();
    open.forEach((charge, index) => {
      const outcome = outcomes[index];
      if (outcome === undefined) throw new Error(`payments gave no answer about ${charge.paymentId}`);
      if (isRefused(outcome)) refused.set(charge.pledgeId, outcome);
      else
        asked.push({
          refundId: outcome.refundId,
          pledgeId: charge.pledgeId,
          paymentId: charge.paymentId,
          amountMinor: charge.amountMinor - charge.returnedMinor,
          state: 'requested',
          reason,
        });
    });
    await recordRefunds(tx, asked);
    return new Map(
      pledgeIds.map((id): [string, Outcome<string[]>] => {
        const ids = asked.filter((refund) => refund.pledgeId === id).map((refund) => refund.refundId);
        if (ids.length === 0) return [id, refused.get(id) ?? nothingThere()];
        batch.take(id, 'request_refund');
        return [id, ids];
      }),
    );
  }
}

const nothingThere = (): Refused =>
  refusePledge('PLEDGE_STATE_INVALID', ['input', 'pledgeId'], 'Its money is still on its way; try again later.');
