import type { Tx } from '#platform';
import { ABANDONED_MS, MAX_ATTEMPTS, backoffMs } from '../domain/mail.rule.js';
import type { Kind } from '../domain/notification.rule.js';

export interface MailRow {
  readonly contributor_id: string;
  readonly message_id: string;
  readonly attempts: number;
  readonly email: string | null;
  readonly kind: Kind;
  readonly title: string;
  readonly body: string;
  readonly link: string;
}

/**
 * Takes due mail for sending; each is counted as tried before it is. Any number of workers take at a time. Mail that a
 * dead worker left is taken again.
 */
export function claimMail(tx: Tx, limit: number): Promise<MailRow[]> {
  return tx.query<MailRow>(
    `WITH due AS (
       SELECT contributor_id, message_id FROM notification_mail
        WHERE state IN ('waiting', 'sending') AND next_attempt_at <= $1
        ORDER BY next_attempt_at LIMIT ${limit} FOR UPDATE SKIP LOCKED),
     taken AS (
       UPDATE notification_mail m SET state = 'sending', attempts = m.attempts + 1, next_attempt_at = $2
         FROM due WHERE m.contributor_id = due.contributor_id AND m.message_id = due.message_id
       RETURNING m.contributor_id, m.message_id, m.attempts)
     SELECT taken.contributor_id, taken.message_id, taken.attempts, c.email, k.kind, k.title, k.body, k.link
       FROM taken JOIN contributor c ON c.id = taken.contributor_id JOIN notification_message k ON k.id = taken.message_id`,
    [tx.now, new Date(tx.now.getTime() + ABANDONED_MS)],
  );
}

/** What became of one try. `error` undefined: it was handed over. A refusal for good is not tried again. */
export async function recordMail(
  tx: Tx,
  mail: MailRow,
  result: { error?: string; isFinal?: boolean },
): Promise<'sent' | 'waiting' | 'failed'> {
  const state =
    result.error === undefined ? 'sent' : result.isFinal || mail.attempts >= MAX_ATTEMPTS ? 'failed' : 'waiting';
  await tx.query(
    `UPDATE notification_mail SET state = $3, last_error = $4, next_attempt_at = $5, ended_at = $6
      WHERE contributor_id = $1 AND message_id = $2 AND state = 'sending' AND attempts = $7`,
    [
      mail.contributor_id,
      mail.message_id,
      state,
      result.error?.slice(0, 300) ?? null,
      new Date(tx.now.getTime() + backoffMs(mail.attempts)),
      state === 'waiting' ? null : tx.now,
      mail.attempts,
    ],
  );
  return state;
}
