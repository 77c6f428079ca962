import { NodeLookup, type NodeSource, type Viewer } from '#platform';
import { CampaignQueries } from '../campaign.queries.js';
import { toCampaign } from './campaign.mapper.js';

@NodeLookup()
export class CampaignLookup implements NodeSource {
  readonly typeName = 'Campaign';
  constructor(private readonly queries: CampaignQueries) {}

  async find(id: string, viewer: Viewer): Promise<object | null> {
    const row = await this.queries.byId(viewer, id);
    return row ? toCampaign(row) : null;
  }
}
