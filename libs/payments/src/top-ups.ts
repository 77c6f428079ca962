import { Inject, Injectable } from '@nestjs/common';
import { UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { topUpPlan, type TopUp } from './domain/top-up.rule.js';
import { STRIPE } from './processor/stripe.token.js';
import { refundsDue } from './store/refund.store.js';

/** Looks before a mass refund whether the processor holds enough: a refund that it can't pay stands still, pending. */
@Injectable()
export class TopUps {
  constructor(
    private readonly uow: UnitOfWork,
    @Inject(STRIPE) private readonly stripe: Stripe,
  ) {}

  /** `more`: refunds that are about to be asked for, minor units by currency, beside those that are. Asks Stripe. */
  async plan(more: ReadonlyMap<string, bigint> = new Map()): Promise<TopUp[]> {
    const due = await this.uow.read((tx) => refundsDue(tx));
    for (const [currency, minor] of more) due.set(currency, (due.get(currency) ?? 0n) + minor);
    const balance = await this.stripe.balance.retrieve();
    const available = new Map<string, bigint>();
    for (const { currency, amount } of balance.available) {
      const code = currency.toUpperCase();
      available.set(code, (available.get(code) ?? 0n) + BigInt(amount));
    }
    return topUpPlan(due, available);
  }
}
