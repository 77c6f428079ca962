import { type Page, type PageArgs, decodeCursor, newId, pageOf, pageSize } from '#kernel';
import type { Tx, Viewer } from '#platform';
import type { Audience, UpdateText } from '../domain/update.rule.js';

/** An update in one of its versions. */
export interface UpdateRow extends UpdateText {
  readonly id: string;
  readonly campaignId: string;
  readonly number: number;
  readonly audience: Audience;
  readonly publishedAt: Date;
  readonly version: number;
  readonly correction: string | null;
  readonly writtenAt: Date;
}

const COLUMNS = `u.id, u.campaign_id AS "campaignId", u.number, u.audience, u.published_at AS "publishedAt", v.version,
  v.title, v.body, v.correction, v.written_at AS "writtenAt"`;
const NEWEST = `campaign_update u JOIN LATERAL (SELECT * FROM campaign_update_version x WHERE x.update_id = u.id
  ORDER BY x.version DESC LIMIT 1) v ON true`;

/** Who reads what is for backers only: backers, the project's people and operators. `$1` is the reader. */
const READABLE = `(u.audience = 'public' OR $2
  OR EXISTS (SELECT 1 FROM campaign_backer b WHERE b.campaign_id = u.campaign_id AND b.contributor_id = $1::uuid AND b.holding > 0)
  OR EXISTS (SELECT 1 FROM campaign c JOIN project_member m ON m.project_id = c.project_id
              WHERE c.id = u.campaign_id AND m.contributor_id = $1::uuid))`;

const reader = (viewer: Viewer): [string | null, boolean] =>
  viewer.kind === 'anonymous' ? [null, false] : [viewer.contributorId, viewer.platformRoles.has('operator')];

/** Writes the first version under the campaign's next number. The caller holds the campaign alone. */
export async function insertUpdate(
  tx: Tx,
  u: UpdateText & { readonly campaignId: string; readonly audience: Audience; readonly by: string },
): Promise<{ id: string; number: number }> {
  const id = newId();
  const [row] = await tx.query<{ number: number }>(
    `INSERT INTO campaign_update (id, campaign_id, number, audience, published_by, published_at)
     SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5 FROM campaign_update WHERE campaign_id = $2 RETURNING number`,
    [id, u.campaignId, u.audience, u.by, tx.now],
  );
  await insertUpdateVersion(tx, id, 1, u, null);
  return { id, number: row?.number ?? 0 };
}

export async function insertUpdateVersion(
  tx: Tx,
  updateId: string,
  version: number,
  text: UpdateText & { readonly by: string },
  correction: string | null,
): Promise<void> {
  await tx.query(
    `INSERT INTO campaign_update_version (update_id, version, title, body, correction, written_by, written_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7)`,
    [updateId, version, text.title, text.body, correction, text.by, tx.now],
  );
}

/** The update in its newest version, whoever may read it. */
export async function findUpdate(tx: Tx, id: string): Promise<UpdateRow | undefined> {
  return (await tx.query<UpdateRow>(`SELECT ${COLUMNS} FROM ${NEWEST} WHERE u.id = $1`, [id]))[0];
}

/** The update in its newest version, if this person may read it. */
export async function readableUpdate(tx: Tx, viewer: Viewer, id: string): Promise<UpdateRow | undefined> {
  const sql = `SELECT ${COLUMNS} FROM ${NEWEST} WHERE u.id = $3 AND ${READABLE}`;
  return (await tx.query<UpdateRow>(sql, [...reader(viewer), id]))[0];
}

/** Updates of a campaign that this person may read, newest first. */
export async function updatesPage(
  tx: Tx,
  viewer: Viewer,
  campaignId: string,
  args: PageArgs,
): Promise<Page<UpdateRow>> {
  const limit = pageSize(args.first);
  const after = decodeCursor(args.after);
  const before = after !== undefined && /^\d{1,9}$/.test(after) ? Number(after) : null;
  const rows = await tx.query<UpdateRow>(
    `SELECT ${COLUMNS} FROM ${NEWEST} WHERE u.campaign_id = $3 AND ($4::integer IS NULL OR u.number < $4) AND ${READABLE}
      ORDER BY u.number DESC LIMIT ${limit + 1}`,
    [...reader(viewer), campaignId, before],
  );
  return pageOf(rows, limit, (row) => String(row.number));
}

/** Every version of an update, newest first. The caller has made sure that it may be read. */
export function updateVersions(tx: Tx, id: string): Promise<UpdateRow[]> {
  return tx.query<UpdateRow>(
    `SELECT ${COLUMNS} FROM campaign_update u JOIN campaign_update_version v ON v.update_id = u.id
      WHERE u.id = $1 ORDER BY v.version DESC`,
    [id],
  );
}
