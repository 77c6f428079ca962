import { NodeLookup, type NodeSource, type Viewer } from '#platform';
import { PledgeQueries } from '../pledge.queries.js';
import { toCashPledge, toComputePledge } from './pledge.mapper.js';

@NodeLookup()
export class CashPledgeLookup implements NodeSource {
  readonly typeName = 'CashPledge';
  constructor(private readonly queries: PledgeQueries) {}

  async find(id: string, viewer: Viewer): Promise<object | null> {
    const row = await this.queries.cash(id);
    return row ? toCashPledge(row, viewer.kind === 'contributor' && viewer.pseudonym === row.pseudonym) : null;
  }
}

@NodeLookup()
export class ComputePledgeLookup implements NodeSource {
  readonly typeName = 'ComputePledge';
  constructor(private readonly queries: PledgeQueries) {}

  async find(id: string): Promise<object | null> {
    const row = await this.queries.compute(id);
    return row ? toComputePledge(row) : null;
  }
}
