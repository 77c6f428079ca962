import { Injectable } from '@nestjs/common';
import { type Outcome, type Refused, isRefused, newId, refuse } from '#kernel';
import { Config, type PlatformRole, SCOPES, type Scope, type Tx, UnitOfWork, type Viewer } from '#platform';
import { PROJECT_ROLES, type ProjectRole, requireProjectRole } from './roles.js';
import { newSecret, secretDigest } from './secrets.js';

type Contributor = Viewer & { kind: 'contributor' };

const SESSION_DAYS = 30;
const DAY_MS = 86_400_000;

/** Every change of who somebody is and may do. */
@Injectable()
export class IdentityCommands {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly config: Config,
  ) {}

  /**
   * Signs in without proof, for one's own machine: the person with this e-mail (or name, when no e-mail is given) is
   * found or made. Refuses `DEVELOPER_SIGN_IN_OFF` unless the setting is on, which it can't be in production.
   */
  async developerSignIn(input: {
    name: string;
    email?: string | null;
    platformRole?: PlatformRole | null;
  }): Promise<Outcome<{ contributorId: string; secret: string; expiresAt: Date }>> {
    if (!this.config.developerSignIn) {
      return refuse({
        code: 'DEVELOPER_SIGN_IN_OFF',
        message: 'The developer sign-in is off here.',
        hint: 'It works on a developer machine with DEVELOPER_SIGN_IN=1, never in production.',
      });
    }
    const name = text('name', input.name, 80);
    if (isRefused(name)) return name;
    const email = (input.email ?? `${slugOf(name)}@developer.invalid`).toLowerCase();
    if (!/^[^\s@\p{Cc}\p{Cs}]{1,64}@[^\s@\p{Cc}\p{Cs}]{1,190}$/u.test(email)) {
      return refuse({
        code: 'EMAIL_INVALID',
        message: 'This is not an e-mail address.',
        hint: 'Give one like ada@example.org, or leave it out.',
        path: ['input', 'email'],
      });
    }
    return this.uow.run('identity.developer-sign-in', async (tx) => {
      const contributorId = await this.findOrCreate(tx, name, email);
      if (input.platformRole) {
        await tx.query(
          `INSERT INTO contributor_platform_role (contributor_id, role, granted_at) VALUES ($1, $2, $3)
           ON CONFLICT DO NOTHING`,
          [contributorId, input.platformRole, tx.now],
        );
      }
      const secret = newSecret('cws');
      const expiresAt = new Date(tx.now.getTime() + SESSION_DAYS * DAY_MS);
      await tx.query(
        `INSERT INTO session (id, contributor_id, secret_sha256, method, created_at, expires_at)
         VALUES ($1, $2, $3, 'developer', $4, $5)`,
        [newId(), contributorId, secretDigest(secret), tx.now, expiresAt],
      );
      return { contributorId, secret, expiresAt };
    });
  }

  /** Ends the session with this secret. Ending one that is over already is no error. */
  async signOut(secret: string): Promise<void> {
    await this.uow.run('identity.sign-out', async (tx) => {
      await tx.query('UPDATE session SET ended_at = $2 WHERE secret_sha256 = $1 AND ended_at IS NULL', [
        secretDigest(secret),
        tx.now,
      ]);
    });
  }

  /** Changes the name that a person shows. Receipts that were issued keep the name of their day. */
  async updateProfile(viewer: Contributor, input: { displayName: string }): Promise<Outcome<string>> {
    const name = text('displayName', input.displayName, 80);
    if (isRefused(name)) return name;
    return this.uow.run('identity.profile-update', async (tx) => {
      await tx.query('UPDATE contributor SET display_name = $2 WHERE id = $1 AND erased_at IS NULL', [
        viewer.contributorId,
        name,
      ]);
      return viewer.contributorId;
    });
  }

  /** Makes a personal API token. Its secret is in the answer and nowhere else. */
  async createApiToken(
    viewer: Contributor,
    input: { name: string; scopes: readonly string[]; expiresAt?: Date | null },
  ): Promise<Outcome<{ id: string; secret: string }>> {
    const name = text('name', input.name, 80);
    if (isRefused(name)) return name;
    const unknown = input.scopes.filter((scope) => !SCOPES.includes(scope as Scope));
    if (unknown.length > 0 || input.scopes.length === 0) {
      return refuse({
        code: 'SCOPE_UNKNOWN',
        message: unknown.length > 0 ? `There is no scope "${unknown[0]}".` : 'A token needs at least one scope.',
        hint: `Choose from: ${SCOPES.join(', ')}.`,
        path: ['input', 'scopes'],
      });
    }
    const beyond = input.scopes.filter((s) => viewer.scopes !== 'all' && !viewer.scopes.has(s as Scope));
    if (beyond.length > 0) {
      return refuse({
        code: 'SCOPE_EXCEEDED',
        message: `A token can't give the scope "${beyond[0]}", which it lacks itself.`,
        hint: 'Sign in and make the token there.',
        path: ['input', 'scopes'],
      });
    }
    return this.uow.run('identity.api-token-create', async (tx) => {
      if (input.expiresAt && input.expiresAt <= tx.now) {
        return refuse({
          code: 'EXPIRY_PAST',
          message: 'The token would be expired already.',
          hint: 'Give a moment in the future, or none.',
          path: ['input', 'expiresAt'],
        });
      }
      const id = newId();
      const secret = newSecret('cwt');
      await tx.query(
        `INSERT INTO api_token (id, contributor_id, name, secret_sha256, hint, scopes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          id,
          viewer.contributorId,
          name,
          secretDigest(secret),
          secret.slice(0, 8),
          [...new Set(input.scopes)],
          tx.now,
          input.expiresAt ?? null,
        ],
      );
      return { id, secret };
    });
  }

  /** Revokes one of the viewer's tokens, at once and for ever. */
  async revokeApiToken(viewer: Contributor, id: string): Promise<Outcome<string>> {
    return this.uow.run('identity.api-token-revoke', async (tx) => {
      const rows = await tx.query(
        `UPDATE api_token SET revoked_at = coalesce(revoked_at, $3) WHERE id = $1 AND contributor_id = $2 RETURNING id`,
        [id, viewer.contributorId, tx.now],
      );
      return rows.length > 0 ? id : notFound('API_TOKEN_NOT_FOUND', 'You have no such token.', ['input', 'apiTokenId']);
    });
  }

  /** Makes a project and its organisation (named like the project unless said otherwise); the viewer becomes owner. */
  async createProject(
    viewer: Contributor,
    input: { name: string; organisationName?: string | null },
  ): Promise<Outcome<string>> {
    const name = text('name', input.name, 120);
    if (isRefused(name)) return name;
    const organisationName = text('organisationName', input.organisationName ?? name, 120);
    if (isRefused(organisationName)) return organisationName;
    return this.uow.run('identity.project-create', async (tx) => {
      const organisationId = newId();
      await tx.query('INSERT INTO organisation (id, slug, name, created_at) VALUES ($1, $2, $3, $4)', [
        organisationId,
        `${slugOf(organisationName)}-${organisationId.slice(-6)}`,
        organisationName,
        tx.now,
      ]);
      const id = newId();
      await tx.query('INSERT INTO project (id, organisation_id, slug, name, created_at) VALUES ($1, $2, $3, $4, $5)', [
        id,
        organisationId,
        `${slugOf(name)}-${id.slice(-6)}`,
        name,
        tx.now,
      ]);
      await this.grant(tx, id, viewer.contributorId, ['owner'], viewer.contributorId);
      tx.emit({ type: 'project.created', aggregateType: 'project', aggregateId: id, payload: { projectId: id, name } });
      return id;
    });
  }

  /** Sets the roles of a member, exactly. Only an owner may; the last owner can't be removed. */
  async setProjectMember(
    viewer: Contributor,
    input: { projectId: string; contributorId: string; roles: readonly string[] },
  ): Promise<Outcome<string>> {
    const unknown = input.roles.find((role) => !PROJECT_ROLES.includes(role as ProjectRole));
    if (unknown !== undefined) {
      return refuse({
        code: 'ROLE_UNKNOWN',
        message: `There is no role "${unknown}".`,
        hint: `Choose from: ${PROJECT_ROLES.join(', ')}.`,
        path: ['input', 'roles'],
      });
    }
    return this.uow.run('identity.project-member-set', async (tx) => {
      await tx.query('SELECT 1 FROM project WHERE id = $1 FOR UPDATE', [input.projectId]);
      const denied = await requireProjectRole(tx, viewer, input.projectId, []);
      if (denied) return denied;
      const [person] = await tx.query(
        // Waits for an erasure under way, and finds nobody after it.
        'SELECT 1 FROM contributor WHERE id = $1 AND erased_at IS NULL FOR KEY SHARE',
        [input.contributorId],
      );
      if (!person) {
        return notFound('CONTRIBUTOR_NOT_FOUND', 'There is no such contributor.', ['input', 'contributorId']);
      }
      await tx.query('DELETE FROM project_member WHERE project_id = $1 AND contributor_id = $2', [
        input.projectId,
        input.contributorId,
      ]);
      await this.grant(tx, input.projectId, input.contributorId, input.roles as ProjectRole[], viewer.contributorId);
      const owners = await tx.query("SELECT 1 FROM project_member WHERE project_id = $1 AND role = 'owner'", [
        input.projectId,
      ]);
      if (owners.length === 0) {
        return refuse({
          code: 'PROJECT_LAST_OWNER',
          message: 'A project keeps at least one owner.',
          hint: 'Make somebody else an owner first.',
          path: ['input', 'roles'],
        });
      }
      return input.projectId;
    });
  }

  private async grant(tx: Tx, projectId: string, contributorId: string, roles: readonly ProjectRole[], by: string) {
    await tx.query(
      `INSERT INTO project_member (project_id, contributor_id, role, granted_by, granted_at)
       SELECT $1, $2, role, $4, $5 FROM unnest($3::text[]) AS role`,
      [projectId, contributorId, [...new Set(roles)], by, tx.now],
    );
  }

  private async findOrCreate(tx: Tx, name: string, email: string): Promise<string> {
    const [row] = await tx.query<{ id: string }>(
      `INSERT INTO contributor (id, pseudonym, display_name, email, created_at) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (lower(email)) DO UPDATE SET email = excluded.email RETURNING id`,
      [newId(), newId(), name, email, tx.now],
    );
    if (!row) throw new Error('contributor was neither found nor made');
    return row.id;
  }
}

const slugOf = (name: string): string =>
  name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 60) || 'x';

/** Trimmed text of 1 to `max` characters without control characters. */
function text(field: string, value: string, max: number): Outcome<string> {
  const trimmed = value.trim();
  const path = ['input', field];
  if (trimmed.length < 1 || trimmed.length > max) {
    return refuse({
      code: 'TEXT_LENGTH',
      message: `"${field}" has ${trimmed.length} characters.`,
      hint: `Give 1 to ${max} characters.`,
      path,
    });
  }
  // \p{Cs} under the flag u is a surrogate without its other half, which UTF-8 can't hold.
  if (/[\p{Cc}\p{Cs}]/u.test(trimmed)) {
    return refuse({
      code: 'TEXT_CHARACTERS',
      message: `"${field}" holds control characters.`,
      hint: 'Give plain text in one line.',
      path,
    });
  }
  return trimmed;
}

const notFound = (code: string, message: string, path: readonly string[]): Refused =>
  refuse({ code, message, hint: 'Check the id.', path });
