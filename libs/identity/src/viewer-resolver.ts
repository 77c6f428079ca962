import { Injectable } from '@nestjs/common';
import { ANONYMOUS, type PlatformRole, type Scope, type Viewer, type ViewerResolver } from '#platform';
import { DataSource } from 'typeorm';
import { kindOf, secretDigest } from './secrets.js';

export const SESSION_COOKIE = 'cw_session';

/** The secret of the session cookie in a Cookie header. */
export function sessionSecret(cookie: string | undefined): string | undefined {
  for (const part of (cookie ?? '').split(';')) {
    const [name, value] = part.trim().split('=', 2);
    if (name === SESSION_COOKIE && value && kindOf(value) === 'cws') return value;
  }
  return undefined;
}

interface Row {
  contributor_id: string;
  pseudonym: string;
  display_name: string | null;
  scopes: Scope[] | null;
  roles: PlatformRole[];
}

const viewerOf = (found: string) => `${found}
  SELECT s.contributor_id, s.scopes, c.pseudonym, c.display_name,
         ARRAY(SELECT role FROM contributor_platform_role r WHERE r.contributor_id = c.id) AS roles
    FROM s JOIN contributor c ON c.id = s.contributor_id AND c.erased_at IS NULL`;

const BY_SESSION = viewerOf(`
  WITH s AS (SELECT contributor_id, NULL::text[] AS scopes FROM session
              WHERE secret_sha256 = $1 AND ended_at IS NULL AND expires_at > now())`);

// The last use is written once a minute, not once a request: a busy token would be one hot row.
const BY_TOKEN = viewerOf(`
  WITH s AS (SELECT id, contributor_id, scopes, last_used_at FROM api_token
              WHERE secret_sha256 = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())),
       used AS (UPDATE api_token t SET last_used_at = now() FROM s
                 WHERE t.id = s.id AND (s.last_used_at IS NULL OR s.last_used_at < now() - interval '1 minute'))`);

/**
 * Finds the viewer from a bearer secret (a token or a session) or the session cookie, by one indexed look-up of its
 * digest. A secret that is unknown, expired, ended or revoked is as good as none: the viewer is anonymous.
 */
@Injectable()
export class DatabaseViewerResolver implements ViewerResolver {
  constructor(private readonly dataSource: DataSource) {}

  async resolve(credentials: { authorization?: string; cookie?: string }): Promise<Viewer> {
    const bearer = /^Bearer +(\S+)$/i.exec(credentials.authorization ?? '')?.[1];
    const secret = bearer ?? sessionSecret(credentials.cookie);
    const kind = secret === undefined ? undefined : kindOf(secret);
    if (secret === undefined || kind === undefined) return ANONYMOUS;
    const [row] = await this.dataSource.query<Row[]>(kind === 'cws' ? BY_SESSION : BY_TOKEN, [secretDigest(secret)]);
    if (!row) return ANONYMOUS;
    return {
      kind: 'contributor',
      contributorId: row.contributor_id,
      pseudonym: row.pseudonym,
      displayName: row.display_name ?? 'Erased contributor',
      scopes: row.scopes ? new Set(row.scopes) : 'all',
      platformRoles: new Set(row.roles),
    };
  }
}
