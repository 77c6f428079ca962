import { newId } from '#kernel';
import type { Tx } from '#platform';
import type { Audience, Kind, Message } from '../domain/notification.rule.js';

/** Who belongs to a group, as ids of contributors; $1 is the pledge for `backer`, else the campaign. */
const GROUPS: Readonly<Record<Audience, string>> = {
  backer: `SELECT contributor_id FROM cash_pledge WHERE id = $1
     UNION SELECT contributor_id FROM compute_pledge WHERE id = $1`,
  backers: `SELECT contributor_id FROM cash_pledge WHERE campaign_id = $1 AND state NOT IN ('cancelled', 'expired')
     UNION SELECT contributor_id FROM compute_pledge WHERE campaign_id = $1 AND state <> 'withdrawn'`,
  treasury: `SELECT m.contributor_id FROM campaign c JOIN project_member m ON m.project_id = c.project_id
      WHERE c.id = $1 AND m.role IN ('owner', 'treasurer')`,
  approvers: `SELECT m.contributor_id FROM campaign c JOIN project_member m ON m.project_id = c.project_id
      WHERE c.id = $1 AND m.role IN ('owner', 'treasurer', 'reviewer')`,
};

export interface NewMessage extends Message {
  readonly eventId: string;
  readonly audience: Audience;
  readonly kind: Kind;
  /** The pledge for `backer`, the campaign for every other audience. */
  readonly subjectId: string;
  readonly byMail: boolean;
}

/**
 * Tells a group of people, each once, however often the event is delivered. One statement for any number of them: a
 * campaign may have a quarter of a million backers.
 */
export async function tell(tx: Tx, message: NewMessage): Promise<void> {
  const [row] = await tx.query<{ id: string }>(
    `INSERT INTO notification_message (id, event_id, audience, kind, title, body, link, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT ON CONSTRAINT notification_message_event_id_audience_uq DO NOTHING RETURNING id`,
    [
      newId(),
      message.eventId,
      message.audience,
      message.kind,
      message.title.slice(0, 200),
      message.body,
      message.link,
      tx.now,
    ],
  );
  if (!row) return;
  await tx.query(
    `WITH told AS (
       INSERT INTO notification (contributor_id, message_id)
       SELECT DISTINCT who.contributor_id, $2::uuid FROM (${GROUPS[message.audience]}) AS who
         JOIN contributor c ON c.id = who.contributor_id AND c.erased_at IS NULL
       RETURNING contributor_id)
     INSERT INTO notification_mail (contributor_id, message_id, next_attempt_at)
     SELECT told.contributor_id, $2, $4 FROM told
       JOIN contributor c ON c.id = told.contributor_id AND c.email IS NOT NULL
      WHERE $5 AND NOT EXISTS (
        SELECT 1 FROM notification_silence s WHERE s.contributor_id = told.contributor_id AND s.kind = $3)`,
    [message.subjectId, row.id, message.kind, tx.now, message.byMail],
  );
}

export interface NotificationRow {
  readonly id: string;
  readonly kind: Kind;
  readonly title: string;
  readonly body: string;
  readonly link: string;
  readonly created_at: Date;
  readonly read_at: Date | null;
}

/** A page of a person's notifications, newest first. */
export function notificationsPage(
  tx: Tx,
  contributorId: string,
  filter: { after: string | undefined; unread: boolean },
  limit: number,
): Promise<NotificationRow[]> {
  return tx.query<NotificationRow>(
    `SELECT m.id, m.kind, m.title, m.body, m.link, m.created_at, n.read_at
       FROM notification n JOIN notification_message m ON m.id = n.message_id
      WHERE n.contributor_id = $1 AND ($2::uuid IS NULL OR n.message_id < $2::uuid) AND (NOT $3 OR n.read_at IS NULL)
      ORDER BY n.message_id DESC LIMIT ${limit}`,
    [contributorId, filter.after ?? null, filter.unread],
  );
}

/** How many a person has not read; counting stops at 100. */
export async function unreadCount(tx: Tx, contributorId: string): Promise<number> {
  const [row] = await tx.query<{ n: bigint }>(
    `SELECT count(*) AS n FROM (SELECT 1 FROM notification WHERE contributor_id = $1 AND read_at IS NULL LIMIT 100) AS u`,
    [contributorId],
  );
  return Number(row?.n ?? 0n);
}

/** Marks notifications of this person as read: those given, or all. Answers which of the given ids are the person's. */
export async function markRead(
  tx: Tx,
  contributorId: string,
  ids: readonly string[] | undefined,
): Promise<{ known: number }> {
  if (ids) {
    const rows = await tx.query(
      'SELECT 1 FROM notification WHERE contributor_id = $1 AND message_id = ANY($2::uuid[]) FOR UPDATE',
      [contributorId, ids],
    );
    if (rows.length < ids.length) return { known: rows.length };
  }
  await tx.query(
    `UPDATE notification SET read_at = $2
      WHERE contributor_id = $1 AND read_at IS NULL AND ($3::uuid[] IS NULL OR message_id = ANY($3::uuid[]))`,
    [contributorId, tx.now, ids ?? null],
  );
  return { known: ids?.length ?? 0 };
}

export async function silenced(tx: Tx, contributorId: string): Promise<Set<string>> {
  const rows = await tx.query<{ kind: string }>('SELECT kind FROM notification_silence WHERE contributor_id = $1', [
    contributorId,
  ]);
  return new Set(rows.map((row) => row.kind));
}

/** The kinds that this person does not want by mail, exactly. */
export async function setSilences(tx: Tx, contributorId: string, kinds: readonly string[]): Promise<void> {
  await tx.query('DELETE FROM notification_silence WHERE contributor_id = $1', [contributorId]);
  await tx.query(
    'INSERT INTO notification_silence (contributor_id, kind) SELECT $1, kind FROM unnest($2::text[]) AS kind',
    [contributorId, kinds],
  );
}

/** Deletes everything that was told to an erased person. */
export async function forgetPerson(tx: Tx, pseudonym: string): Promise<void> {
  for (const table of ['notification', 'notification_silence']) {
    await tx.query(
      `DELETE FROM ${table} WHERE contributor_id = (SELECT id FROM contributor WHERE pseudonym = $1::uuid)`,
      [pseudonym],
    );
  }
}
