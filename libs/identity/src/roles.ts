import { type Refused, refuse } from '#kernel';
import type { Tx, Viewer } from '#platform';

/** What a member may be in a project. An owner may do what any other role may. */
export const PROJECT_ROLES = ['owner', 'maintainer', 'treasurer', 'reviewer', 'auditor'] as const;
export type ProjectRole = (typeof PROJECT_ROLES)[number];

/** The roles of a contributor in a project; empty when he has none. */
export async function projectRoles(tx: Tx, contributorId: string, projectId: string): Promise<Set<ProjectRole>> {
  const rows = await tx.query<{ role: ProjectRole }>(
    'SELECT role FROM project_member WHERE project_id = $1 AND contributor_id = $2',
    [projectId, contributorId],
  );
  return new Set(rows.map((row) => row.role));
}

/**
 * Undefined when the viewer has one of the roles in the project (an owner always does); else the refusal
 * `PROJECT_ROLE_REQUIRED`, the same whether the project exists or not.
 */
export async function requireProjectRole(
  tx: Tx,
  viewer: Viewer,
  projectId: string,
  roles: readonly ProjectRole[],
): Promise<Refused | undefined> {
  if (viewer.kind === 'contributor') {
    const held = await projectRoles(tx, viewer.contributorId, projectId);
    if (held.has('owner') || roles.some((role) => held.has(role))) return undefined;
  }
  return refuse({
    code: 'PROJECT_ROLE_REQUIRED',
    message: 'Your role in this project does not allow this.',
    detail: `It takes one of: ${['owner', ...roles].join(', ')}.`,
    hint: 'Ask an owner of the project to give you the role.',
  });
}
