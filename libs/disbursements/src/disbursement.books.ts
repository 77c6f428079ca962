import { Injectable } from '@nestjs/common';
import { campaignChart } from '#campaigns';
import { isRefused } from '#kernel';
import { Ledger } from '#ledger';
import { Exposure } from '#payments';
import type { Tx } from '#platform';
import { disbursementEvent, money } from './domain/disbursement-event.rule.js';
import { type RailExposure, sizeReserve } from './domain/dispute-reserve.rule.js';
import type { Funds } from './domain/tranche-amount.rule.js';
import { type PlanRow, scheduleSizing } from './store/disbursement.store.js';
import { insertSizing, lastSizing } from './store/reserve.store.js';

/** A day: windows close at any hour, and no reserve is held much longer than it must be. */
const SIZE_AGAIN_MS = 86_400_000;

/** Accounts of a campaign's money in one currency. */
export const cashAccounts = (campaignId: string, currency: string) => campaignChart.of(campaignId, '', currency);

/** What a campaign has borne of the processor's fees: beside the expense in `processor:fees`. */
const feesBorne = (campaignId: string, currency: string): string => `campaign:${campaignId}:fees_borne:${currency}`;

/** What the ledger holds of a campaign, and its dispute reserve. */
@Injectable()
export class DisbursementBooks {
  constructor(
    private readonly ledger: Ledger,
    private readonly exposure: Exposure,
  ) {}

  /** Where a campaign's money of one currency stands, minor units. */
  async funds(tx: Tx, campaignId: string, currency: string): Promise<Funds> {
    const accounts = cashAccounts(campaignId, currency);
    const codes = [accounts.escrow, accounts.disputeReserve, accounts.payoutsPayable, accounts.released];
    const balances = await this.ledger.balances(tx, codes);
    const posted = (code: string): bigint => {
      const balance = balances.get(code);
      return balance === undefined ? 0n : balance.creditsPosted - balance.debitsPosted;
    };
    const pending = (code: string, side: 'debitsPending' | 'creditsPending'): bigint =>
      balances.get(code)?.[side] ?? 0n;
    return {
      escrowMinor: posted(accounts.escrow) - pending(accounts.escrow, 'debitsPending'),
      reserveMinor: posted(accounts.disputeReserve),
      spentMinor:
        posted(accounts.payoutsPayable) +
        pending(accounts.payoutsPayable, 'creditsPending') +
        posted(accounts.released),
    };
  }

  /** Set aside or on its way, and not arrived: minor units. */
  async onItsWayMinor(tx: Tx, campaignId: string, currency: string): Promise<bigint> {
    const { payoutsPayable } = cashAccounts(campaignId, currency);
    const balance = (await this.ledger.balances(tx, [payoutsPayable])).get(payoutsPayable);
    return balance === undefined ? 0n : balance.creditsPosted - balance.debitsPosted + balance.creditsPending;
  }

  /** What may still be taken back, by rail and currency, as of now. */
  async exposures(tx: Tx, plan: PlanRow): Promise<Map<string, RailExposure[]>> {
    const byCurrency = new Map<string, RailExposure[]>([[plan.currency, []]]);
    for (const { currency, ...rail } of await this.exposure.open(tx, plan.campaignId, plan.reserveDays)) {
      byCurrency.set(currency, [...(byCurrency.get(currency) ?? []), rail]);
    }
    return byCurrency;
  }

  /**
   * Brings the dispute reserve of every currency to the size that the rule asks for, from or back to escrow.
   * @returns whether nothing can be disputed any more.
   */
  async sizeReserves(tx: Tx, plan: PlanRow): Promise<boolean> {
    let isQuiet = true;
    for (const [currency, fees] of await this.exposure.fees(tx, plan.campaignId)) {
      await this.#bearFees(tx, plan.campaignId, currency, fees);
    }
    for (const [currency, rails] of await this.exposures(tx, plan)) {
      isQuiet &&= rails.every((rail) => rail.openMinor === 0n && rail.disputedMinor === 0n);
      await this.#sizeReserve(tx, plan, currency, rails);
    }
    await scheduleSizing(tx, plan.campaignId, new Date(tx.now.getTime() + SIZE_AGAIN_MS));
    return isQuiet;
  }

  /** Gives every reserve back to escrow: the campaign has ended, and its backers get what is there. */
  async releaseReserves(tx: Tx, plan: PlanRow): Promise<void> {
    for (const currency of (await this.exposures(tx, plan)).keys()) {
      await this.#sizeReserve(tx, plan, currency, []);
      await this.#bearFees(tx, plan.campaignId, currency, 0n);
    }
  }

  /** What the processor took is borne by the campaign before its money is shared out; minor units. */
  async feesBorneMinor(tx: Tx, campaignId: string, currency: string): Promise<bigint> {
    const code = feesBorne(campaignId, currency);
    const balance = (await this.ledger.balances(tx, [code])).get(code);
    return balance === undefined ? 0n : balance.creditsPosted - balance.debitsPosted;
  }

  /** What escrow of a currency holds free once reserve and fees are as they must be; minor units. Reads only. */
  async freeMinor(tx: Tx, plan: PlanRow, currency: string): Promise<bigint> {
    const { campaignId } = plan;
    const funds = await this.funds(tx, campaignId, currency);
    const fees = (await this.exposure.fees(tx, campaignId)).get(currency) ?? 0n;
    const due = fees - (await this.feesBorneMinor(tx, campaignId, currency));
    const escrowMinor = funds.escrowMinor - (due > funds.escrowMinor ? funds.escrowMinor : due);
    const rails = (await this.exposures(tx, plan)).get(currency) ?? [];
    return escrowMinor - sizeReserve(rails, { ...funds, escrowMinor }).moveMinor;
  }

  /** Brings what the campaign bears to `fees`: at most what escrow holds; back where the campaign ended after all. */
  async #bearFees(tx: Tx, campaignId: string, currency: string, fees: bigint): Promise<void> {
    const { escrowMinor } = await this.funds(tx, campaignId, currency);
    const borne = await this.feesBorneMinor(tx, campaignId, currency);
    const due = fees - borne > escrowMinor ? escrowMinor : fees - borne;
    if (due === 0n) return;
    const code = feesBorne(campaignId, currency);
    const { escrow } = cashAccounts(campaignId, currency);
    await this.ledger.openAccounts(tx, [{ code, unit: currency, limit: 'debits_must_not_exceed_credits' }]);
    const [debit, credit] = due > 0n ? [escrow, code] : [code, escrow];
    const amount = due < 0n ? -due : due;
    const reason = due > 0n ? 'processing fees borne by the campaign' : 'processing fees not borne after all';
    const key = `fees-borne:${campaignId}:${currency}:${borne}:${borne + due}`;
    const refs = { campaign: campaignId };
    const posted = await this.ledger.post(tx, [{ key, kind: 'posted', debit, credit, amount, reason, refs }]);
    if (isRefused(posted)) throw new Error(`fees of ${campaignId}: ${posted.first.code}`);
    tx.emit(
      disbursementEvent('fees_borne', campaignId, { moved: money(due, currency), total: money(borne + due, currency) }),
    );
  }

  async #sizeReserve(tx: Tx, plan: PlanRow, currency: string, rails: readonly RailExposure[]): Promise<void> {
    const funds = await this.funds(tx, plan.campaignId, currency);
    const sizing = sizeReserve(rails, funds);
    const last = await lastSizing(tx, plan.campaignId, currency);
    if (last === undefined && sizing.targetMinor === 0n && rails.length === 0) return;
    if (last !== undefined && sizing.moveMinor === 0n && last.targetMinor === sizing.targetMinor) return;
    const number = (last?.number ?? 0) + 1;
    await this.#move(tx, plan.campaignId, currency, number, sizing.moveMinor);
    await insertSizing(tx, { campaignId: plan.campaignId, currency, number, windowDays: plan.reserveDays, sizing });
    tx.emit(
      disbursementEvent('reserve_sized', plan.campaignId, {
        number,
        target: money(sizing.targetMinor, currency),
        moved: money(sizing.moveMinor, currency),
        rails: sizing.needs.map((need) => ({
          rail: need.rail,
          openMinor: String(need.openMinor),
          disputedMinor: String(need.disputedMinor),
          rateBp: need.rateBp,
          needMinor: String(need.needMinor),
          windowEndsAt: need.windowEndsAt?.toISOString() ?? null,
        })),
      }),
    );
  }

  async #move(tx: Tx, campaignId: string, currency: string, number: number, moveMinor: bigint): Promise<void> {
    if (moveMinor === 0n) return;
    const { escrow, disputeReserve } = cashAccounts(campaignId, currency);
    const [debit, credit] = moveMinor > 0n ? [escrow, disputeReserve] : [disputeReserve, escrow];
    const posted = await this.ledger.post(tx, [
      {
        key: `dispute-reserve:${campaignId}:${currency}:${number}`,
        kind: 'posted',
        debit,
        credit,
        amount: moveMinor < 0n ? -moveMinor : moveMinor,
        reason: moveMinor > 0n ? 'held back for disputes' : 'no longer held back for disputes',
        refs: { campaign: campaignId },
      },
    ]);
    // The sizing looked at the same balances in this transaction; a refusal means that somebody was faster.
    if (isRefused(posted)) throw new Error(`reserve of ${campaignId}: ${posted.first.code}`);
  }
}
