import { Injectable } from '@nestjs/common';
import { ANONYMOUS, GroupCommitter, type PlatformRole, type Scope, type Viewer, type ViewerResolver } from '#platform';
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
  /** The digest that was asked for, hexadecimal. */
  digest: string;
  contributor_id: string;
  pseudonym: string;
  display_name: string | null;
  scopes: Scope[] | null;
  roles: PlatformRole[];
}

const viewerOf = (found: string) => `${found}
  SELECT encode(s.secret_sha256, 'hex') AS digest, s.contributor_id, s.scopes, c.pseudonym, c.display_name,
         ARRAY(SELECT role FROM contributor_platform_role r WHERE r.contributor_id = c.id) AS roles
    FROM s JOIN contributor c ON c.id = s.contributor_id AND c.erased_at IS NULL`;

const BY_SESSION = viewerOf(`
  WITH s AS (SELECT secret_sha256, contributor_id, NULL::text[] AS scopes FROM session
              WHERE secret_sha256 = ANY($1::bytea[]) AND ended_at IS NULL AND expires_at > now())`);

// The last use is written once a minute, not once a request: a busy token would be one hot row.
const BY_TOKEN = viewerOf(`
  WITH s AS (SELECT id, secret_sha256, contributor_id, scopes, last_used_at FROM api_token
              WHERE secret_sha256 = ANY($1::bytea[]) AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())),
       stale AS (SELECT t.id FROM api_token t JOIN s ON s.id = t.id
                  WHERE s.last_used_at IS NULL OR s.last_used_at < now() - interval '1 minute'
                    FOR UPDATE OF t SKIP LOCKED),
       used AS (UPDATE api_token t SET last_used_at = now() FROM stale WHERE t.id = stale.id)`);

const BATCH_MAX = 200;
const LANES = 2;

/**
 * Finds the viewer from a bearer secret (a token or a session) or the session cookie, by one indexed look-up of its
 * digest. A secret that is unknown, expired, ended or revoked is as good as none: the viewer is anonymous.
 */
@Injectable()
export class DatabaseViewerResolver implements ViewerResolver {
  /** Requests that come while a look-up is under way share the next one. Each begins after its request came. */
  readonly #lookUp: Record<'cws' | 'cwt', GroupCommitter<Buffer, Row | undefined>>;

  constructor(dataSource: DataSource) {
    const by = (sql: string): GroupCommitter<Buffer, Row | undefined> =>
      new GroupCommitter(
        async (digests) => {
          const rows = await dataSource.query<Row[]>(sql, [digests]);
          const found = new Map(rows.map((row) => [row.digest, row]));
          return digests.map((digest) => found.get(digest.toString('hex')));
        },
        { maxBatch: BATCH_MAX, lanes: LANES },
      );
    this.#lookUp = { cws: by(BY_SESSION), cwt: by(BY_TOKEN) };
  }

  async resolve(credentials: { authorization?: string; cookie?: string }): Promise<Viewer> {
    const bearer = /^Bearer +(\S+)$/i.exec(credentials.authorization ?? '')?.[1];
    const secret = bearer ?? sessionSecret(credentials.cookie);
    const kind = secret === undefined ? undefined : kindOf(secret);
    if (secret === undefined || kind === undefined) return ANONYMOUS;
    const row = await this.#lookUp[kind].submit(secretDigest(secret));
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
