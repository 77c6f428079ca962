import { randomUUID } from 'node:crypto';
import type { CampaignState } from '../../libs/campaigns/src/domain/campaign.machine.js';
import { type CampaignsStage, got } from './campaigns.stage.js';

type Person = Awaited<ReturnType<CampaignsStage['person']>>;

export const AON = { fundingModel: 'all_or_nothing', windows: { safetyWindowSeconds: 86_400 } };
export const EXTENDABLE = { ...AON, extensionToleranceBp: 500, extensionDays: 14 };

/** How a campaign gets to each state, by nothing but steps that people, other rooms and time take. */
export function reachOf(
  stage: CampaignsStage,
  { owner, operator }: { readonly owner: Person; readonly operator: Person },
): Record<CampaignState, () => Promise<string>> {
  const reach: Record<CampaignState, () => Promise<string>> = {
    draft: async () => got(await stage.campaigns.create(owner, await stage.draft(owner))),
    async in_review() {
      const id = await reach.draft();
      return got(await stage.campaigns.submit(owner, id));
    },
    async rejected() {
      const id = await reach.in_review();
      return got(await stage.campaigns.reject(operator, id, 'too short'));
    },
    live: () => stage.live(owner),
    async settling() {
      const id = await stage.live(owner, AON);
      await stage.promise(id, 10_000n);
      await stage.advance(31);
      return id;
    },
    async extended() {
      const id = await stage.live(owner, EXTENDABLE);
      await stage.collect(owner, id, 9_600n);
      await stage.advance(31);
      await stage.run((tx) => stage.funds.settled(tx, id));
      return id;
    },
    async suspended() {
      const id = await stage.live(owner);
      return got(await stage.campaigns.suspend(operator, id, 'under investigation'));
    },
    async succeeded() {
      const id = await stage.live(owner);
      await stage.collect(owner, id, 10_000n);
      return id;
    },
    async failed() {
      const id = await stage.live(owner);
      await stage.advance(31);
      return id;
    },
    async training() {
      const id = await reach.succeeded();
      await stage.runEvent('run.created', id, randomUUID());
      return id;
    },
    async completed() {
      const id = await reach.succeeded();
      await stage.runEvent('run.completed', id, randomUUID());
      return id;
    },
    async closed() {
      const id = await reach.completed();
      await stage.run((tx) => stage.funds.close(tx, id));
      return id;
    },
    async cancelled() {
      const id = await stage.live(owner);
      return got(await stage.campaigns.cancel(owner, id, 'out of print'));
    },
    async refunding() {
      const id = await reach.cancelled();
      await stage.run((tx) => stage.funds.refundsBegun(tx, id));
      return id;
    },
    async refunded() {
      const id = await reach.refunding();
      await stage.run((tx) => stage.funds.refundsDone(tx, id));
      return id;
    },
  };
  return reach;
}
