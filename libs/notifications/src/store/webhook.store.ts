import { newId } from '#kernel';
import type { Tx } from '#platform';
import { PATIENCE_MS, waitMs } from '../domain/webhook.rule.js';

export interface EndpointRow {
  readonly id: string;
  readonly project_id: string;
  readonly url: string;
  readonly event_types: string[];
  readonly secret_number: number;
  readonly state: 'active' | 'disabled';
  readonly state_reason: string | null;
  readonly next_position: bigint;
  readonly failing_since: Date | null;
  readonly attempts: number;
  readonly next_attempt_at: Date;
  readonly created_at: Date;
}
const COLUMNS = `id, project_id, url, event_types, secret_number, state, state_reason, next_position, failing_since,
  attempts, next_attempt_at, created_at`;

/** How many attempts of an endpoint are kept. */
const KEPT = 100;

export const endpointsOf = (tx: Tx, projectId: string): Promise<EndpointRow[]> =>
  tx.query<EndpointRow>(`SELECT ${COLUMNS} FROM webhook_endpoint WHERE project_id = $1 ORDER BY id`, [projectId]);

export async function lockEndpoint(tx: Tx, id: string): Promise<EndpointRow | undefined> {
  const [row] = await tx.query<EndpointRow>(`SELECT ${COLUMNS} FROM webhook_endpoint WHERE id = $1 FOR UPDATE`, [id]);
  return row;
}

/** Adds an endpoint that hears what happens from now on; undefined when the project has one at that address. */
export async function insertEndpoint(
  tx: Tx,
  input: { projectId: string; url: string; eventTypes: readonly string[]; createdBy: string },
): Promise<EndpointRow | undefined> {
  const [row] = await tx.query<EndpointRow>(
    `INSERT INTO webhook_endpoint (id, project_id, url, event_types, state, next_position, next_attempt_at, created_by, created_at)
     SELECT $1, $2, $3, $4, 'active', next_position, $6, $5, $6 FROM event_counter WHERE id = 1
     ON CONFLICT ON CONSTRAINT webhook_endpoint_project_id_url_uq DO NOTHING RETURNING ${COLUMNS}`,
    [newId(), input.projectId, input.url, input.eventTypes, input.createdBy, tx.now],
  );
  return row;
}

/** Changes what is given. An endpoint that is switched on again begins where it stood, with no failure counted. */
export async function changeEndpoint(
  tx: Tx,
  id: string,
  change: { state?: 'active' | 'disabled'; reason?: string; eventTypes?: readonly string[]; position?: bigint },
): Promise<void> {
  await tx.query(
    `UPDATE webhook_endpoint SET state = coalesce($2, state), state_reason = CASE WHEN $2 IS NULL THEN state_reason ELSE $3 END,
        event_types = coalesce($4, event_types), next_position = coalesce($5, next_position),
        failing_since = NULL, attempts = 0, next_attempt_at = $6 WHERE id = $1`,
    [
      id,
      change.state ?? null,
      change.reason ?? null,
      change.eventTypes ?? null,
      change.position === undefined ? null : String(change.position),
      tx.now,
    ],
  );
}

export async function nextSecret(tx: Tx, id: string): Promise<number> {
  const [row] = await tx.query<{ secret_number: number }>(
    'UPDATE webhook_endpoint SET secret_number = secret_number + 1 WHERE id = $1 RETURNING secret_number',
    [id],
  );
  return row?.secret_number ?? 1;
}

/** An active endpoint that is due, held until the unit of work ends; two workers never hold the same. */
export async function claimEndpoint(tx: Tx, holdUntil: Date): Promise<EndpointRow | undefined> {
  const [row] = await tx.query<EndpointRow>(
    `UPDATE webhook_endpoint SET next_attempt_at = $2 WHERE id = (
        SELECT e.id FROM webhook_endpoint e CROSS JOIN event_counter c
         WHERE e.state = 'active' AND e.next_attempt_at <= $1 AND e.next_position < c.next_position
         ORDER BY e.next_attempt_at LIMIT 1 FOR UPDATE OF e SKIP LOCKED)
     RETURNING ${COLUMNS}`,
    [tx.now, holdUntil],
  );
  return row;
}

export interface FeedEvent {
  readonly id: string;
  readonly position: bigint;
  readonly type: string;
  readonly payload: Record<string, unknown>;
  readonly occurred_at: Date;
}

/**
 * The next events of an endpoint, and the position up to which the record was looked through for them. An event is a
 * project's when it names one of its campaigns, or is about a run of one.
 */
export async function nextEvents(
  tx: Tx,
  endpoint: EndpointRow,
  window: number,
): Promise<{ events: FeedEvent[]; lookedTo: bigint }> {
  const [counter] = await tx.query<{ next_position: bigint }>('SELECT next_position FROM event_counter WHERE id = 1');
  const end = endpoint.next_position + BigInt(window);
  const lookedTo = counter && counter.next_position < end ? counter.next_position : end;
  const events = await tx.query<FeedEvent>(
    `SELECT o.id, o.position, o.type, o.payload, o.occurred_at FROM event_outbox o
      WHERE o.position >= $2 AND o.position < $3 AND o.is_public AND (cardinality($4::text[]) = 0 OR o.type = ANY($4::text[]))
        AND EXISTS (SELECT 1 FROM campaign c WHERE c.project_id = $1 AND (c.id::text = o.payload ->> 'campaignId'
              OR c.id IN (SELECT r.campaign_id FROM run r WHERE o.aggregate_type = 'run' AND r.id::text = o.aggregate_id)))
      ORDER BY o.position`,
    [endpoint.project_id, String(endpoint.next_position), String(lookedTo), endpoint.event_types],
  );
  return { events, lookedTo };
}

/** Moves the endpoint on: everything below the position was taken. Nobody else looks at it before `nextAttemptAt`. */
export async function passTo(tx: Tx, endpoint: EndpointRow, position: bigint, nextAttemptAt: Date): Promise<void> {
  await tx.query(
    `UPDATE webhook_endpoint SET next_position = $2, failing_since = NULL, attempts = 0, next_attempt_at = $4
      WHERE id = $1 AND next_position = $3`,
    [endpoint.id, String(position), String(endpoint.next_position), nextAttemptAt],
  );
}

/** Counts a failure: a later try, or the end of it. Answers whether the endpoint is switched off now. */
export async function failEndpoint(tx: Tx, endpoint: EndpointRow, error: string): Promise<boolean> {
  const since = endpoint.failing_since ?? tx.now;
  const isOver = tx.now.getTime() - since.getTime() >= PATIENCE_MS;
  const attempts = endpoint.attempts + 1;
  await tx.query(
    `UPDATE webhook_endpoint SET failing_since = $2, attempts = $3, next_attempt_at = $4,
        state = CASE WHEN $5 THEN 'disabled' ELSE state END, state_reason = CASE WHEN $5 THEN $6 ELSE state_reason END
      WHERE id = $1 AND next_position = $7`,
    [
      endpoint.id,
      since,
      attempts,
      new Date(tx.now.getTime() + waitMs(attempts)),
      isOver,
      `failed for five days, last: ${error}`.slice(0, 300),
      String(endpoint.next_position),
    ],
  );
  return isOver;
}

export interface Attempt {
  readonly event: FeedEvent;
  readonly durationMs: number;
  readonly status: number | undefined;
  readonly error: string | undefined;
}

export async function recordAttempt(tx: Tx, endpointId: string, attempt: Attempt): Promise<void> {
  await tx.query(
    `INSERT INTO webhook_attempt (endpoint_id, id, event_id, event_type, at, duration_ms, status, error)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      endpointId,
      newId(),
      attempt.event.id,
      attempt.event.type,
      tx.now,
      attempt.durationMs,
      attempt.status ?? null,
      attempt.error?.slice(0, 300) ?? null,
    ],
  );
  await tx.query(
    `DELETE FROM webhook_attempt WHERE endpoint_id = $1 AND id <= (
        SELECT id FROM webhook_attempt WHERE endpoint_id = $1 ORDER BY id DESC OFFSET ${KEPT} LIMIT 1)`,
    [endpointId],
  );
}

export interface AttemptRow {
  readonly id: string;
  readonly event_id: string;
  readonly event_type: string;
  readonly at: Date;
  readonly duration_ms: number;
  readonly status: number | null;
  readonly error: string | null;
}
export const attemptsOf = (tx: Tx, endpointIds: readonly string[]): Promise<(AttemptRow & { endpoint_id: string })[]> =>
  tx.query(
    `SELECT a.* FROM unnest($1::uuid[]) AS e(id) CROSS JOIN LATERAL (
        SELECT endpoint_id, id, event_id, event_type, at, duration_ms, status, error FROM webhook_attempt
         WHERE endpoint_id = e.id ORDER BY id DESC LIMIT 20) AS a`,
    [endpointIds],
  );
