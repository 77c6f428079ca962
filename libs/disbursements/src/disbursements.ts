import { Injectable } from '@nestjs/common';
import { CampaignFunds, type CampaignRow } from '#campaigns';
import { type Outcome, isRefused, newId } from '#kernel';
import { Payouts } from '#payments';
import { type Tx, UnitOfWork } from '#platform';
import { BackersVotes } from './backers-votes.js';
import { DisbursementBooks, cashAccounts } from './disbursement.books.js';
import { refuseDisbursement } from './disbursement.refusal.js';
import { disbursementEvent, money } from './domain/disbursement-event.rule.js';
import { isPaying, isSafe } from './domain/paying.rule.js';
import { planTranches, promisedGoalMinor } from './domain/disbursement-plan.rule.js';
import { netMinor, trancheAmount } from './domain/tranche-amount.rule.js';
import { isOver } from './domain/tranche.machine.js';
import {
  type PlanRow,
  type TrancheRow,
  countedNetMinor,
  endPlan,
  findPlan,
  insertPlan,
  insertTranches,
  lockPlan,
  recordFirstNet,
  tranchesOf,
} from './store/disbursement.store.js';
import { evidenceOf } from './store/evidence.store.js';
import { TrancheSteps } from './tranche.steps.js';

/** Why a tranche waits that a suspension caught. */
const SUSPENDED = 'The campaign is suspended.';
/** Campaigns whose backers get back what is there. */
const ENDED_STATES: readonly CampaignRow['state'][] = ['failed', 'cancelled', 'refunding', 'refunded'];

/** The life of a plan: made at success, carried on by the clock, closed when nothing is left, given up with its campaign. */
@Injectable()
export class Disbursements {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly campaigns: CampaignFunds,
    private readonly books: DisbursementBooks,
    private readonly payouts: Payouts,
    private readonly steps: TrancheSteps,
    private readonly votes: BackersVotes,
  ) {}

  /** Makes the plan of a campaign that succeeded, from the newest terms that backers agreed to. Once. */
  async plan(tx: Tx, campaignId: string): Promise<void> {
    const campaign = await this.campaigns.lock(tx, campaignId);
    if (campaign === undefined || !isPaying(campaign.state)) return;
    const terms = await this.campaigns.terms(tx, campaignId);
    if (terms === undefined) throw new Error(`campaign ${campaignId} succeeded without terms`);
    const { windows, tranches, approvalsRequired, approvers } = terms;
    const added = await insertPlan(tx, {
      campaignId,
      projectId: campaign.projectId,
      currency: campaign.currency,
      termsVersion: terms.version,
      approvalsRequired,
      approvers,
      reserveDays: windows.reserveDays,
      goalMinor: promisedGoalMinor(terms),
    });
    if (!added) return;
    const planned = planTranches({
      fundingModel: terms.fundingModel,
      cashMinimumMinor: terms.cashMinimumMinor,
      tranches,
    });
    await insertTranches(
      tx,
      campaignId,
      planned.map(({ evidence, ...tranche }) => {
        const { kind, ...rest } = evidence;
        return { ...tranche, id: newId(), evidenceKind: kind, evidenceTerms: { kind, ...rest } };
      }),
    );
    tx.emit(
      disbursementEvent('planned', campaignId, {
        termsVersion: terms.version,
        approvalsRequired,
        safetyWindowEndsAt: campaign.safetyEndsAt?.toISOString() ?? null,
        tranches: planned.map(({ number, title, shareBp, evidence }) => ({
          number,
          title,
          shareBp,
          evidence: evidence.kind,
        })),
      }),
    );
  }

  /** Everything about a plan that is due, each step in a unit of work of its own. Doing it twice is doing it once. */
  async advance(campaignId: string): Promise<void> {
    await this.uow.run('disbursements.prepare', (tx) => this.#prepare(tx, campaignId));
    const tranches = await this.uow.read((tx) => tranchesOf(tx, campaignId));
    for (const tranche of tranches.filter(({ state }) => state === 'approved'))
      await this.release(tranche.id, campaignId);
    await this.uow.run('disbursements.finish', (tx) => this.#finish(tx, campaignId));
  }

  /**
   * Sets an approved tranche's money aside and hands it to the processor. Refusals: DISBURSEMENT_NOT_FOUND,
   * DISBURSEMENT_STATE_INVALID, DISBURSEMENT_CAMPAIGN_STATE_INVALID, DISBURSEMENT_SAFETY_WINDOW_OPEN,
   * DISBURSEMENT_BELOW_GOAL, DISBURSEMENT_NO_MONEY, DISBURSEMENT_WINDOW_OPEN, those of campaigns, payouts and the ledger.
   */
  async release(trancheId: string, campaignId: string): Promise<Outcome<string>> {
    const payoutId = await this.uow.run('disbursements.reserve', (tx) => this.#reserve(tx, trancheId, campaignId));
    if (!isRefused(payoutId)) await this.payouts.submit(payoutId);
    return payoutId;
  }

  /** Gives a plan up: nothing more leaves, and every reserve goes back to the backers' escrow. */
  async giveUp(tx: Tx, campaignId: string, reason: string): Promise<void> {
    const plan = await lockPlan(tx, campaignId);
    if (plan?.state !== 'open') return;
    for (const tranche of await tranchesOf(tx, campaignId)) await this.#giveUpTranche(tx, tranche, reason);
    await this.books.releaseReserves(tx, plan);
    await endPlan(tx, campaignId, 'canceled');
    tx.emit(disbursementEvent('canceled', campaignId, { reason }));
  }

  /** The campaign is suspended: what was set aside and the processor was not told of goes back, and waits. */
  async suspend(tx: Tx, campaignId: string): Promise<void> {
    await lockPlan(tx, campaignId);
    for (const tranche of await tranchesOf(tx, campaignId)) {
      if (tranche.state !== 'reserved' || tranche.payoutId === null) continue;
      const back = await this.payouts.cancel(tx, tranche.payoutId);
      // Too late: it is on its way, and what becomes of it is booked when it is known.
      if (isRefused(back)) continue;
      const told = { type: 'held', payload: { reason: SUSPENDED } };
      const held = await this.steps.take(tx, tranche, 'hold', told, { heldReason: SUSPENDED });
      if (isRefused(held)) throw new Error(`tranche ${tranche.id}: ${held.first.code}`);
    }
  }

  /** The campaign goes on, and so does what its suspension held; what an operator held stays with him. */
  async resume(tx: Tx, campaignId: string): Promise<void> {
    await lockPlan(tx, campaignId);
    for (const tranche of await tranchesOf(tx, campaignId)) {
      if (tranche.state !== 'held' || tranche.heldReason !== SUSPENDED) continue;
      const told = { type: 'hold_lifted', payload: { reason: 'The campaign goes on.' } };
      const lifted = await this.steps.take(tx, tranche, 'lift_hold', told, { heldReason: null });
      if (isRefused(lifted)) throw new Error(`tranche ${tranche.id}: ${lifted.first.code}`);
    }
  }

  /** The run of a campaign has ended well: where the plan was closed meanwhile, nothing keeps the campaign open. */
  async trained(tx: Tx, campaignId: string): Promise<void> {
    const campaign = await this.campaigns.lock(tx, campaignId);
    const plan = await findPlan(tx, campaignId);
    if (plan?.state !== 'closed' || campaign?.state !== 'completed') return;
    const closed = await this.campaigns.close(tx, campaignId);
    if (isRefused(closed)) throw new Error(`campaign ${campaignId}: ${closed.first.code}`);
  }

  async #giveUpTranche(tx: Tx, tranche: TrancheRow, reason: string): Promise<void> {
    if (isOver(tranche.state) || tranche.state === 'in_transit') return;
    if (tranche.state === 'reserved' && tranche.payoutId !== null) {
      const taken = await this.payouts.cancel(tx, tranche.payoutId);
      // The processor has been told: what becomes of it is booked when it is known.
      if (isRefused(taken)) return;
    }
    const done = await this.steps.take(tx, tranche, 'cancel', { type: 'tranche_canceled', payload: { reason } });
    if (isRefused(done)) throw new Error(`tranche ${tranche.id}: ${done.first.code}`);
  }

  async #prepare(tx: Tx, campaignId: string): Promise<Outcome<void>> {
    const campaign = await this.campaigns.lock(tx, campaignId);
    const plan = await lockPlan(tx, campaignId);
    if (campaign === undefined || plan?.state !== 'open') return;
    if (ENDED_STATES.includes(campaign.state)) return this.giveUp(tx, campaignId, `the campaign is ${campaign.state}`);
    const tranches = await tranchesOf(tx, campaignId);
    const voted = await this.#decideVotes(tx, plan, tranches);
    if (isRefused(voted)) return voted;
    if (!isPaying(campaign.state) || !isSafe(campaign.safetyEndsAt, tx.now)) return;
    if (plan.sizeAt !== null && plan.sizeAt > tx.now) return;
    const isQuiet = await this.books.sizeReserves(tx, plan);
    return this.#stateDue(tx, plan, tranches, isQuiet);
  }

  async #decideVotes(tx: Tx, plan: PlanRow, tranches: readonly TrancheRow[]): Promise<Outcome<void>> {
    const judged = tranches.filter(
      ({ state, evidenceKind }) => state === 'evidence_submitted' && evidenceKind === 'vote',
    );
    for (const evidence of await evidenceOf(
      tx,
      judged.map(({ id }) => id),
    )) {
      const tranche = judged.find(({ evidenceId }) => evidenceId === evidence.id);
      const done = tranche && (await this.votes.decide(tx, plan, tranche, evidence));
      if (isRefused(done)) return done;
    }
  }

  /** What needs no evidence is due when its time has come: the safety window, or for the remainder the last dispute window. */
  async #stateDue(tx: Tx, plan: PlanRow, tranches: readonly TrancheRow[], isQuiet: boolean): Promise<Outcome<void>> {
    for (const tranche of tranches) {
      if (tranche.evidenceKind !== 'none' || tranche.state !== 'planned') continue;
      const others = tranches.filter(({ id }) => id !== tranche.id);
      if (tranche.isRemainder && !(isQuiet && others.every(({ state }) => isOver(state)))) continue;
      if (tranche.isRemainder && (await this.#amount(tx, plan, tranche, tranches)).amountMinor === 0n) continue;
      const done = await this.steps.stateDue(
        tx,
        plan,
        tranche,
        tranche.isRemainder ? 'No payment can be disputed any more.' : 'The safety window is over.',
      );
      if (isRefused(done)) return done;
    }
  }

  async #reserve(tx: Tx, trancheId: string, campaignId: string): Promise<Outcome<string>> {
    const campaign = await this.campaigns.lock(tx, campaignId);
    const plan = await lockPlan(tx, campaignId);
    if (campaign === undefined || plan?.state !== 'open') return refuseDisbursement('DISBURSEMENT_NOT_FOUND');
    if (!isPaying(campaign.state))
      return refuseDisbursement('DISBURSEMENT_CAMPAIGN_STATE_INVALID', [], `It is ${campaign.state}.`);
    if (!isSafe(campaign.safetyEndsAt, tx.now))
      return refuseDisbursement(
        'DISBURSEMENT_SAFETY_WINDOW_OPEN',
        [],
        `It ends ${campaign.safetyEndsAt?.toISOString()}.`,
      );
    const isQuiet = await this.books.sizeReserves(tx, plan);
    const tranches = await tranchesOf(tx, campaignId);
    const tranche = tranches.find(({ id }) => id === trancheId);
    if (tranche?.state !== 'approved')
      return refuseDisbursement('DISBURSEMENT_STATE_INVALID', [], `It is ${tranche?.state}.`);
    if (tranche.isRemainder && !isQuiet) return refuseDisbursement('DISBURSEMENT_WINDOW_OPEN');
    const { amountMinor, restMinor, net } = await this.#amount(tx, plan, tranche, tranches);
    const counted = await countedNetMinor(tx, campaignId);
    if (plan.firstNetMinor === null && counted < plan.goalMinor)
      return refuseDisbursement('DISBURSEMENT_BELOW_GOAL', [], `${counted} of ${plan.goalMinor} minor units.`);
    if (restMinor === 0n) return refuseDisbursement('DISBURSEMENT_NO_MONEY');
    const payoutId = await this.#payout(tx, plan, tranche, amountMinor);
    if (isRefused(payoutId)) return payoutId;
    const left = await this.campaigns.disbursed(tx, campaignId);
    if (isRefused(left)) return left;
    await recordFirstNet(tx, campaignId, counted);
    const told = { type: 'reserved', payload: { amount: money(amountMinor, plan.currency), payoutId } };
    const change = { amountMinor, netMinor: net, payoutId, isReserved: true };
    const taken = await this.steps.take(tx, tranche, 'reserve', told, change);
    return isRefused(taken) ? taken : payoutId;
  }

  /** The same amount again is a new attempt of the same payout; another amount is another payout. */
  async #payout(tx: Tx, plan: PlanRow, tranche: TrancheRow, amountMinor: bigint): Promise<Outcome<string>> {
    if (tranche.payoutId !== null && tranche.amountMinor === amountMinor)
      return this.payouts.retry(tx, tranche.payoutId);
    const accounts = cashAccounts(plan.campaignId, plan.currency);
    return this.payouts.prepare(tx, {
      reference: `tranche:${tranche.id}:${tranche.reservations + 1}`,
      projectId: plan.projectId,
      beneficiaryId: plan.campaignId,
      amountMinor,
      currency: plan.currency,
      escrowAccount: accounts.escrow,
      fromAccount: accounts.payoutsPayable,
      releasedAccount: accounts.released,
    });
  }

  async #amount(tx: Tx, plan: PlanRow, tranche: TrancheRow, tranches: readonly TrancheRow[]) {
    const funds = await this.books.funds(tx, plan.campaignId, plan.currency);
    const others = tranches.filter((other) => !other.isRemainder && other.id !== tranche.id);
    const canceledBp = others.filter((other) => other.state === 'canceled').reduce((sum, one) => sum + one.shareBp, 0);
    const isLast = others.every((other) => ['reserved', 'in_transit', 'succeeded', 'canceled'].includes(other.state));
    const { shareBp, isRemainder } = tranche;
    const arrived = await this.payouts.arrived(
      tx,
      tranches.flatMap(({ payoutId }) => payoutId ?? []),
    );
    const canceledPaidMinor = others
      .filter((other) => other.state === 'canceled')
      .reduce((sum, { payoutId }) => sum + ((payoutId !== null && arrived.get(payoutId)) || 0n), 0n);
    const paidMinor = (tranche.payoutId !== null && arrived.get(tranche.payoutId)) || 0n;
    const net = netMinor(funds);
    // Part of it has arrived: the rest of the same payout is still owed, no more and no less.
    if (paidMinor > 0n && tranche.amountMinor !== null) {
      const restMinor = tranche.amountMinor - paidMinor;
      return { amountMinor: tranche.amountMinor, restMinor: restMinor > funds.escrowMinor ? 0n : restMinor, net };
    }
    const amountMinor = trancheAmount({ shareBp, isRemainder, isLast, canceledBp, canceledPaidMinor }, funds);
    return { amountMinor, restMinor: amountMinor, net };
  }

  /** Closes a plan whose tranches are over, once its books hold nothing that could still go out or back. */
  async #finish(tx: Tx, campaignId: string): Promise<Outcome<void>> {
    const plan = await findPlan(tx, campaignId);
    if (plan?.state !== 'open') return;
    const campaign = await this.campaigns.lock(tx, campaignId);
    const tranches = await tranchesOf(tx, campaignId);
    const shares = tranches.filter(({ isRemainder }) => !isRemainder);
    if (campaign === undefined || !isPaying(campaign.state)) return;
    if (!shares.every(({ state }) => isOver(state)) || !shares.some(({ state }) => state === 'succeeded')) return;
    const payoutIds = tranches.flatMap(({ payoutId }) => payoutId ?? []);
    if (await this.payouts.mayReturn(tx, payoutIds)) return;
    for (const [currency, rails] of await this.books.exposures(tx, plan)) {
      const funds = await this.books.funds(tx, campaignId, currency);
      const open = rails.some((rail) => rail.openMinor > 0n || rail.disputedMinor > 0n);
      if (open || funds.escrowMinor > 0n || funds.reserveMinor > 0n) return;
    }
    const remainder = tranches.find(({ isRemainder }) => isRemainder);
    if (remainder !== undefined && !isOver(remainder.state)) {
      if (remainder.state !== 'planned') return;
      const payload = { reason: 'nothing was left in the reserve' };
      const done = await this.steps.take(tx, remainder, 'cancel', { type: 'tranche_canceled', payload });
      if (isRefused(done)) return done;
    }
    await endPlan(tx, campaignId, 'closed');
    tx.emit(disbursementEvent('closed', campaignId, {}));
    // In training the campaign closes later, when its run has ended; the plan is closed all the same.
    if (campaign.state === 'training') return;
    const closed = await this.campaigns.close(tx, campaignId);
    return isRefused(closed) ? closed : undefined;
  }
}
