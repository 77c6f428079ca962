import type { Tx } from '#platform';

/** An event that was verified and not yet stored. */
export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly objectId: string;
  /** What is kept of the event, as JSON text: nothing personal. */
  readonly payload: string;
  readonly contentSha256: string;
  readonly occurredAt: Date;
}

export interface InboxEvent {
  readonly id: string;
  readonly type: string;
  readonly object_id: string;
  readonly payload: { readonly data: { readonly object: Record<string, unknown> } };
  readonly received_at: Date;
  readonly attempts: number;
}

export type Reception = 'stored' | 'known' | 'conflict';

interface Stored {
  readonly id: string;
  /** Of the row that stands; null where another transaction wrote it a moment ago. */
  readonly content_sha256: string | null;
  readonly added: boolean;
}

/** Stores a batch in one statement; an event that is there already is left as it is. */
export async function storeEvents(tx: Tx, events: readonly ReceivedEvent[]): Promise<Reception[]> {
  const unique = [...new Map(events.map((event) => [event.id, event])).values()];
  const rows = await tx.query<Stored>(
    `WITH given AS (
       SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::text[], $6::timestamptz[])
         AS n (id, type, object_id, payload, sha, occurred_at)),
     known AS (SELECT e.id, e.content_sha256 FROM stripe_event e WHERE e.id = ANY ($1)),
     added AS (
       INSERT INTO stripe_event (id, type, object_id, payload, content_sha256, occurred_at, received_at, next_attempt_at)
       SELECT n.id, n.type, n.object_id, n.payload, n.sha, n.occurred_at, $7, $7
         FROM given n WHERE NOT EXISTS (SELECT 1 FROM known k WHERE k.id = n.id) ORDER BY n.id
       ON CONFLICT (id) DO NOTHING RETURNING id, content_sha256)
     SELECT n.id, coalesce(a.content_sha256, k.content_sha256) AS content_sha256, a.id IS NOT NULL AS added
       FROM given n LEFT JOIN added a ON a.id = n.id LEFT JOIN known k ON k.id = n.id`,
    [
      unique.map((event) => event.id),
      unique.map((event) => event.type),
      unique.map((event) => event.objectId),
      unique.map((event) => event.payload),
      unique.map((event) => event.contentSha256),
      unique.map((event) => event.occurredAt),
      tx.now,
    ],
  );
  const digests = new Map(rows.map((row) => [row.id, row.content_sha256]));
  const raced = rows.filter((row) => row.content_sha256 === null).map((row) => row.id);
  if (raced.length > 0) {
    const known = await tx.query<{ id: string; content_sha256: string }>(
      'SELECT id, content_sha256 FROM stripe_event WHERE id = ANY($1)',
      [raced],
    );
    for (const row of known) digests.set(row.id, row.content_sha256);
  }
  const stored = new Set(rows.filter((row) => row.added).map((row) => row.id));
  return events.map((event) => {
    if (digests.get(event.id) !== event.contentSha256) return 'conflict';
    return stored.delete(event.id) ? 'stored' : 'known';
  });
}

/** Takes events whose turn it is, away from other workers until `leaseUntil`. */
export async function claimEvents(tx: Tx, limit: number, leaseUntil: Date): Promise<InboxEvent[]> {
  return tx.query<InboxEvent>(
    `UPDATE stripe_event SET next_attempt_at = $2, attempts = attempts + 1
      WHERE id IN (SELECT id FROM stripe_event WHERE state IN ('waiting', 'parked') AND next_attempt_at <= $1
                   ORDER BY next_attempt_at, occurred_at LIMIT $3 FOR UPDATE SKIP LOCKED)
      RETURNING id, type, object_id, payload, received_at, attempts`,
    [tx.now, leaseUntil, limit],
  );
}

export interface FinishedEvent {
  readonly id: string;
  readonly state: 'done' | 'ignored' | 'orphaned';
  readonly note: string | undefined;
}

export async function finishEvents(tx: Tx, events: readonly FinishedEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query(
    `UPDATE stripe_event e SET state = n.state, done_at = $4, last_error = n.note, awaits = NULL
       FROM unnest($1::text[], $2::text[], $3::text[]) AS n (id, state, note) WHERE e.id = n.id`,
    [
      events.map((event) => event.id),
      events.map((event) => event.state),
      events.map((event) => event.note ?? null),
      tx.now,
    ],
  );
}

export interface PostponedEvent {
  readonly id: string;
  readonly state: 'waiting' | 'parked';
  readonly nextAttemptAt: Date;
  readonly note: string;
  /** Of a parked one: the id of the payment, or of its intent, that wakes it. */
  readonly awaits: string | undefined;
}

export async function postponeEvents(tx: Tx, events: readonly PostponedEvent[]): Promise<void> {
  if (events.length === 0) return;
  await tx.query(
    `UPDATE stripe_event e SET state = n.state, next_attempt_at = n.at, last_error = n.note, awaits = n.awaits
       FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[]) AS n (id, state, at, note, awaits)
      WHERE e.id = n.id`,
    [
      events.map((event) => event.id),
      events.map((event) => event.state),
      events.map((event) => event.nextAttemptAt),
      events.map((event) => event.note.slice(0, 1000)),
      events.map((event) => event.awaits ?? null),
    ],
  );
}

/** Up to when Stripe's list was compared with the inbox; undefined before the first time. */
export async function comparedUntil(tx: Tx): Promise<Date | undefined> {
  const [row] = await tx.query<{ compared_until: Date }>('SELECT compared_until FROM stripe_backfill WHERE id = 1');
  return row?.compared_until;
}

export async function saveComparedUntil(tx: Tx, at: Date): Promise<void> {
  await tx.query(
    `INSERT INTO stripe_backfill (id, compared_until) VALUES (1, $1)
     ON CONFLICT (id) DO UPDATE SET compared_until = greatest(stripe_backfill.compared_until, excluded.compared_until)`,
    [at],
  );
}
