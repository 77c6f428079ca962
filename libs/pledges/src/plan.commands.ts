import { Injectable } from '@nestjs/common';
import { CampaignFunds } from '#campaigns';
import { type Outcome, isRefused, newId } from '#kernel';
import { PaymentMethods, type Rail } from '#payments';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { CashPledgeWriter } from './cash-pledge.writer.js';
import { campaignRefusal, displayName, idempotencyKey, railAmount } from './domain/cash-pledge.rule.js';
import { donorEvent } from './domain/pledge-event.rule.js';
import { dueMonth, monthOf, pledgePlanMachine } from './domain/plan.machine.js';
import { refusePledge } from './pledge.refusal.js';
import {
  type PlanRow,
  advancePlan,
  insertPlan,
  lockPlan,
  markNoticed,
  planByKey,
  plansToNotice,
  stopPlan,
} from './store/plan.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

export interface PlanCreate {
  readonly campaignId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
  readonly rail?: Rail | null | undefined;
  readonly endsAt: Date;
  readonly idempotencyKey: string;
  readonly anonymous?: boolean | null | undefined;
  readonly displayName?: string | null | undefined;
}

export interface PlanStep {
  readonly plan: PlanRow;
  /** How the donor saves the method that the plan is charged with; null when nothing is to be saved. */
  readonly setup: { readonly id: string; readonly clientSecret: string | undefined; readonly status: string } | null;
}

const MOST_MONTHS = 60;
/** How long before a debit its donor is told of it. */
const NOTICE_MS = 7 * 86_400_000;
const NOTICE_BATCH = 200;

/** Monthly pledges: begun, changed and stopped by their donors, charged by the clock. */
@Injectable()
export class PledgePlanCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly funds: CampaignFunds,
    private readonly methods: PaymentMethods,
    private readonly writer: CashPledgeWriter,
  ) {}

  /** Plans a pledge for each month until the end, and begins the saving of a card or an account for it. */
  async create(viewer: SignedIn, input: PlanCreate): Promise<Outcome<PlanStep>> {
    const rail = input.rail ?? 'card';
    const key = idempotencyKey(input.idempotencyKey);
    if (isRefused(key)) return key;
    const name = displayName(input.displayName);
    if (isRefused(name)) return name;
    const count = railAmount(input.amountMinor, input.currency, rail);
    if (isRefused(count)) return count;
    if (rail === 'bank_transfer') return refusePledge('PLEDGE_PLAN_INVALID', ['input', 'rail']);
    const planned = await this.uow.run('pledges.plan-create', async (tx) => {
      const known = await planByKey(tx, viewer.contributorId, key);
      if (known)
        return isSame(known, input) ? known : refusePledge('PLEDGE_IDEMPOTENCY_MISMATCH', ['input', 'idempotencyKey']);
      if (input.endsAt <= monthOf(tx.now, 2) || input.endsAt > monthOf(tx.now, MOST_MONTHS + 1))
        return refusePledge('PLEDGE_PLAN_INVALID', ['input', 'endsAt']);
      const campaign = (await this.funds.hold(tx, [input.campaignId])).get(input.campaignId);
      const closed = campaignRefusal(campaign, tx.now);
      if (closed || !campaign) return closed ?? refusePledge('PLEDGE_CAMPAIGN_NOT_FOUND', ['input', 'campaignId']);
      const plan = await insertPlan(tx, {
        id: newId(),
        campaignId: campaign.id,
        contributorId: viewer.contributorId,
        pseudonym: viewer.pseudonym,
        amountMinor: input.amountMinor,
        currency: input.currency,
        rail,
        termsVersion: campaign.termsVersion,
        isAnonymous: input.anonymous ?? false,
        displayName: name,
        idempotencyKey: key,
        endsAt: input.endsAt,
      });
      if (!plan) return refusePledge('PLEDGE_IDEMPOTENCY_MISMATCH', ['input', 'idempotencyKey']);
      tx.emit(donorEvent('pledge.plan.created', plan.campaignId, { planId: plan.id }));
      return plan;
    });
    if (isRefused(planned)) return planned;
    return planned.state === 'method_required' ? this.setup(planned) : { plan: planned, setup: null };
  }

  /** Saves another card or account for the months that are to come. */
  async changeMethod(viewer: SignedIn, planId: string): Promise<Outcome<PlanStep>> {
    const plan = await this.uow.run('pledges.plan-method', (tx) => this.own(tx, viewer, planId));
    if (isRefused(plan)) return plan;
    return plan.state === 'stopped' || plan.state === 'ended' ? ended(plan) : this.setup(plan);
  }

  /** Ends the plan; months that were charged stay given. */
  async stop(viewer: SignedIn, planId: string): Promise<Outcome<PlanRow>> {
    return this.uow.run('pledges.plan-stop', async (tx) => {
      const plan = await this.own(tx, viewer, planId);
      if (isRefused(plan)) return plan;
      return (await this.stopIn(tx, plan)) ?? ended(plan);
    });
  }

  /** Ends a plan that the caller's unit of work holds; undefined when it has ended. */
  async stopIn(tx: Tx, plan: PlanRow): Promise<PlanRow | undefined> {
    if (pledgePlanMachine.next(plan.state, 'stop') === undefined) return undefined;
    await stopPlan(tx, plan.id);
    if (plan.savedMethodId !== null) await this.methods.release(tx, [plan.savedMethodId]);
    tx.emit(donorEvent('pledge.plan.stopped', plan.campaignId, { planId: plan.id }));
    return { ...plan, state: 'stopped', nextDueAt: null };
  }

  /** Charges the month of the plan that is due: a pledge of its own, made with the step of the plan. */
  async charge(planId: string): Promise<void> {
    await this.uow.run('pledges.plan-charge', async (tx) => {
      const plan = await lockPlan(tx, planId);
      if (plan?.state !== 'active' || plan.savedMethodId === null) return planId;
      const due = dueMonth(plan, tx.now);
      if (!due) return planId;
      // It is charged when its campaign goes on; a suspension ends no plan.
      const campaign = (await this.funds.hold(tx, [plan.campaignId])).get(plan.campaignId);
      if (campaign?.state === 'suspended') return planId;
      const [written] = await this.writer.write(tx, [
        {
          campaignId: plan.campaignId,
          contributorId: plan.contributorId,
          pseudonym: plan.pseudonym,
          amountMinor: plan.amountMinor,
          currency: plan.currency,
          rail: plan.rail,
          isAnonymous: plan.isAnonymous,
          displayName: plan.displayName,
          idempotencyKey: `plan:${plan.id}:${due.month}`,
          billing: null,
          month: { planId: plan.id, month: due.month, savedMethodId: plan.savedMethodId },
        },
      ]);
      // The campaign takes no more: neither will it next month.
      if (written === undefined || isRefused(written)) await this.stopIn(tx, plan);
      else
        await advancePlan(
          tx,
          plan.id,
          due.next === null ? null : { month: due.next, dueAt: monthOf(plan.startsAt, due.next) },
        );
      return planId;
    });
  }

  /** Tells donors a week ahead what they will be charged. @returns how many were told. */
  async notice(): Promise<number> {
    const told = await this.uow.run('pledges.plan-notice', async (tx) => {
      const plans = await plansToNotice(tx, new Date(tx.now.getTime() + NOTICE_MS), NOTICE_BATCH);
      for (const plan of plans) {
        tx.emit(
          donorEvent('pledge.cash.debit_due', plan.campaignId, {
            planId: plan.id,
            month: plan.nextMonth,
            amountMinor: String(plan.amountMinor),
            currency: plan.currency,
            dueAt: plan.nextDueAt?.toISOString(),
          }),
        );
      }
      await markNoticed(
        tx,
        plans.map((plan) => plan.id),
      );
      return plans.length;
    });
    return isRefused(told) ? 0 : told;
  }

  private async own(tx: Tx, viewer: SignedIn, planId: string): Promise<Outcome<PlanRow>> {
    const plan = await lockPlan(tx, planId);
    if (!plan) return refusePledge('PLEDGE_NOT_FOUND', ['input', 'planId']);
    return plan.contributorId === viewer.contributorId ? plan : refusePledge('PLEDGE_FORBIDDEN', ['input', 'planId']);
  }

  private async setup(plan: PlanRow): Promise<Outcome<PlanStep>> {
    const prepared = await this.uow.run('pledges.plan-setup', (tx) =>
      this.methods.prepareSetups(tx, [
        {
          reference: plan.id,
          purpose: 'pledge',
          beneficiaryId: plan.campaignId,
          contributorPseudonym: plan.pseudonym,
          rail: plan.rail,
        },
      ]),
    );
    if (isRefused(prepared)) return prepared;
    const setup = await this.methods.submitSetup(prepared[0] ?? '');
    if (isRefused(setup)) return setup;
    return { plan, setup: { id: setup.setupId, clientSecret: setup.clientSecret, status: setup.status } };
  }
}

const isSame = (plan: PlanRow, asked: PlanCreate): boolean =>
  plan.campaignId === asked.campaignId &&
  plan.amountMinor === asked.amountMinor &&
  plan.currency === asked.currency &&
  plan.rail === (asked.rail ?? 'card') &&
  plan.endsAt.getTime() === asked.endsAt.getTime();

const ended = (plan: PlanRow) =>
  refusePledge('PLEDGE_STATE_INVALID', ['input', 'planId'], `The monthly pledge is ${plan.state}.`);
