import type { ProgressSource } from '../store/campaign-page.statement.js';
import type { CampaignProgress } from './campaign.type.js';

/** Where each figure of the progress comes from. A field without an entry does not compile. */
export const PROGRESS_SOURCE: Record<keyof CampaignProgress, ProgressSource> = {
  cashPledged: 'tally',
  cashCaptured: 'tally',
  cashRefunded: 'tally',
  cashDisputed: 'tally',
  cashFees: 'tally',
  cashHeld: 'tally',
  cashMatched: 'tally',
  cashBackers: 'tally',
  computeBackers: 'tally',
  computeOffered: 'offered',
  computePledged: 'committed',
  computeReserved: 'usage',
  computeDelivered: 'usage',
  computeAccepted: 'usage',
};
