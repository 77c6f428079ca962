import { Injectable } from '@nestjs/common';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { type ProjectRole, projectRoles } from './roles.js';

export interface ContributorRow {
  readonly id: string;
  readonly pseudonym: string;
  /** Null once the person was erased. */
  readonly displayName: string | null;
  readonly kind: string;
}

export interface ProjectRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly organisationId: string;
  readonly organisationName: string;
}

export interface ApiTokenRow {
  readonly id: string;
  readonly name: string;
  readonly hint: string;
  readonly scopes: string[];
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

const CONTRIBUTOR = 'SELECT id, pseudonym, display_name AS "displayName", kind FROM contributor';
const PROJECT = `SELECT p.id, p.slug, p.name, o.id AS "organisationId", o.name AS "organisationName"
  FROM project p JOIN organisation o ON o.id = p.organisation_id`;

/** Reads of identity. Personal data (e-mail) only ever goes to its owner. */
@Injectable()
export class IdentityQueries {
  constructor(private readonly uow: UnitOfWork) {}

  projectRoles(tx: Tx, contributorId: string, projectId: string): Promise<Set<ProjectRole>> {
    return projectRoles(tx, contributorId, projectId);
  }

  /** Contributors by their pseudonyms; erased ones come with a null name. */
  async contributorsByPseudonym(tx: Tx, pseudonyms: readonly string[]): Promise<Map<string, ContributorRow>> {
    const rows = await tx.query<ContributorRow>(`${CONTRIBUTOR} WHERE pseudonym = ANY($1)`, [pseudonyms]);
    return new Map(rows.map((row) => [row.pseudonym, row]));
  }

  async contributor(id: string): Promise<ContributorRow | undefined> {
    return (await this.uow.read((tx) => tx.query<ContributorRow>(`${CONTRIBUTOR} WHERE id = $1`, [id])))[0];
  }

  async project(id: string): Promise<ProjectRow | undefined> {
    return (await this.uow.read((tx) => tx.query<ProjectRow>(`${PROJECT} WHERE p.id = $1`, [id])))[0];
  }

  /** A project with the roles that a contributor has in it, none included. */
  async projectFor(contributorId: string, id: string): Promise<(ProjectRow & { roles: ProjectRole[] }) | undefined> {
    return this.uow.read(async (tx) => {
      const [row] = await tx.query<ProjectRow>(`${PROJECT} WHERE p.id = $1`, [id]);
      return row && { ...row, roles: [...(await projectRoles(tx, contributorId, id))].sort() };
    });
  }

  /** The viewer's own page: e-mail, projects with his roles, tokens. One snapshot. */
  async self(viewer: Viewer & { kind: 'contributor' }) {
    return this.uow.read(async (tx) => {
      const [person] = await tx.query<{ email: string | null }>('SELECT email FROM contributor WHERE id = $1', [
        viewer.contributorId,
      ]);
      const projects = await tx.query<ProjectRow & { roles: ProjectRole[] }>(
        `SELECT x.*, m.roles FROM (${PROJECT}) x
           JOIN (SELECT project_id, array_agg(role ORDER BY role) AS roles FROM project_member
                  WHERE contributor_id = $1 GROUP BY project_id) m ON m.project_id = x.id
          ORDER BY x.id DESC LIMIT 100`,
        [viewer.contributorId],
      );
      const tokens = await tx.query<ApiTokenRow>(
        `SELECT id, name, hint, scopes, created_at AS "createdAt", expires_at AS "expiresAt",
                last_used_at AS "lastUsedAt", revoked_at AS "revokedAt"
           FROM api_token WHERE contributor_id = $1 ORDER BY id DESC LIMIT 100`,
        [viewer.contributorId],
      );
      return { email: person?.email ?? null, projects, tokens };
    });
  }
}
