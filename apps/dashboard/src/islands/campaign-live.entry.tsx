import { CampaignLiveView } from './campaign-live.js';
import { wake } from './hydrate.js';

wake('campaign-live', CampaignLiveView);
