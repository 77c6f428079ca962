import { NodeLookup, type NodeSource, type Viewer } from '#platform';
import { IdentityQueries } from '../queries.js';
import { toContributor, toProject } from './identity.resolver.js';
import type { Contributor, Project } from './identity.type.js';

@NodeLookup()
export class ContributorLookup implements NodeSource {
  readonly typeName = 'Contributor';
  constructor(private readonly queries: IdentityQueries) {}

  async find(id: string): Promise<Contributor | null> {
    const row = await this.queries.contributor(id);
    return row ? toContributor(row) : null;
  }
}

@NodeLookup()
export class ProjectLookup implements NodeSource {
  readonly typeName = 'Project';
  constructor(private readonly queries: IdentityQueries) {}

  async find(id: string, viewer: Viewer): Promise<Project | null> {
    if (viewer.kind === 'contributor') {
      const row = await this.queries.projectFor(viewer.contributorId, id);
      return row ? toProject(row, row.roles) : null;
    }
    const row = await this.queries.project(id);
    return row ? toProject(row, []) : null;
  }
}
