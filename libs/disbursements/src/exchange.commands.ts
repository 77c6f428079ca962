import { Injectable } from '@nestjs/common';
import { CampaignFunds } from '#campaigns';
import { requireProjectRole } from '#identity';
import { type Outcome, isRefused, newId } from '#kernel';
import { Ledger, exchange, exchangeAccounts } from '#ledger';
import { ExchangeRates, convertMinor } from '#payments';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { DisbursementBooks, cashAccounts } from './disbursement.books.js';
import { refuseDisbursement } from './disbursement.refusal.js';
import { disbursementEvent, money } from './domain/disbursement-event.rule.js';
import { isPaying, isSafe } from './domain/paying.rule.js';
import { rateDecimal } from './domain/exchange.rule.js';
import { type PlanRow, countedNetMinor, findPlan, lockPlan, recordFirstNet } from './store/disbursement.store.js';
import { type ExchangeRow, campaignStanding, findExchange, insertExchange } from './store/exchange.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

export interface ExchangeRequest {
  readonly campaignId: string;
  /** The currency that is given; the one got is that in which the plan pays out. */
  readonly currency: string;
  /** Minor units of `currency`. */
  readonly amountMinor: bigint;
}

/** What an exchange is, or would be. */
export type ExchangeOffer = Omit<ExchangeRow, 'id' | 'exchangedAt'> & {
  /** What escrow of the currency given holds free beside the dispute reserve, minor units. */
  readonly availableMinor: bigint;
};

/**
 * Exchanges what a campaign holds in other currencies into the one that it pays out in, by a treasurer. Money that may still
 * have to go back in its own currency is out of reach: before success and safety window nothing is exchanged, and what the
 * dispute reserve of a currency holds stays.
 */
@Injectable()
export class ExchangeCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly campaigns: CampaignFunds,
    private readonly books: DisbursementBooks,
    private readonly rates: ExchangeRates,
    private readonly ledger: Ledger,
  ) {}

  /**
   * What an exchange would give now; nothing is changed. Refusals: those of {@link exchange}, but for DISBURSEMENT_BELOW_GOAL
   * and what the ledger says.
   */
  preview(viewer: SignedIn, request: ExchangeRequest): Promise<Outcome<ExchangeOffer>> {
    return this.uow.read((tx) => this.#offer(tx, viewer, request));
  }

  /**
   * Exchanges an amount, once for each key. Refusals: DISBURSEMENT_NOT_FOUND, PROJECT_ROLE_REQUIRED,
   * DISBURSEMENT_CAMPAIGN_STATE_INVALID, DISBURSEMENT_SAFETY_WINDOW_OPEN, DISBURSEMENT_CURRENCY_INVALID,
   * DISBURSEMENT_EXCHANGE_AMOUNT, DISBURSEMENT_EXCHANGE_CONFLICT, RATE_UNKNOWN, RATE_STALE, CAMPAIGN_BELOW_GOAL.
   */
  exchange(viewer: SignedIn, request: ExchangeRequest, key: string): Promise<Outcome<ExchangeOffer>> {
    return this.uow.run('disbursements.exchange', async (tx) => {
      const plan = await this.#held(tx, viewer, request.campaignId);
      if (isRefused(plan)) return plan;
      if (!/^[\w-]{8,100}$/.test(key))
        return refuseDisbursement('DISBURSEMENT_EXCHANGE_CONFLICT', ['input', 'idempotencyKey'], 'It is no key.');
      const known = await findExchange(tx, request.campaignId, key);
      if (known !== undefined) {
        const isSame = known.giveMinor === request.amountMinor && known.giveCurrency === request.currency;
        if (!isSame) return refuseDisbursement('DISBURSEMENT_EXCHANGE_CONFLICT', ['input', 'idempotencyKey']);
        const { escrowMinor } = await this.books.funds(tx, plan.campaignId, known.giveCurrency);
        return { ...known, availableMinor: escrowMinor };
      }
      // The reserve of every currency first: what it must hold is not there to be exchanged.
      if (plan.state === 'open') await this.books.sizeReserves(tx, plan);
      const offer = await this.#offer(tx, viewer, request);
      if (isRefused(offer)) return offer;
      const left = await this.campaigns.disbursed(tx, plan.campaignId);
      if (isRefused(left)) return left;
      await recordFirstNet(tx, plan.campaignId, await countedNetMinor(tx, plan.campaignId));
      return this.#post(tx, offer, { key, pseudonym: viewer.pseudonym });
    });
  }

  async #held(tx: Tx, viewer: SignedIn, campaignId: string): Promise<Outcome<PlanRow>> {
    // The campaign first, as everybody does who holds both.
    await this.campaigns.lock(tx, campaignId);
    const plan = await lockPlan(tx, campaignId);
    if (plan === undefined) return refuseDisbursement('DISBURSEMENT_NOT_FOUND', ['input', 'campaignId']);
    return (await requireProjectRole(tx, viewer, plan.projectId, ['treasurer'])) ?? plan;
  }

  async #offer(tx: Tx, viewer: SignedIn, request: ExchangeRequest): Promise<Outcome<ExchangeOffer>> {
    const { campaignId, currency, amountMinor } = request;
    const plan = await this.#paying(tx, viewer, campaignId);
    if (isRefused(plan)) return plan;
    const held = (await this.books.exposures(tx, plan)).has(currency);
    if (!held || currency === plan.currency)
      return refuseDisbursement('DISBURSEMENT_CURRENCY_INVALID', ['input', 'currency']);
    const availableMinor = await this.books.freeMinor(tx, plan, currency);
    if (amountMinor <= 0n || amountMinor > availableMinor)
      return refuseDisbursement(
        'DISBURSEMENT_EXCHANGE_AMOUNT',
        ['input', 'amountMinor'],
        `Free are ${availableMinor} minor units of ${currency}.`,
      );
    const rate = await this.rates.at(tx, currency, plan.currency, tx.now);
    if (isRefused(rate)) return rate;
    const getMinor = convertMinor(rate, amountMinor);
    if (getMinor === 0n)
      return refuseDisbursement(
        'DISBURSEMENT_EXCHANGE_AMOUNT',
        ['input', 'amountMinor'],
        `It is less than one minor unit of ${plan.currency}.`,
      );
    return {
      campaignId,
      giveMinor: amountMinor,
      giveCurrency: currency,
      getMinor,
      getCurrency: plan.currency,
      rateNumerator: rate.numerator,
      rateDenominator: rate.denominator,
      rate: rateDecimal(rate),
      rateAsOf: rate.asOf,
      rateSource: rate.source,
      availableMinor,
    };
  }

  async #paying(tx: Tx, viewer: SignedIn, campaignId: string): Promise<Outcome<PlanRow>> {
    const plan = await findPlan(tx, campaignId);
    const campaign = plan && (await campaignStanding(tx, campaignId));
    if (plan === undefined || campaign === undefined)
      return refuseDisbursement('DISBURSEMENT_NOT_FOUND', ['input', 'campaignId']);
    const denied = await requireProjectRole(tx, viewer, plan.projectId, ['treasurer']);
    if (denied) return denied;
    if (plan.state !== 'open' || !isPaying(campaign.state))
      return refuseDisbursement('DISBURSEMENT_CAMPAIGN_STATE_INVALID', [], `It is ${campaign.state}.`);
    if (!isSafe(campaign.safetyEndsAt, tx.now))
      return refuseDisbursement(
        'DISBURSEMENT_SAFETY_WINDOW_OPEN',
        [],
        `It ends ${campaign.safetyEndsAt?.toISOString()}.`,
      );
    return plan;
  }

  async #post(
    tx: Tx,
    offer: ExchangeOffer,
    by: { readonly key: string; readonly pseudonym: string },
  ): Promise<Outcome<ExchangeOffer>> {
    const { availableMinor, ...row } = offer;
    const { campaignId, giveCurrency, getCurrency } = row;
    const id = newId();
    await this.ledger.openAccounts(tx, [...exchangeAccounts(giveCurrency), ...exchangeAccounts(getCurrency)]);
    await this.campaigns.openCashAccounts(tx, campaignId, getCurrency);
    const posted = await this.ledger.post(
      tx,
      exchange({
        id,
        give: { account: cashAccounts(campaignId, giveCurrency).escrow, unit: giveCurrency, amount: row.giveMinor },
        get: { account: cashAccounts(campaignId, getCurrency).escrow, unit: getCurrency, amount: row.getMinor },
        rate: { text: row.rate, source: row.rateSource, asOf: row.rateAsOf },
        reason: 'exchanged into the currency of the payouts',
        refs: { campaign: campaignId },
      }),
    );
    if (isRefused(posted)) return posted;
    await insertExchange(tx, { id, ...row }, by);
    tx.emit(
      disbursementEvent('exchanged', campaignId, {
        exchangeId: id,
        gave: money(row.giveMinor, giveCurrency),
        got: money(row.getMinor, getCurrency),
        rate: row.rate,
        rateExact: `${row.rateNumerator}/${row.rateDenominator}`,
        rateAsOf: row.rateAsOf,
        rateSource: row.rateSource,
      }),
    );
    return { ...row, availableMinor: availableMinor - row.giveMinor };
  }
}
