import type { Tx } from '#platform';
import { SEAL_ORIGIN, type SealedTransfer, sealHash } from '../domain/seal.rules.js';

/** The columns of `ledger_transfer t` that are sealed. */
const FORM = `t.unit, t.key, t.kind, d.code AS debit, c.code AS credit, t.amount, t.released, p.key AS "pendingKey",
  t.expires_at AS "expiresAt", t.closes, t.reason, t.refs, t.recorded_at AS "recordedAt"`;
const FORM_JOINS = `JOIN ledger_account d ON d.id = t.debit_account_id JOIN ledger_account c ON c.id = t.credit_account_id
  LEFT JOIN ledger_transfer p ON p.id = t.pending_id`;

/**
 * Seals up to `limit` committed transfers that are not sealed yet, in the order of their sequence numbers, and says how
 * many. A transfer that commits late gets a later place; none is passed over. The rows don't leave the database.
 */
export async function sealSome(tx: Tx, limit: number): Promise<number> {
  const [answer] = await tx.query<{ count: number }>('SELECT ledger_seal_some($1::integer) AS count', [limit]);
  return answer?.count ?? 0;
}

/** For the rest of the transaction: whatever the planner thinks of a table's size, a few rows of it are not all of it. */
const byIndexAlone = (tx: Tx): Promise<unknown> =>
  tx.query(
    `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
            set_config('enable_mergejoin', 'off', true)`,
  );

/** The newest seal of each unit's book. */
export const sealHeads = (tx: Tx): Promise<{ unit: string; position: bigint; hash: Buffer }[]> =>
  tx.query(
    `SELECT u.code AS unit, s.position, s.hash FROM ledger_unit u
     CROSS JOIN LATERAL (SELECT position, hash FROM ledger_seal WHERE unit = u.code ORDER BY position DESC LIMIT 1) s`,
  );

/** The seals of those transfers that have one. */
export const sealsOf = (
  tx: Tx,
  transferIds: readonly string[],
): Promise<{ transferId: string; position: bigint; hash: Buffer }[]> =>
  tx.query(
    `SELECT t.id AS "transferId", s.position, s.hash FROM ledger_transfer t JOIN ledger_seal s ON s.transfer_seq = t.seq
     WHERE t.id = ANY ($1::uuid[])`,
    [transferIds],
  );

/** Notes the newest seals that moved since the last notice and gives them. One at a time: the sealer's row is locked. */
export async function noteMovedHeads(tx: Tx): Promise<{ unit: string; position: bigint; hash: Buffer }[]> {
  await tx.query('SELECT FROM ledger_sealer WHERE id = 1 FOR UPDATE');
  const heads = await sealHeads(tx);
  const noted = new Map(
    (
      await tx.query<{ unit: string; position: bigint }>(
        'SELECT unit, max(position) AS position FROM ledger_seal_notice GROUP BY unit',
      )
    ).map((row) => [row.unit, row.position]),
  );
  const moved = heads.filter((head) => head.position > (noted.get(head.unit) ?? 0n));
  if (moved.length === 0) return [];
  await tx.query(
    `INSERT INTO ledger_seal_notice (unit, position, hash, published_at)
     SELECT unit, position, hash, $4 FROM unnest($1::text[], $2::bigint[], $3::bytea[]) head (unit, position, hash)`,
    [moved.map((h) => h.unit), moved.map((h) => String(h.position)), moved.map((h) => h.hash), tx.now],
  );
  return moved;
}

export interface SealedRow extends SealedTransfer {
  readonly hash: Buffer;
}

/** The next transfers of a unit's book after a position, at most to another one, with their seals. */
export async function bookPage(tx: Tx, unit: string, after: bigint, to: bigint, limit: number): Promise<SealedRow[]> {
  await byIndexAlone(tx);
  return tx.query<SealedRow>(
    `SELECT s.position, s.hash, ${FORM} FROM ledger_seal s JOIN ledger_transfer t ON t.seq = s.transfer_seq ${FORM_JOINS}
     WHERE s.unit = $1 AND s.position > $2 AND s.position <= $3 ORDER BY s.position LIMIT ${Math.trunc(limit)}`,
    [unit, after, to],
  );
}

const AUDIT_PAGE = 5000;

/** Walks every book from its beginning and gives a line for the first seal of each that does not follow. */
export async function brokenSeals(tx: Tx): Promise<string[]> {
  const broken: string[] = [];
  for (const { unit, position: last } of await sealHeads(tx)) {
    let before: Buffer = SEAL_ORIGIN;
    let position = 0n;
    while (position < last) {
      const page = await bookPage(tx, unit, position, last, AUDIT_PAGE);
      const wrong = page.find((row) => {
        const follows = row.position === position + 1n && row.unit === unit && sealHash(before, row).equals(row.hash);
        [position, before] = [row.position, row.hash];
        return !follows;
      });
      if (wrong || page.length === 0) {
        broken.push(`${unit}: the seal at ${wrong?.position ?? position + 1n} does not follow the one before`);
        break;
      }
    }
  }
  return broken;
}

/** Gives a line for each seal that went into the public events otherwise than it stands now. */
export async function changedNotices(tx: Tx): Promise<string[]> {
  const rows = await tx.query<{ line: string }>(
    `SELECT format('%s: another seal was made public for %s', n.unit, n.position) AS line
     FROM ledger_seal_notice n LEFT JOIN ledger_seal s ON s.unit = n.unit AND s.position = n.position
     WHERE s.hash IS DISTINCT FROM n.hash
     UNION ALL
     SELECT format('%s: another seal was made public for %s', e.payload->>'unit', e.payload->>'position')
     FROM event_outbox e LEFT JOIN ledger_seal s
       ON s.unit = e.payload->>'unit' AND s.position = (e.payload->>'position')::bigint
     WHERE e.type = 'ledger.sealed' AND encode(s.hash, 'hex') IS DISTINCT FROM e.payload->>'hash'
     LIMIT 20`,
  );
  return rows.map((row) => row.line);
}
