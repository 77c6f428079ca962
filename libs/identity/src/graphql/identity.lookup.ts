import { NodeLookup, type NodeSource, UnitOfWork, type Viewer } from '#platform';
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
  constructor(
    private readonly queries: IdentityQueries,
    private readonly uow: UnitOfWork,
  ) {}

  async find(id: string, viewer: Viewer): Promise<Project | null> {
    const row = await this.queries.project(id);
    if (!row) return null;
    const roles =
      viewer.kind === 'contributor'
        ? await this.uow.read((tx) => this.queries.projectRoles(tx, viewer.contributorId, id))
        : new Set<string>();
    return toProject(row, [...roles]);
  }
}
