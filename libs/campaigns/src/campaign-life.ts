import { Injectable } from '@nestjs/common';
import { CatalogQueries } from '#catalog';
import { newId } from '#kernel';
import { Ledger } from '#ledger';
import type { Tx } from '#platform';
import { cashFigure, computeFigure, event } from './campaign.event.js';
import { type CampaignEvent, campaignMachine, chargesAtOnce } from './domain/campaign.machine.js';
import { campaignAccounts } from './domain/campaign-accounts.rule.js';
import { reachedStretchGoals } from './domain/stretch-goal.rule.js';
import {
  type Funding,
  failReason,
  goalsReached,
  isCollapsed,
  isOutOfReach,
  liveStep,
  netCashMinor,
  verdict,
} from './domain/verdict.rule.js';
import { PendingPayments } from './pending-payments.js';
import { type CampaignRow, type StateChange, lockCampaign, writeState } from './store/campaign.store.js';
import { concludeSettlement, insertSettlement, recordStretch } from './store/settlement.store.js';
import { type Tally, readTally } from './store/tally.store.js';
import { writeTerms } from './store/terms.store.js';

const DAY_MS = 86_400_000;

interface Standing {
  readonly funding: Funding;
  readonly tally: Tally;
  readonly netMinor: bigint;
}

/**
 * The steps of a campaign that nobody takes by hand: its verdict, what follows from it, and what it reached. Judging is
 * level-triggered: judging once more on the same books changes nothing.
 */
@Injectable()
export class CampaignLife {
  constructor(
    private readonly ledger: Ledger,
    private readonly catalog: CatalogQueries,
    private readonly pending: PendingPayments,
  ) {}

  /** Takes whatever step time and books call for now. Ended and suspended campaigns are left alone. */
  async judge(tx: Tx, campaignId: string): Promise<void> {
    const campaign = await lockCampaign(tx, campaignId);
    if (!campaign) return;
    if (campaign.state === 'live') await this.judgeLive(tx, campaign);
    else if (campaign.state === 'extended' && tx.now >= campaign.deadline)
      await this.freeze(tx, campaign, 'extension_over');
    else if (campaign.state === 'succeeded') await this.judgeFunded(tx, campaign);
  }

  /** The verdict on a settling campaign whose pledges are all at rest. */
  async settle(tx: Tx, campaignId: string): Promise<void> {
    const campaign = await lockCampaign(tx, campaignId);
    if (campaign?.state === 'settling') await this.conclude(tx, campaign);
  }

  /**
   * Money and GPU time that are really there. `forGood`: money that was asked back counts as gone; to be asked where
   * something follows that can't be taken back.
   */
  async standing(tx: Tx, campaign: CampaignRow, forGood = false): Promise<Standing> {
    const written = await readTally(tx, campaign.id);
    const returningMinor = forGood ? (await this.pending.of(tx, campaign.id)).returningMinor : 0n;
    const tally = { ...written, refundedMinor: written.refundedMinor + returningMinor };
    const committed = await this.ledger.balance(tx, campaignAccounts(campaign.id, campaign.gpuClass).computeCommitted);
    const { shortfall } = campaign.plan;
    const funding: Funding = {
      fundingModel: campaign.fundingModel,
      cashGoalMinor: campaign.cashGoalMinor,
      computeGoalMs: campaign.computeGoalMs,
      coverPriceMinor: shortfall.rule === 'none' ? null : BigInt(shortfall.pricePerGpuHourMinor),
      capturedMinor: tally.capturedMinor,
      refundedMinor: tally.refundedMinor,
      disputedMinor: tally.disputedMinor,
      committedMs: committed.creditsPosted - committed.debitsPosted,
    };
    return { funding, tally, netMinor: netCashMinor(tally) };
  }

  private async judgeLive(tx: Tx, campaign: CampaignRow): Promise<void> {
    let standing = await this.standing(tx, campaign);
    await this.stretch(tx, campaign, standing);
    const { deadline, hardCapMinor } = campaign;
    const at = { deadline, hardCapMinor, now: tx.now, promisedMinor: standing.tally.promisedMinor };
    let step = liveStep(standing.funding, at);
    if (step === undefined || step === 'deadline') return step && this.freeze(tx, campaign, step);
    // Neither money that was asked back nor a promise that costs nothing may end the time for pledges.
    standing = await this.standing(tx, campaign, true);
    const { unsecuredMinor } = await this.pending.of(tx, campaign.id);
    step = liveStep(standing.funding, { ...at, promisedMinor: at.promisedMinor - unsecuredMinor });
    if (step === 'reach_goals') await this.succeed(tx, campaign, step, standing);
    else if (step) await this.freeze(tx, campaign, step);
  }

  private async judgeFunded(tx: Tx, campaign: CampaignRow): Promise<void> {
    const standing = await this.standing(tx, campaign);
    await this.stretch(tx, campaign, standing);
    if (campaign.disbursedAt !== null || !isCollapsed(standing.funding)) return;
    await this.step(tx, campaign, 'collapse', { endedAs: 'failed', failReason: 'collapse' });
    const figures = figuresOf(campaign, standing);
    tx.emit(event('campaign.collapsed', campaign.id, { ...figures, goalMinor: String(campaign.cashGoalMinor) }));
    tx.emit(event('campaign.failed', campaign.id, { ...figures, reason: 'collapse' }));
  }

  /**
   * Freezes the pledges. They are charged until the window is over; where everything was charged when it was pledged and
   * nothing is on its way any more, or where the promises can't reach the goal, the verdict follows at once.
   */
  private async freeze(
    tx: Tx,
    campaign: CampaignRow,
    cause: Extract<CampaignEvent, 'deadline' | 'hard_cap' | 'extension_over'>,
  ): Promise<void> {
    const { funding, tally, netMinor } = await this.standing(tx, campaign);
    const snapshotId = newId();
    const settlementEndsAt = new Date(tx.now.getTime() + campaign.plan.windows.settlementWindowSeconds * 1_000);
    const round = cause === 'extension_over' ? 2 : 1;
    const frozen = { snapshotId, settlementEndsAt, deadline: earlier(campaign.deadline, tx.now) };
    await insertSettlement(tx, {
      campaignId: campaign.id,
      snapshotId,
      round,
      cause,
      promisedMinor: tally.promisedMinor,
      collectedMinor: netMinor,
    });
    const settling = await this.step(tx, campaign, cause, frozen);
    // After an extension whoever didn't consent is let go first; that is for pledges to do.
    const atRest =
      round === 1 && chargesAtOnce(campaign.fundingModel) && (await this.pending.of(tx, campaign.id)).payments === 0;
    const extension = campaign.extendedAt === null ? campaign.plan.extension : null;
    if (atRest || isOutOfReach(funding, tally.promisedMinor, extension)) await this.conclude(tx, settling);
    else
      tx.emit(
        event('campaign.settling', campaign.id, {
          snapshotId,
          round,
          reason: cause,
          windowEndsAt: settlementEndsAt.toISOString(),
        }),
      );
  }

  private async conclude(tx: Tx, campaign: CampaignRow): Promise<void> {
    const standing = await this.standing(tx, campaign, true);
    await this.stretch(tx, campaign, standing);
    const step = verdict(standing.funding, campaign.extendedAt === null ? campaign.plan.extension : null);
    if (campaign.snapshotId)
      await concludeSettlement(tx, campaign.snapshotId, {
        verdict: step === 'fund' ? 'succeeded' : step === 'extend' ? 'extended' : 'failed',
        cashMinor: standing.netMinor,
        computeMs: standing.funding.committedMs,
      });
    if (step === 'fund') await this.succeed(tx, campaign, step, standing);
    else if (step === 'extend') await this.extend(tx, campaign, standing);
    else {
      const reason = failReason(standing.funding, standing.tally.promisedMinor);
      await this.step(tx, campaign, step, { endedAs: 'failed', failReason: reason });
      tx.emit(event('campaign.failed', campaign.id, { ...figuresOf(campaign, standing), reason }));
    }
  }

  private async succeed(
    tx: Tx,
    campaign: CampaignRow,
    step: Extract<CampaignEvent, 'fund' | 'reach_goals'>,
    standing: Standing,
  ): Promise<void> {
    const safetyEndsAt = new Date(tx.now.getTime() + campaign.plan.windows.safetyWindowSeconds * 1_000);
    await this.step(tx, campaign, step, { succeededAt: tx.now, safetyEndsAt });
    tx.emit(
      event('campaign.succeeded', campaign.id, {
        ...figuresOf(campaign, standing),
        goalsReached: goalsReached(standing.funding),
        safetyEndsAt: safetyEndsAt.toISOString(),
      }),
    );
  }

  private async extend(tx: Tx, campaign: CampaignRow, standing: Standing): Promise<void> {
    const days = campaign.plan.extension?.days ?? 0;
    const deadline = new Date(tx.now.getTime() + days * DAY_MS);
    const termsVersion = await writeTerms(tx, this.catalog, campaign, 'extended', deadline);
    await this.step(tx, campaign, 'extend', { extendedAt: tx.now, deadline, termsVersion });
    tx.emit(
      event('campaign.extended', campaign.id, {
        ...figuresOf(campaign, standing),
        deadline: deadline.toISOString(),
        shortfallMinor: String(lacking(campaign.cashGoalMinor, standing.netMinor)),
        shortfallMs: String(lacking(campaign.computeGoalMs, standing.funding.committedMs)),
        version: termsVersion,
      }),
    );
  }

  private async stretch(tx: Tx, campaign: CampaignRow, standing: Standing): Promise<void> {
    const goals = campaign.plan.stretchGoals;
    const has = { cashMinor: standing.netMinor, computeMs: standing.funding.committedMs };
    const reached = reachedStretchGoals(goals, has);
    if (reached.length === 0) return;
    for (const number of await recordStretch(tx, campaign.id, reached)) {
      const goal = goals[number - 1];
      if (goal) tx.emit(event('campaign.stretch.reached', campaign.id, { number, ...goal }));
    }
  }

  /** The campaign as it stands after the step. */
  private async step(
    tx: Tx,
    campaign: CampaignRow,
    taken: CampaignEvent,
    change: StateChange = {},
  ): Promise<CampaignRow> {
    const state = campaignMachine.next(campaign.state, taken);
    if (state === undefined) throw new Error(`a campaign that is ${campaign.state} does not take ${taken}`);
    await writeState(tx, campaign.id, state, change);
    return { ...campaign, ...change, state };
  }
}

const figuresOf = (campaign: CampaignRow, { funding, netMinor }: Standing) => ({
  cash: cashFigure(netMinor, campaign.currency),
  compute: computeFigure(funding.committedMs, campaign.gpuClass),
});

const lacking = (goal: bigint, has: bigint): bigint => (goal > has ? goal - has : 0n);
const earlier = (a: Date, b: Date): Date => (a < b ? a : b);
