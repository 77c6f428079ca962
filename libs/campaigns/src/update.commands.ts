import { Injectable } from '@nestjs/common';
import { requireProjectRole } from '#identity';
import { type Outcome, isRefused } from '#kernel';
import { UnitOfWork, type Viewer } from '#platform';
import { event } from './campaign.event.js';
import { refuseCampaign } from './campaign.refusal.js';
import { AUDIENCES, type Audience, type UpdateText, correctionReason, updateText } from './domain/update.rule.js';
import { lockCampaign } from './store/campaign.store.js';
import { findUpdate, insertUpdate, insertUpdateVersion } from './store/update.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

/** Tells backers how things go. Each answers the update's id, or why not. */
@Injectable()
export class UpdateCommands {
  constructor(private readonly uow: UnitOfWork) {}

  /** Publishes an update of a campaign that was live, whatever became of it. Maintainers only. */
  publish(viewer: SignedIn, campaignId: string, draft: UpdateText & { audience: string }): Promise<Outcome<string>> {
    return this.uow.run('campaigns.update-publish', async (tx) => {
      const campaign = await lockCampaign(tx, campaignId);
      if (!campaign) return refuseCampaign('CAMPAIGN_NOT_FOUND', ['input', 'campaignId']);
      const denied = await requireProjectRole(tx, viewer, campaign.projectId, ['maintainer']);
      if (denied) return denied;
      if (campaign.liveAt === null)
        return refuseCampaign('CAMPAIGN_STATE_INVALID', ['input', 'campaignId'], `It is ${campaign.state}.`);
      const text = updateText(draft);
      if (isRefused(text)) return text;
      if (!AUDIENCES.includes(draft.audience as Audience))
        return refuseCampaign(
          'CAMPAIGN_UPDATE_INVALID',
          ['input', 'audience'],
          `Got "${draft.audience.slice(0, 40)}".`,
        );
      const audience = draft.audience as Audience;
      const { id, number } = await insertUpdate(tx, { ...text, campaignId, audience, by: viewer.contributorId });
      // What is for backers only stays out of the public record, its title too.
      const title = audience === 'public' ? { title: text.title } : {};
      tx.emit(event('campaign.update.published', campaignId, { updateId: id, number, audience, ...title }));
      return id;
    });
  }

  /** Corrects an update: a new version with a reason; the old ones stay readable. Maintainers only. */
  correct(viewer: SignedIn, updateId: string, draft: UpdateText & { reason: string }): Promise<Outcome<string>> {
    return this.uow.run('campaigns.update-correct', async (tx) => {
      const known = await findUpdate(tx, updateId);
      const campaign = known && (await lockCampaign(tx, known.campaignId));
      if (!campaign) return refuseCampaign('CAMPAIGN_UPDATE_NOT_FOUND', ['input', 'updateId']);
      const denied = await requireProjectRole(tx, viewer, campaign.projectId, ['maintainer']);
      if (denied) return denied;
      const text = updateText(draft);
      if (isRefused(text)) return text;
      const reason = correctionReason(draft.reason);
      if (isRefused(reason)) return reason;
      const newest = (await findUpdate(tx, updateId)) ?? known;
      if (newest.title === text.title && newest.body === text.body) return updateId;
      const version = newest.version + 1;
      await insertUpdateVersion(tx, updateId, version, { ...text, by: viewer.contributorId }, reason);
      tx.emit(event('campaign.update.corrected', campaign.id, { updateId, number: newest.number, version, reason }));
      return updateId;
    });
  }
}
