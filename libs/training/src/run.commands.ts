import { Injectable } from '@nestjs/common';
import { CampaignFunds } from '#campaigns';
import { requireProjectRole } from '#identity';
import { type Outcome, isRefused } from '#kernel';
import { UnitOfWork, type Viewer } from '#platform';
import { RunQueries } from './run.queries.js';
import { Runs } from './runs.js';
import { refuseTraining } from './training.refusal.js';

type SignedIn = Viewer & { kind: 'contributor' };

/** What people may do to runs: maintainers of the project. */
@Injectable()
export class RunCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly campaigns: CampaignFunds,
    private readonly runs: Runs,
    private readonly queries: RunQueries,
  ) {}

  create(viewer: SignedIn, campaignId: string): Promise<Outcome<string>> {
    return this.uow.run('training.run-create', async (tx) => {
      const campaign = (await this.campaigns.hold(tx, [campaignId])).get(campaignId);
      if (!campaign) return refuseTraining('RUN_CAMPAIGN_NOT_FOUND', undefined, ['input', 'campaignId']);
      const denied = await requireProjectRole(tx, viewer, campaign.projectId, ['maintainer']);
      if (denied) return denied;
      if (campaign.state !== 'succeeded' && campaign.state !== 'training') {
        return refuseTraining('RUN_CAMPAIGN_NOT_FUNDED', `It is ${campaign.state}.`, ['input', 'campaignId']);
      }
      return this.runs.create(tx, { campaignId, recipeId: campaign.recipeId });
    });
  }

  async cancel(viewer: SignedIn, runId: string): Promise<Outcome<string>> {
    const run = await this.queries.find(runId);
    if (!run) return refuseTraining('RUN_NOT_FOUND', undefined, ['input', 'runId']);
    const allowed = await this.uow.run('training.may-cancel', async (tx) =>
      requireProjectRole(tx, viewer, run.spec.projectId, ['maintainer']),
    );
    return isRefused(allowed) ? allowed : this.runs.cancel(runId);
  }
}
