import { Inject, Injectable } from '@nestjs/common';
import { isRefused, newId, refuse, type Outcome, type Refused } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';
import Stripe from 'stripe';
import { Bookkeeper } from './bookkeeper.js';
import { CashReturns } from './cash-returns.js';
import { Customers } from './customers.js';
import { cashAppliedPosting, cashReceivedPosting, cashReturnPosting } from './domain/postings.rule.js';
import { railParts } from './domain/rail.rule.js';
import { RAIL_TERMS } from './domain/rail.table.js';
import { type CashApplication, type CashReceipt, PaymentListeners } from './payment-listener.port.js';
import { fundingRequest, readFunding, type FundingInstructions } from './processor/funding.request.js';
import { STRIPE } from './processor/stripe.token.js';
import {
  insertApplication,
  insertCashReturn,
  insertReceipts,
  lockDonor,
  nextInstalment,
  unappliedOf,
  type NewReceipt,
} from './store/cash.store.js';
import { findCustomerAtStripe } from './store/customer.store.js';
import { insertPayments, type NewPayment } from './store/payment.store.js';

/**
 * Money that a donor's bank pushes. Stripe holds it on his customer balance; here it is his (`unapplied_cash`) until the
 * asking rooms apply it. Application is what counts: the intents that move the cash at Stripe, of at most the ceiling
 * each, follow as payments of rail `bank_transfer`.
 */
@Injectable()
export class BankTransfers {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly bookkeeper: Bookkeeper,
    private readonly customers: Customers,
    private readonly listeners: PaymentListeners,
    private readonly cashReturns: CashReturns,
    @Inject(STRIPE) private readonly stripe: Stripe,
  ) {}

  /**
   * Where a donor sends his money: an account of his own, so that what arrives is known to be his, whatever he writes.
   * Refusals: PAYMENT_CURRENCY_UNSUPPORTED.
   */
  async instructions(pseudonym: string, currency: string): Promise<Outcome<FundingInstructions>> {
    if (RAIL_TERMS.bank_transfer.currencies[currency] === undefined) return unsupported(currency);
    const customerId = await this.customers.idOf(pseudonym);
    const answer = await this.stripe.customers.createFundingInstructions(customerId, fundingRequest(currency));
    return readFunding(answer);
  }

  /** What stands unapplied for a donor, by currency; currencies with nothing are left out. */
  async unapplied(tx: Tx, pseudonym: string): Promise<{ currency: string; amountMinor: bigint }[]> {
    const left = await unappliedOf(tx, pseudonym);
    return [...left].flatMap(([currency, amountMinor]) => (amountMinor > 0n ? [{ currency, amountMinor }] : []));
  }

  /** Books what has arrived for a customer since it was looked last, and lets the rooms apply it. @returns false: no donor. */
  async synchronize(stripeCustomerId: string): Promise<boolean> {
    const customer = await this.uow.read((tx) => findCustomerAtStripe(tx, stripeCustomerId));
    if (customer === undefined) return false;
    const received: NewReceipt[] = [];
    for await (const entry of this.stripe.customers.listCashBalanceTransactions(stripeCustomerId, { limit: 100 })) {
      if (entry.type === 'funding_reversed') throw new Error(`funding ${entry.id} was called back by its bank`);
      if (entry.type !== 'funded' && entry.type !== 'refunded_from_payment') continue;
      received.push({
        id: newId(),
        contributorPseudonym: customer.contributor_pseudonym,
        stripeCustomerId,
        stripeTransactionId: entry.id,
        currency: entry.currency.toUpperCase(),
        amountMinor: BigInt(entry.net_amount),
        receivedAt: new Date(entry.created * 1000),
        isReturned: entry.type === 'refunded_from_payment',
      });
    }
    await this.uow.run('cash-received', (tx) =>
      this.receive(tx, customer.contributor_pseudonym, received.toReversed()),
    );
    return true;
  }

  /** In one transaction: receipts, what they are applied to, and the payments that move it at Stripe. */
  async receive(tx: Tx, pseudonym: string, received: readonly NewReceipt[]): Promise<number> {
    if (!(await lockDonor(tx, pseudonym))) throw new Error(`${pseudonym} is no customer`);
    const fresh = await insertReceipts(tx, received);
    if (fresh.length === 0) return 0;
    await this.bookkeeper.post(
      tx,
      fresh.map((receipt) => cashReceivedPosting({ ...receipt, receiptId: receipt.id, pseudonym })),
    );
    for (const { id, currency, amountMinor } of fresh.filter((each) => each.isReturned)) {
      // A refund of applied cash lands on the balance again. It was asked back, so it goes on to the donor's bank.
      const sent = await this.refundUnapplied(tx, { pseudonym, currency, amountMinor, reason: `refund ${id}` });
      if (isRefused(sent)) throw new Error(`returned cash of ${pseudonym} is not there: ${sent.first.code}`);
    }
    const funded = fresh.filter((each) => !each.isReturned);
    if (funded.length === 0) return fresh.length;
    for (const listener of this.listeners.all()) {
      if (listener.onCash === undefined) continue;
      const left = await unappliedOf(tx, pseudonym);
      const receipts = [...new Set(funded.map((each) => each.currency))].map((currency) =>
        receiptOf(pseudonym, currency, funded, left.get(currency) ?? 0n),
      );
      const applied = await this.#apply(tx, pseudonym, await listener.onCash(tx, receipts));
      if (applied !== undefined) throw new Error(`cash of ${pseudonym} was applied wrongly: ${applied.first.code}`);
    }
    return fresh.length;
  }

  /**
   * Applies what stands unapplied, as its donor chooses. Applying twice under one key is applying once.
   * Refusals: CASH_INSUFFICIENT, CASH_AMOUNT_INVALID.
   */
  async apply(tx: Tx, applications: readonly CashApplication[]): Promise<Outcome<{ applied: number }>> {
    for (const pseudonym of new Set(applications.map((each) => each.contributorPseudonym).toSorted())) {
      await lockDonor(tx, pseudonym);
      const own = applications.filter((each) => each.contributorPseudonym === pseudonym);
      const refused = await this.#apply(tx, pseudonym, own);
      if (refused !== undefined) return refused;
    }
    return { applied: applications.length };
  }

  /**
   * Sends unapplied cash back to the bank that it came from. Refusals: CASH_INSUFFICIENT, CASH_AMOUNT_INVALID.
   * @returns the id of the return; the sweep tells Stripe.
   */
  async refundUnapplied(
    tx: Tx,
    input: { pseudonym: string; currency: string; amountMinor: bigint; reason: string },
  ): Promise<Outcome<{ cashReturnId: string }>> {
    const { pseudonym, currency, amountMinor } = input;
    await lockDonor(tx, pseudonym);
    const left = (await unappliedOf(tx, pseudonym)).get(currency) ?? 0n;
    if (amountMinor <= 0n) return invalidAmount('A return is a positive amount.');
    if (amountMinor > left) return insufficient(left, currency);
    const id = newId();
    await insertCashReturn(tx, { ...input, id });
    await this.bookkeeper.post(tx, [cashReturnPosting('requested', { id, pseudonym, currency, amountMinor })]);
    return { cashReturnId: id };
  }

  /** A return is heard of. @returns false when it is none of ours. */
  returned(stripeRefundId: string, cashReturnId: string): Promise<boolean> {
    return this.cashReturns.synchronize(stripeRefundId, cashReturnId);
  }

  async #apply(tx: Tx, pseudonym: string, applications: readonly CashApplication[]): Promise<Refused | undefined> {
    const left = await unappliedOf(tx, pseudonym);
    for (const application of applications) {
      const { currency, amountMinor } = application;
      const free = left.get(currency) ?? 0n;
      if (application.contributorPseudonym !== pseudonym) throw new Error("one donor's cash is not another's");
      if (amountMinor < minimumOf(currency)) {
        return invalidAmount(`At least ${minimumOf(currency)} minor units can be moved at the processor.`);
      }
      const id = newId();
      if (!(await insertApplication(tx, id, application))) continue;
      if (amountMinor > free) return insufficient(free, currency);
      left.set(currency, free - amountMinor);
      await this.bookkeeper.post(tx, [cashAppliedPosting({ ...application, id, pseudonym })]);
      await this.#prepareIntents(tx, application);
    }
    return undefined;
  }

  async #prepareIntents(tx: Tx, application: CashApplication): Promise<void> {
    const first = await nextInstalment(tx, application.reference);
    const parts = railParts('bank_transfer', application.currency, application.amountMinor);
    const rows = parts.map((amountMinor, index): NewPayment => ({
      ...application,
      id: newId(),
      instalment: first + index,
      rail: 'bank_transfer',
      amountMinor,
      description: 'Bank transfer',
    }));
    await insertPayments(tx, rows, tx.now, tx.now);
  }
}

function receiptOf(
  pseudonym: string,
  currency: string,
  fresh: readonly NewReceipt[],
  unappliedMinor: bigint,
): CashReceipt {
  const own = fresh.filter((each) => each.currency === currency);
  const latest = own.at(-1);
  if (latest === undefined) throw new Error('nothing has arrived');
  return {
    receiptId: latest.id,
    contributorPseudonym: pseudonym,
    currency,
    amountMinor: own.reduce((sum, each) => sum + each.amountMinor, 0n),
    unappliedMinor,
    minimumMinor: minimumOf(currency),
    receivedAt: latest.receivedAt,
  };
}

const minimumOf = (currency: string): bigint => RAIL_TERMS.bank_transfer.currencies[currency]?.minimumMinor ?? 1n;

function unsupported(currency: string): Refused {
  return refuse({
    code: 'PAYMENT_CURRENCY_UNSUPPORTED',
    message: "Bank transfers can't be taken in this currency.",
    detail: `asked for ${currency}`,
    hint: `Use one of: ${Object.keys(RAIL_TERMS.bank_transfer.currencies).join(', ')}.`,
    path: ['currency'],
  });
}

function insufficient(left: bigint, currency: string): Refused {
  return refuse({
    code: 'CASH_INSUFFICIENT',
    message: 'Less than that stands unapplied.',
    detail: `${left} minor units of ${currency} are left`,
    hint: `Use at most ${left} minor units.`,
    path: ['amountMinor'],
  });
}

function invalidAmount(detail: string): Refused {
  return refuse({
    code: 'CASH_AMOUNT_INVALID',
    message: 'This amount of cash can not be moved.',
    detail,
    hint: 'Use a larger amount, or wait for more to arrive.',
    path: ['amountMinor'],
  });
}
