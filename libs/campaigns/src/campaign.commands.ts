import { Injectable } from '@nestjs/common';
import { CatalogQueries, budgetTerms, computeBudget, publishBudget } from '#catalog';
import { projectRoles, requireProjectRole } from '#identity';
import { type Outcome, Refused, isRefused, newId } from '#kernel';
import { Ledger } from '#ledger';
import { type DomainEventInput, type Tx, UnitOfWork, type Viewer } from '#platform';
import { refuseCampaign } from './campaign.refusal.js';
import { type CampaignEvent, campaignMachine } from './domain/campaign.machine.js';
import { accountsToOpen } from './domain/campaign-accounts.rule.js';
import {
  type CampaignDraft,
  type DraftEdit,
  campaignSlug,
  campaignTerms,
  checkDeadline,
  editRefusal,
} from './domain/campaign-draft.rule.js';
import { type CampaignRow, insertCampaign, lockCampaign, writeState } from './store/campaign.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

export interface CampaignCreate extends CampaignDraft {
  readonly projectId: string;
  readonly recipeId: string;
  readonly autoAcceptCompute?: boolean | null | undefined;
  readonly mfu?: string | null | undefined;
  readonly overheadPercent?: number | null | undefined;
  readonly pricePerGpuHourMinor?: bigint | null | undefined;
}

/** Every step of a campaign that a person takes. Each answers the campaign's id, or why not. */
@Injectable()
export class CampaignCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly ledger: Ledger,
    private readonly catalog: CatalogQueries,
  ) {}

  /** Makes a draft with the compute budget of its recipe frozen into it. Maintainers only. */
  create(viewer: SignedIn, input: CampaignCreate): Promise<Outcome<string>> {
    return this.uow.run('campaigns.create', async (tx) => {
      const denied = await requireProjectRole(tx, viewer, input.projectId, ['maintainer']);
      if (denied) return denied;
      const recipe = await this.catalog.recipe(tx, input.recipeId);
      if (!recipe) return refuseCampaign('CAMPAIGN_RECIPE_NOT_FOUND', ['input', 'recipeId']);
      const terms = campaignTerms(input, recipe.gpuClass, tx.now);
      if (isRefused(terms)) return terms;
      const chosen = budgetTerms({ ...recipe, ...definedOnly(input) });
      const budget = isRefused(chosen) ? chosen : computeBudget(chosen);
      if (isRefused(budget)) return budget;
      const id = newId();
      await insertCampaign(tx, {
        ...terms,
        id,
        slug: campaignSlug(terms.title, id),
        projectId: input.projectId,
        recipeId: recipe.id,
        autoAcceptCompute: input.autoAcceptCompute ?? false,
        budget: publishBudget(budget),
        createdBy: viewer.contributorId,
      });
      tx.emit(event('campaign.created', id, { campaignId: id }, false));
      return id;
    });
  }

  /** Changes title, summary or deadline of a draft. Maintainers only; what isn't given stays. */
  update(viewer: SignedIn, id: string, edit: DraftEdit): Promise<Outcome<string>> {
    return this.uow.run('campaigns.update', async (tx) => {
      const campaign = await lockCampaign(tx, id);
      if (!campaign) return refuseCampaign('CAMPAIGN_NOT_FOUND', ['input', 'campaignId']);
      const denied = await requireProjectRole(tx, viewer, campaign.projectId, ['maintainer']);
      if (denied) return denied;
      if (campaign.state !== 'draft') return wrongState(campaign);
      const faulty = editRefusal(edit, tx.now);
      if (faulty) return faulty;
      await tx.query(
        `UPDATE campaign SET title = coalesce($2, title), summary = coalesce($3, summary),
                deadline = coalesce($4, deadline) WHERE id = $1`,
        [id, edit.title?.trim() ?? null, edit.summary?.trim() ?? null, edit.deadline ?? null],
      );
      return id;
    });
  }

  /** Hands a draft to review. Its terms are frozen from here on. */
  submit(viewer: SignedIn, id: string): Promise<Outcome<string>> {
    return this.step('submit', id, async (tx, campaign) => {
      const denied = await requireProjectRole(tx, viewer, campaign.projectId, ['maintainer']);
      if (denied) return denied;
      const late = checkDeadline(campaign.deadline, tx.now);
      if (late) return late;
      return [event('campaign.submitted', id, { campaignId: id })];
    });
  }

  /** Puts a reviewed campaign live and opens its accounts in the same transaction. */
  approve(viewer: SignedIn, id: string): Promise<Outcome<string>> {
    return this.step('approve', id, async (tx, campaign) => {
      const denied = await mayReview(tx, viewer, campaign);
      if (denied) return denied;
      const late = checkDeadline(campaign.deadline, tx.now);
      if (late) return late;
      await this.ledger.openAccounts(tx, accountsToOpen(id, campaign.gpuClass));
      return [event('campaign.live', id, livePayload(campaign))];
    });
  }

  /** Sends a campaign back to its organisers with a reason. */
  reject(viewer: SignedIn, id: string, reason: string): Promise<Outcome<string>> {
    return this.step('reject', id, async (tx, campaign) => {
      const denied = (await mayReview(tx, viewer, campaign)) ?? checkReason(reason);
      if (denied) return denied;
      return { events: [event('campaign.rejected', id, { campaignId: id }, false)], reason };
    });
  }

  /** Stops pledges for a while, for risk or legal reasons; the deadline waits for nobody but is judged after. */
  suspend(viewer: SignedIn, id: string, reason: string): Promise<Outcome<string>> {
    return this.step('suspend', id, async () => {
      const denied = operatorOnly(viewer) ?? checkReason(reason);
      if (denied) return denied;
      return { events: [event('campaign.suspended', id, { campaignId: id, reason })], reason };
    });
  }

  resume(viewer: SignedIn, id: string): Promise<Outcome<string>> {
    return this.step('resume', id, async () => {
      const denied = operatorOnly(viewer);
      return denied ?? [event('campaign.resumed', id, { campaignId: id })];
    });
  }

  /** Gives a campaign up before its training. Everything captured is refunded by the clock of pledges. */
  cancel(viewer: SignedIn, id: string, reason: string): Promise<Outcome<string>> {
    return this.step('cancel', id, async (tx, campaign) => {
      const denied = viewer.platformRoles.has('operator')
        ? undefined
        : await requireProjectRole(tx, viewer, campaign.projectId, []);
      const faulty = denied ?? checkReason(reason);
      if (faulty) return faulty;
      const wasPublic = campaign.state !== 'draft' && campaign.state !== 'in_review';
      return { events: [event('campaign.cancelled', id, { campaignId: id, reason }, wasPublic)], reason };
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
      tx.emit(
        event(
          'campaign.training.requested',
          id,
          {
            campaignId: id,
            projectId: campaign.projectId,
            recipeId: campaign.recipeId,
            gpuClass: campaign.gpuClass,
            requestedBy: viewer.pseudonym,
          },
          false,
        ),
      );
      return id;
    });
  }

  private step(
    name: CampaignEvent,
    id: string,
    judge: (
      tx: Tx,
      campaign: CampaignRow,
    ) => Promise<Outcome<DomainEventInput[] | { events: DomainEventInput[]; reason: string }>>,
  ): Promise<Outcome<string>> {
    return this.uow.run(`campaigns.${name}`, async (tx) => {
      const campaign = await lockCampaign(tx, id);
      if (!campaign) return refuseCampaign('CAMPAIGN_NOT_FOUND', ['input', 'campaignId']);
      const judged = await judge(tx, campaign);
      if (judged instanceof Refused) return judged;
      const to = campaignMachine.next(campaign.state, name);
      if (to === undefined) return wrongState(campaign);
      const { events, reason } = Array.isArray(judged) ? { events: judged, reason: null } : judged;
      await writeState(tx, id, to, reason);
      for (const emitted of events) tx.emit(emitted);
      return id;
    });
  }
}

const wrongState = (campaign: CampaignRow): Refused =>
  refuseCampaign('CAMPAIGN_STATE_INVALID', ['input', 'campaignId'], `It is ${campaign.state}.`);

const operatorOnly = (viewer: SignedIn): Refused | undefined =>
  viewer.platformRoles.has('operator') ? undefined : refuseCampaign('CAMPAIGN_OPERATOR_REQUIRED', []);

const checkReason = (reason: string): Refused | undefined =>
  reason.trim().length >= 3 && reason.length <= 500
    ? undefined
    : refuseCampaign('CAMPAIGN_TEXT_INVALID', ['input', 'reason'], `Got ${reason.trim().length} characters.`);

/** Four eyes: an operator of the platform, or a reviewer of the project who didn't make the campaign. */
async function mayReview(tx: Tx, viewer: SignedIn, campaign: CampaignRow): Promise<Refused | undefined> {
  if (viewer.platformRoles.has('operator')) return undefined;
  const roles = await projectRoles(tx, viewer.contributorId, campaign.projectId);
  const reviews = roles.has('reviewer') && viewer.contributorId !== campaign.createdBy;
  return reviews ? undefined : refuseCampaign('CAMPAIGN_REVIEW_FORBIDDEN', ['input', 'campaignId']);
}

export const event = (type: string, campaignId: string, payload: object, isPublic = true): DomainEventInput => ({
  type,
  aggregateType: 'campaign',
  aggregateId: campaignId,
  payload,
  isPublic,
});

const livePayload = (c: CampaignRow) => ({
  campaignId: c.id,
  title: c.title,
  slug: c.slug,
  projectId: c.projectId,
  recipeId: c.recipeId,
  fundingModel: c.fundingModel,
  cashGoal: { amountMinor: String(c.cashGoalMinor), currency: c.currency },
  computeGoal: { milliseconds: String(c.computeGoalMs), class: c.gpuClass },
  budget: c.budget,
  deadline: c.deadline.toISOString(),
});

const definedOnly = (input: CampaignCreate) => ({
  mfu: input.mfu,
  overheadPercent: input.overheadPercent,
  pricePerGpuHourMinor: input.pricePerGpuHourMinor,
});
