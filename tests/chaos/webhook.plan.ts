import { createHash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';

/*
 * What both the run with real processes and the small one in the test suite do to a prepared sandbox file and database.
 *
 * The ledger root of a database is the SHA-256 over one line a transfer, `key kind debit credit amount` (codes of the
 * accounts, amount in minor units), the lines sorted bytewise. It knows no order of recording. Refunds that were made at
 * the processor and disputes get random ids of ours when they are first heard of, and their transfers are keyed by them;
 * in the lines such an id stands as the processor's own id, which is the same in every run.
 */

/** Deliveries of each event; shares of the events that are lost, and of the payments that are written after their events. */
export const DUPLICATES = 5;
export const LOST = 0.1;
export const EARLY = 0.05;

/** How old the events are made, so that the first back-fill, which looks back ten minutes, does not bring them at once. */
const AGE_SECONDS = 7_200;
const ENDPOINT = 'we_command_line';

/** A small seeded generator (mulberry32), so that a failing run can be run again. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Makes a sandbox file, nobody being in it, one whose events happened two hours ago and were never delivered. */
export function ageEvents(file: string): void {
  const book = new DatabaseSync(file);
  book.exec(`BEGIN;
    UPDATE object SET created = created - ${AGE_SECONDS}, body = json_set(body, '$.created', created - ${AGE_SECONDS})
     WHERE kind = 'event';
    DELETE FROM delivery;
    COMMIT;
    PRAGMA wal_checkpoint(TRUNCATE);`);
  book.close();
}

export interface Planned {
  readonly events: number;
  readonly deliveries: number;
  readonly lost: number;
}

/**
 * Puts every event of a sandbox file on its way. Calm (no `chance`): each once, in order. Else each five times, all
 * deliveries in a random order, and a tenth of the events never, though the processor's list of events has them.
 */
export function planDeliveries(file: string, chance?: () => number): Planned {
  const book = new DatabaseSync(file);
  const events = book.prepare("SELECT id FROM object WHERE kind = 'event' ORDER BY seq").all() as { id: string }[];
  const lost = events.filter(() => chance !== undefined && chance() < LOST);
  const gone = new Set(lost.map(({ id }) => id));
  const copies = chance === undefined ? 1 : DUPLICATES;
  const line = events
    .filter(({ id }) => !gone.has(id))
    .flatMap(({ id }) => Array.from({ length: copies }, (_, copy) => ({ id, copy: copy + 1, at: chance?.() ?? 0 })));
  if (chance !== undefined) line.sort((a, b) => a.at - b.at);
  const insert = book.prepare(
    'INSERT INTO delivery (event, endpoint, copy, next_ms, held, state, early) VALUES (?, ?, ?, ?, 0, ?, 0)',
  );
  // All are due at once; then their order is that of their rows.
  const due = Date.now();
  book.exec('BEGIN; DELETE FROM delivery;');
  for (const { id, copy } of line) insert.run(id, ENDPOINT, copy, due, 'pending');
  for (const { id } of lost) insert.run(id, ENDPOINT, 1, due, 'lost');
  const chaos = JSON.stringify({ paused: false });
  book.prepare("INSERT OR REPLACE INTO meta (key, value) VALUES ('chaos', ?)").run(chaos);
  book.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE);');
  book.close();
  return { events: events.length, deliveries: line.length, lost: lost.length };
}

export type Query = (sql: string, values?: unknown[]) => Promise<Record<string, string>[]>;

/**
 * Before the copies are made: only webhooks and the back-fill bring news of what happened at the processor, since the
 * sweep, which asks about payments that have been quiet, is sent away for a day.
 */
export async function quietSweep(query: Query): Promise<void> {
  await query("UPDATE payment SET next_check_at = now() + interval '1 day' WHERE next_check_at IS NOT NULL");
  await query(`INSERT INTO stripe_backfill (id, compared_until) VALUES (1, now())
               ON CONFLICT (id) DO UPDATE SET compared_until = now()`);
}

/** Takes a twentieth of the payments away, as if their transactions had not committed yet. @returns how many */
export async function withholdPayments(query: Query, seed: number): Promise<number> {
  await query(`CREATE TABLE chaos_payment AS SELECT * FROM payment
                WHERE ('x' || substr(md5(id::text || '${seed}'), 1, 8))::bit(32)::bigint & 1023 < ${EARLY * 1024}`);
  await query(`CREATE TABLE chaos_transition AS
               SELECT t.* FROM payment_transition t JOIN chaos_payment p ON p.id = t.payment_id`);
  await query('DELETE FROM payment_transition WHERE payment_id IN (SELECT id FROM chaos_payment)');
  await query('DELETE FROM payment WHERE id IN (SELECT id FROM chaos_payment)');
  const [row] = await query('SELECT count(*) AS n FROM chaos_payment');
  return Number(row?.['n']);
}

/** The transactions commit after all. */
export async function commitPayments(query: Query): Promise<void> {
  await query('INSERT INTO payment SELECT * FROM chaos_payment');
  await query('INSERT INTO payment_transition SELECT * FROM chaos_transition');
  await query('DROP TABLE chaos_payment, chaos_transition');
}

/** The next back-fill looks back over everything. */
export async function forgetComparison(query: Query): Promise<void> {
  await query("UPDATE stripe_backfill SET compared_until = now() - interval '3 hours'");
}

const LINES = `
  SELECT replace(replace(t.key, coalesce(r.id::text, '-'), coalesce(r.stripe_refund_id, '-')),
                 coalesce(d.id::text, '-'), coalesce(d.stripe_dispute_id, '-'))
         || ' ' || t.kind || ' ' || a.code || ' ' || b.code || ' ' || t.amount AS line
    FROM ledger_transfer t
    JOIN ledger_account a ON a.id = t.debit_account_id
    JOIN ledger_account b ON b.id = t.credit_account_id
    LEFT JOIN refund r ON t.key LIKE 'refund:%' AND r.id::text = split_part(t.key, ':', 2)
    LEFT JOIN dispute d ON t.key LIKE 'dispute:%' AND d.id::text = split_part(t.key, ':', 2)`;

/** See the head of this file. */
export async function ledgerRoot(query: Query): Promise<{ root: string; transfers: number }> {
  const lines = (await query(LINES)).map((row) => row['line'] ?? '').sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return {
    root: createHash('sha256').update(lines.join('\n')).digest('hex'),
    transfers: lines.length,
  };
}
