import { Injectable } from '@nestjs/common';
import { CatalogQueries } from '#catalog';
import { projectRoles, requireProjectRole } from '#identity';
import { type Outcome, Refused, isRefused, newId } from '#kernel';
import { Ledger } from '#ledger';
import { Config, type DomainEventInput, type Tx, UnitOfWork, type Viewer } from '#platform';
import { type DraftChange, type DraftInput, changedDraft, planGround, publishedBudget } from './campaign-author.js';
import { cashFigure, computeFigure, event } from './campaign.event.js';
import { refuseCampaign } from './campaign.refusal.js';
import { type CampaignEvent, RESUME, campaignMachine } from './domain/campaign.machine.js';
import { accountsToOpen } from './domain/campaign-accounts.rule.js';
import { campaignSlug, checkDeadline, draftTerms, reasonRefusal } from './domain/campaign-draft.rule.js';
import { campaignPlan } from './domain/campaign-plan.rule.js';
import { shortestWindowSeconds } from './domain/window.rule.js';
import {
  type CampaignRow,
  type StateChange,
  insertCampaign,
  lockCampaign,
  rewriteDraft,
  writeState,
} from './store/campaign.store.js';
import { writeTerms } from './store/terms.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

export interface CampaignCreate extends DraftInput {
  readonly projectId: string;
  readonly recipeId: string;
}

interface Taken {
  readonly events: readonly DomainEventInput[];
  readonly change?: StateChange;
}

/** Every step of a campaign that a person takes. Each answers the campaign's id, or why not. */
@Injectable()
export class CampaignCommands {
  private readonly shortestWindowSeconds: number;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
    private readonly catalog: CatalogQueries,
    config: Config,
  ) {
    this.shortestWindowSeconds = shortestWindowSeconds(config.environment);
  }

  /** Makes a draft with the compute budget of its recipe frozen into it. Maintainers only. */
  create(viewer: SignedIn, input: CampaignCreate): Promise<Outcome<string>> {
    return this.uow.run('campaigns.create', async (tx) => {
      const denied = await requireProjectRole(tx, viewer, input.projectId, ['maintainer']);
      if (denied) return denied;
      const recipe = await this.catalog.recipe(tx, input.recipeId);
      if (!recipe) return refuseCampaign('CAMPAIGN_RECIPE_NOT_FOUND', ['input', 'recipeId']);
      const terms = draftTerms(input, recipe.gpuClass, tx.now);
      if (isRefused(terms)) return terms;
      const budget = publishedBudget(recipe, input);
      if (isRefused(budget)) return budget;
      const plan = campaignPlan(input, planGround(terms, budget, this.shortestWindowSeconds));
      if (isRefused(plan)) return plan;
      const id = newId();
      await insertCampaign(tx, {
        ...terms,
        id,
        slug: campaignSlug(terms.title, id),
        projectId: input.projectId,
        recipeId: recipe.id,
        autoAcceptCompute: input.autoAcceptCompute ?? false,
        budget,
        plan,
        createdBy: viewer.contributorId,
      });
      tx.emit(event('campaign.created', id, {}, false));
      return id;
    });
  }

  /** Changes a draft: everything but its project, recipe and currency. Maintainers only; what isn't given stays. */
  update(viewer: SignedIn, id: string, edit: DraftChange): Promise<Outcome<string>> {
    return this.uow.run('campaigns.update', async (tx) => {
      const campaign = await lockCampaign(tx, id);
      if (!campaign) return refuseCampaign('CAMPAIGN_NOT_FOUND', ['input', 'campaignId']);
      const denied = await requireProjectRole(tx, viewer, campaign.projectId, ['maintainer']);
      if (denied) return denied;
      if (campaign.liveAt !== null) return refuseCampaign('CAMPAIGN_TERMS_FROZEN', ['input', 'campaignId']);
      if (campaign.state !== 'draft') return wrongState(campaign);
      const recipe = await this.catalog.recipe(tx, campaign.recipeId);
      if (!recipe) return refuseCampaign('CAMPAIGN_RECIPE_NOT_FOUND', ['input', 'campaignId']);
      const changed = changedDraft(campaign, edit, recipe, {
        now: tx.now,
        shortestWindowSeconds: this.shortestWindowSeconds,
      });
      if (isRefused(changed)) return changed;
      await rewriteDraft(tx, id, changed);
      return id;
    });
  }

  /** Hands a draft to review. Its terms are frozen from here on. */
  submit(viewer: SignedIn, id: string): Promise<Outcome<string>> {
    return this.step('submit', id, async (tx, campaign) => {
      const denied = await requireProjectRole(tx, viewer, campaign.projectId, ['maintainer']);
      if (denied) return denied;
      if (campaign.state !== 'draft') return wrongState(campaign);
      const late = checkDeadline(campaign.deadline, tx.now);
      return late ?? { events: [event('campaign.submitted', id, {})] };
    });
  }

  /** Puts a reviewed campaign live: its accounts and version 1 of its terms are made in the same transaction. */
  approve(viewer: SignedIn, id: string): Promise<Outcome<string>> {
    return this.step('approve', id, async (tx, campaign) => {
      const denied = await mayReview(tx, viewer, campaign);
      if (denied) return denied;
      if (campaign.state !== 'in_review') return wrongState(campaign);
      const late = checkDeadline(campaign.deadline, tx.now);
      if (late) return late;
      await this.ledger.openAccounts(tx, accountsToOpen(id, campaign.gpuClass, campaign.currency));
      const termsVersion = await writeTerms(tx, this.catalog, campaign, 'live');
      return { events: [event('campaign.live', id, livePayload(campaign, termsVersion))], change: { termsVersion } };
    });
  }

  /** Refuses a campaign with a reason; its organisers may revise it. */
  reject(viewer: SignedIn, id: string, reason: string): Promise<Outcome<string>> {
    return this.step('reject', id, async (tx, campaign) => {
      const denied = (await mayReview(tx, viewer, campaign)) ?? reasonRefusal(reason);
      if (denied) return denied;
      return { events: [event('campaign.rejected', id, {}, false)], change: { reason } };
    });
  }

  /** Makes a draft of a rejected campaign again. Maintainers only. */
  revise(viewer: SignedIn, id: string): Promise<Outcome<string>> {
    return this.step('revise', id, async (tx, campaign) => {
      const denied = await requireProjectRole(tx, viewer, campaign.projectId, ['maintainer']);
      return denied ?? { events: [event('campaign.revised', id, {}, false)] };
    });
  }

  /** Stops pledges, charges and payouts for risk or legal reasons. Timers stand until it is resumed. */
  suspend(viewer: SignedIn, id: string, reason: string): Promise<Outcome<string>> {
    return this.step('suspend', id, async (tx, campaign) => {
      const denied = operatorOnly(viewer) ?? reasonRefusal(reason);
      if (denied) return denied;
      return {
        events: [event('campaign.suspended', id, { reason, from: campaign.state })],
        change: { reason, suspendedFrom: campaign.state, suspendedAt: tx.now },
      };
    });
  }

  /** Lets a suspended campaign go on where it was; its timers move by the time for which it stood. */
  resume(viewer: SignedIn, id: string): Promise<Outcome<string>> {
    return this.uow.run('campaigns.resume', async (tx) => {
      const campaign = await lockCampaign(tx, id);
      if (!campaign) return refuseCampaign('CAMPAIGN_NOT_FOUND', ['input', 'campaignId']);
      const denied = operatorOnly(viewer);
      if (denied) return denied;
      const back = campaign.suspendedFrom && RESUME[campaign.suspendedFrom];
      const to = back && campaignMachine.next(campaign.state, back);
      if (!to || campaign.suspendedAt === null) return wrongState(campaign);
      const stoodMs = tx.now.getTime() - campaign.suspendedAt.getTime();
      await writeState(tx, id, to, { suspendedFrom: null, suspendedAt: null, ...movedTimers(campaign, stoodMs) });
      tx.emit(event('campaign.resumed', id, { to, suspendedMs: stoodMs }));
      return id;
    });
  }

  /** Gives a campaign up before money left it. Everything captured is refunded by the clock of pledges. */
  cancel(viewer: SignedIn, id: string, reason: string): Promise<Outcome<string>> {
    return this.step('cancel', id, async (tx, campaign) => {
      const denied = viewer.platformRoles.has('operator')
        ? undefined
        : await requireProjectRole(tx, viewer, campaign.projectId, []);
      const faulty = denied ?? reasonRefusal(reason);
      if (faulty) return faulty;
      if (campaign.disbursedAt !== null) return refuseCampaign('CAMPAIGN_DISBURSED', ['input', 'campaignId']);
      const wasPublic = campaign.liveAt !== null;
      return {
        events: [event('campaign.cancelled', id, { reason }, wasPublic)],
        change: { reason, endedAs: 'cancelled', suspendedFrom: null, suspendedAt: null },
      };
    });
  }

  /**
   * Asks for the training of a funded campaign. The run is made by whoever listens to `campaign.training.requested`;
   * the campaign is in training when that run exists.
   */
  startTraining(viewer: SignedIn, id: string): Promise<Outcome<string>> {
    return this.uow.run('campaigns.start-training', async (tx) => {
      const campaign = await lockCampaign(tx, id);
      if (!campaign) return refuseCampaign('CAMPAIGN_NOT_FOUND', ['input', 'campaignId']);
      const denied = await requireProjectRole(tx, viewer, campaign.projectId, ['maintainer']);
      if (denied) return denied;
      if (campaignMachine.next(campaign.state, 'start_training') === undefined) return wrongState(campaign);
      if (campaign.trainingRequestedAt) return refuseCampaign('CAMPAIGN_TRAINING_REQUESTED', ['input', 'campaignId']);
      await tx.query('UPDATE campaign SET training_requested_at = $2 WHERE id = $1', [id, tx.now]);
      const { projectId, recipeId, gpuClass } = campaign;
      const asked = { projectId, recipeId, gpuClass, requestedBy: viewer.pseudonym };
      tx.emit(event('campaign.training.requested', id, asked, false));
      return id;
    });
  }

  private step(
    name: CampaignEvent,
    id: string,
    judge: (tx: Tx, campaign: CampaignRow) => Promise<Outcome<Taken>>,
  ): Promise<Outcome<string>> {
    return this.uow.run(`campaigns.${name}`, async (tx) => {
      const campaign = await lockCampaign(tx, id);
      if (!campaign) return refuseCampaign('CAMPAIGN_NOT_FOUND', ['input', 'campaignId']);
      const judged = await judge(tx, campaign);
      if (judged instanceof Refused) return judged;
      const to = campaignMachine.next(campaign.state, name);
      if (to === undefined) return wrongState(campaign);
      await writeState(tx, id, to, judged.change);
      for (const emitted of judged.events) tx.emit(emitted);
      return id;
    });
  }
}

const wrongState = (campaign: CampaignRow): Refused =>
  refuseCampaign('CAMPAIGN_STATE_INVALID', ['input', 'campaignId'], `It is ${campaign.state}.`);

const operatorOnly = (viewer: SignedIn): Refused | undefined =>
  viewer.platformRoles.has('operator') ? undefined : refuseCampaign('CAMPAIGN_OPERATOR_REQUIRED', []);

/** Four eyes: an operator of the platform, or a reviewer of the project who didn't make the campaign. */
async function mayReview(tx: Tx, viewer: SignedIn, campaign: CampaignRow): Promise<Refused | undefined> {
  if (viewer.platformRoles.has('operator')) return undefined;
  const roles = await projectRoles(tx, viewer.contributorId, campaign.projectId);
  const reviews = roles.has('reviewer') && viewer.contributorId !== campaign.createdBy;
  return reviews ? undefined : refuseCampaign('CAMPAIGN_REVIEW_FORBIDDEN', ['input', 'campaignId']);
}

/** Every timer that still runs, later by the time for which the campaign stood. */
function movedTimers(campaign: CampaignRow, stoodMs: number): StateChange {
  const later = (at: Date) => new Date(at.getTime() + stoodMs);
  const { suspendedAt, settlementEndsAt, safetyEndsAt } = campaign;
  const runs = (at: Date | null): at is Date => at !== null && suspendedAt !== null && at > suspendedAt;
  return {
    ...(runs(campaign.deadline) ? { deadline: later(campaign.deadline) } : {}),
    ...(runs(settlementEndsAt) ? { settlementEndsAt: later(settlementEndsAt) } : {}),
    ...(runs(safetyEndsAt) ? { safetyEndsAt: later(safetyEndsAt) } : {}),
  };
}

const livePayload = (c: CampaignRow, termsVersion: number) => ({
  title: c.title,
  slug: c.slug,
  projectId: c.projectId,
  recipeId: c.recipeId,
  fundingModel: c.fundingModel,
  cashGoal: cashFigure(c.cashGoalMinor, c.currency),
  computeGoal: computeFigure(c.computeGoalMs, c.gpuClass),
  budget: c.budget,
  deadline: c.deadline.toISOString(),
  termsVersion,
});
