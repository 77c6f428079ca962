import { Injectable } from '@nestjs/common';
import type { Tx } from '#platform';
import {
  type CampaignRow,
  type TallyChange,
  changeBacker,
  changeTally,
  lockCampaign,
  shareCampaigns,
} from './store/campaign.store.js';

/** What pledges may see and change of a campaign, inside their own units of work. */
@Injectable()
export class CampaignFunds {
  /** Campaigns held in their present state until the unit of work ends; pledges hold them side by side. */
  hold(tx: Tx, ids: readonly string[]): Promise<Map<string, CampaignRow>> {
    return shareCampaigns(tx, ids);
  }

  /** The campaign held alone. */
  lock(tx: Tx, id: string): Promise<CampaignRow | undefined> {
    return lockCampaign(tx, id);
  }

  /** Books differences of money that the ledger was told of in the same unit of work. */
  book(tx: Tx, campaignId: string, change: TallyChange): Promise<void> {
    return changeTally(tx, campaignId, change);
  }

  /** One more or one less pledge of this person that holds. */
  backer(tx: Tx, campaignId: string, contributorId: string, kind: 'cash' | 'compute', delta: 1 | -1): Promise<void> {
    return changeBacker(tx, campaignId, contributorId, kind, delta);
  }
}
