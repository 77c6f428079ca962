import { Injectable } from '@nestjs/common';
import { CatalogQueries } from '#catalog';
import { requireProjectRole } from '#identity';
import { type Outcome, isRefused } from '#kernel';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { event } from './campaign.event.js';
import { refuseCampaign } from './campaign.refusal.js';
import { textRefusal } from './domain/campaign-draft.rule.js';
import { type StretchGoalDraft, stretchGoals } from './domain/stretch-goal.rule.js';
import { type CampaignRow, lockCampaign } from './store/campaign.store.js';
import { writeConsent } from './store/settlement.store.js';
import { isBacker } from './store/tally.store.js';
import { writeTerms } from './store/terms.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

export interface Amendment {
  readonly title?: string | null | undefined;
  readonly summary?: string | null | undefined;
  /** Stretch goals to add after those that there are. */
  readonly addStretchGoals?: readonly StretchGoalDraft[] | null | undefined;
}

const AMENDABLE: ReadonlySet<string> = new Set(['live', 'extended', 'succeeded', 'training']);

/** What may still change once backers have agreed, and what backers answer. */
@Injectable()
export class AmendmentCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly catalog: CatalogQueries,
  ) {}

  /**
   * Changes the texts of a live campaign or adds stretch goals, as a new version of its terms. What changes nothing makes
   * no version. Maintainers only; what isn't given stays.
   */
  amend(viewer: SignedIn, id: string, change: Amendment): Promise<Outcome<string>> {
    return this.uow.run('campaigns.amend', async (tx) => {
      const campaign = await lockCampaign(tx, id);
      if (!campaign) return refuseCampaign('CAMPAIGN_NOT_FOUND', ['input', 'campaignId']);
      const denied = await requireProjectRole(tx, viewer, campaign.projectId, ['maintainer']);
      if (denied) return denied;
      if (!AMENDABLE.has(campaign.state))
        return refuseCampaign('CAMPAIGN_STATE_INVALID', ['input', 'campaignId'], `It is ${campaign.state}.`);
      const amended = amendedRow(campaign, change);
      if (isRefused(amended)) return amended;
      return amended === campaign ? id : this.write(tx, amended);
    });
  }

  /** Whether this backer lets his money wait for the extension. He may change his mind while it lasts. */
  consent(viewer: SignedIn, id: string, agrees: boolean): Promise<Outcome<string>> {
    return this.uow.run('campaigns.extension-consent', async (tx) => {
      const campaign = await lockCampaign(tx, id);
      if (!campaign?.liveAt) return refuseCampaign('CAMPAIGN_NOT_FOUND', ['input', 'campaignId']);
      if (campaign.state !== 'extended' || tx.now >= campaign.deadline)
        return refuseCampaign('CAMPAIGN_EXTENSION_NOT_OPEN', ['input', 'campaignId'], `It is ${campaign.state}.`);
      if (!(await isBacker(tx, id, viewer.contributorId)))
        return refuseCampaign('CAMPAIGN_BACKER_REQUIRED', ['input', 'campaignId']);
      await writeConsent(tx, id, viewer.contributorId, agrees);
      // Who agreed is between him and the campaign: the public record learns nothing of it.
      tx.emit(event('campaign.extension.answered', id, { contributorId: viewer.contributorId, agrees }, false));
      return id;
    });
  }

  private async write(tx: Tx, amended: CampaignRow): Promise<string> {
    const version = await writeTerms(tx, this.catalog, amended, 'amended');
    await tx.query('UPDATE campaign SET title = $2, summary = $3, plan = $4, terms_version = $5 WHERE id = $1', [
      amended.id,
      amended.title,
      amended.summary,
      JSON.stringify(amended.plan),
      version,
    ]);
    tx.emit(event('campaign.amended', amended.id, { version }));
    return amended.id;
  }
}

/** The campaign with the change made; the same object when it changes nothing. */
function amendedRow(campaign: CampaignRow, change: Amendment): Outcome<CampaignRow> {
  const faulty = textRefusal(change);
  if (faulty) return faulty;
  const title = change.title?.trim() ?? campaign.title;
  const summary = change.summary?.trim() ?? campaign.summary;
  const added = change.addStretchGoals ?? [];
  if (title === campaign.title && summary === campaign.summary && added.length === 0) return campaign;
  const kept = campaign.plan.stretchGoals.map((goal) => ({ ...goal, amount: BigInt(goal.amount) }));
  const goals = stretchGoals([...kept, ...added], campaign);
  return isRefused(goals) ? goals : { ...campaign, title, summary, plan: { ...campaign.plan, stretchGoals: goals } };
}
