import { Inject, Injectable } from '@nestjs/common';
import { type InvariantResult, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { heldMinor, readTotals } from './payment.invariants.js';
import { type StripeSettings, createStripe } from './processor/stripe.client.js';
import { STRIPE } from './processor/stripe.token.js';

/** What a comparison found. */
export interface Comparison extends InvariantResult {
  /**
   * By currency, in its minor units: what Stripe holds beyond what the books can explain (less, when negative). 0 where
   * they agree.
   */
  readonly differences: ReadonlyMap<string, bigint>;
}

/** Compares our books with Stripe's own balance. Asks Stripe, so it is no part of the audit inside the database. */
@Injectable()
export class Reconciliation {
  constructor(
    private readonly uow: UnitOfWork,
    @Inject(STRIPE) private readonly stripe: Stripe,
  ) {}

  /** For a program that asks once, outside of an application. */
  static of(uow: UnitOfWork, settings: StripeSettings): Reconciliation {
    return new Reconciliation(uow, createStripe(settings));
  }

  /**
   * Invariant 2, second half. Refunds under way may have left Stripe's balance already, so they give the difference
   * its room; while events are still to come it may show one that is gone a moment later.
   */
  async compare(): Promise<Comparison> {
    const totals = await this.uow.read((tx) => readTotals(tx));
    const balance = await this.stripe.balance.retrieve();
    const atStripe = new Map<string, bigint>();
    for (const { currency, amount } of [...balance.available, ...balance.pending]) {
      const code = currency.toUpperCase();
      atStripe.set(code, (atStripe.get(code) ?? 0n) + BigInt(amount));
    }
    const violations: string[] = [];
    const figures: Record<string, string> = {};
    const differences = new Map<string, bigint>();
    for (const currency of new Set([...atStripe.keys(), ...totals.map((each) => each.currency)])) {
      const own = totals.find((each) => each.currency === currency);
      const booked = own === undefined ? 0n : heldMinor(own);
      const stripe = atStripe.get(currency) ?? 0n;
      const underWay = own?.refunds_under_way ?? 0n;
      figures[`booked ${currency}`] = booked.toString();
      figures[`Stripe ${currency}`] = stripe.toString();
      figures[`refunds under way ${currency}`] = underWay.toString();
      const least = booked - underWay;
      const difference = stripe > booked ? stripe - booked : stripe < least ? stripe - least : 0n;
      differences.set(currency, difference);
      if (difference !== 0n) {
        violations.push(
          `${currency}: Stripe holds ${stripe}, the books say ${booked}, ${underWay} of it being refunded`,
        );
      }
    }
    return { ok: violations.length === 0, violations, figures, differences };
  }
}
