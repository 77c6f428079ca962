import { Injectable } from '@nestjs/common';
import { CampaignFunds } from '#campaigns';
import { projectRoles, requireProjectRole } from '#identity';
import { type Outcome, type Page, type PageArgs, isRefused, isUuid } from '#kernel';
import { UnitOfWork, type Viewer } from '#platform';
import { type LogPieceRow, RunQueries } from './run.queries.js';
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

  /** The log of a lease, for those whom it concerns: what a process prints may tell about the machine that it runs on. */
  async readLog(viewer: SignedIn, leaseId: string, args: PageArgs): Promise<Page<LogPieceRow> | undefined> {
    const log = isUuid(leaseId) ? await this.queries.leaseLog(leaseId, args) : undefined;
    if (!log) return undefined;
    if (log.contributor === viewer.pseudonym || viewer.platformRoles.has('operator')) return log.page;
    const roles = await this.uow.read((tx) => projectRoles(tx, viewer.contributorId, log.projectId));
    return roles.size > 0 ? log.page : undefined;
  }
}
