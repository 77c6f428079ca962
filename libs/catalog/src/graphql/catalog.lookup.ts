import { NodeLookup, type NodeSource } from '#platform';
import { CatalogQueries } from '../catalog.queries.js';
import { toDataset, toRecipe } from './catalog.mapper.js';

@NodeLookup()
export class DatasetLookup implements NodeSource {
  readonly typeName = 'Dataset';
  constructor(private readonly queries: CatalogQueries) {}

  async find(id: string): Promise<object | null> {
    const row = await this.queries.findDataset(id);
    return row ? toDataset(row) : null;
  }
}

@NodeLookup()
export class RecipeLookup implements NodeSource {
  readonly typeName = 'Recipe';
  constructor(private readonly queries: CatalogQueries) {}

  async find(id: string): Promise<object | null> {
    const row = await this.queries.findRecipe(id);
    return row ? toRecipe(row) : null;
  }
}
