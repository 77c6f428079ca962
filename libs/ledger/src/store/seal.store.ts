import type { Tx } from '#platform';
import { SEAL_ORIGIN, type SealedTransfer, sealHash } from '../domain/seal.rules.js';

interface StoredForm extends Omit<SealedTransfer, 'position'> {
  id: string;
}

/** The columns of `ledger_transfer t` that are sealed. */
const FORM = `t.id, t.unit, t.key, t.kind, d.code AS debit, c.code AS credit, t.amount, t.released, p.key AS "pendingKey",
  t.expires_at AS "expiresAt", t.closes, t.reason, t.refs, t.recorded_at AS "recordedAt"`;
const FORM_JOINS = `JOIN ledger_account d ON d.id = t.debit_account_id JOIN ledger_account c ON c.id = t.credit_account_id
  LEFT JOIN ledger_transfer p ON p.id = t.pending_id`;

/**
 * Seals up to `limit` committed transfers that are not sealed yet, in the order of their sequence numbers, and says how
 * many. A transfer that commits late gets a later place; none is passed over.
 */
export async function sealSome(tx: Tx, limit: number): Promise<number> {
  const [sealer] = await tx.query<{ floor_seq: bigint; next_floor_seq: bigint; next_floor_xid: bigint }>(
    'SELECT floor_seq, next_floor_seq, next_floor_xid FROM ledger_sealer WHERE id = 1 FOR UPDATE',
  );
  if (!sealer) throw new Error('The row of the sealer is missing.');
  // Three statements in this order: a transaction that drew a number up to `top` has an id below `horizon.next`.
  const [sequence] = await tx.query<{ top: bigint | null }>(
    `SELECT pg_sequence_last_value(pg_get_serial_sequence('ledger_transfer', 'seq')::regclass) AS top`,
  );
  const [horizon] = await tx.query<{ oldest: bigint; next: bigint }>(
    `SELECT pg_snapshot_xmin(s)::text::bigint AS oldest, pg_snapshot_xmax(s)::text::bigint AS next FROM pg_current_snapshot() s`,
  );
  const waiting = await tx.query<StoredForm>(
    `SELECT ${FORM} FROM ledger_transfer t ${FORM_JOINS}
     WHERE t.seq > $1 AND NOT EXISTS (SELECT FROM ledger_seal s WHERE s.transfer_id = t.id)
     ORDER BY t.seq LIMIT ${Math.trunc(limit)}`,
    [sealer.floor_seq],
  );
  await append(tx, waiting);
  if (waiting.length < limit && horizon) await raiseFloor(tx, sealer, sequence?.top ?? 0n, horizon);
  return waiting.length;
}

async function append(tx: Tx, transfers: readonly StoredForm[]): Promise<void> {
  if (transfers.length === 0) return;
  const heads = new Map(
    (await sealHeads(tx)).map((head) => [head.unit, { position: head.position, hash: head.hash }] as const),
  );
  const rows = transfers.map((transfer) => {
    const before = heads.get(transfer.unit) ?? { position: 0n, hash: SEAL_ORIGIN };
    const position = before.position + 1n;
    const hash = sealHash(before.hash, { ...transfer, position });
    heads.set(transfer.unit, { position, hash });
    return { unit: transfer.unit, position, id: transfer.id, hash };
  });
  await tx.query(
    `INSERT INTO ledger_seal (unit, position, transfer_id, hash)
     SELECT * FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::bytea[])`,
    [rows.map((r) => r.unit), rows.map((r) => String(r.position)), rows.map((r) => r.id), rows.map((r) => r.hash)],
  );
}

async function raiseFloor(
  tx: Tx,
  sealer: { floor_seq: bigint; next_floor_seq: bigint; next_floor_xid: bigint },
  top: bigint,
  horizon: { oldest: bigint; next: bigint },
): Promise<void> {
  const over = horizon.oldest >= sealer.next_floor_xid;
  // Ids below those noted before: the data came into another cluster, and what was under way there is no more.
  const moved = horizon.next < sealer.next_floor_xid;
  if ((!over && !moved) || (sealer.floor_seq === top && sealer.next_floor_seq === top)) return;
  await tx.query('UPDATE ledger_sealer SET floor_seq = $1, next_floor_seq = $2, next_floor_xid = $3 WHERE id = 1', [
    over ? sealer.next_floor_seq : sealer.floor_seq,
    top,
    horizon.next,
  ]);
}

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
  tx.query('SELECT transfer_id AS "transferId", position, hash FROM ledger_seal WHERE transfer_id = ANY ($1::uuid[])', [
    transferIds,
  ]);

const AUDIT_PAGE = 5000;

/** Walks every book from its beginning and gives a line for the first seal of each that does not follow. */
export async function brokenSeals(tx: Tx): Promise<string[]> {
  const broken: string[] = [];
  for (const { unit, position: last } of await sealHeads(tx)) {
    let before: Buffer = SEAL_ORIGIN;
    let position = 0n;
    while (position < last) {
      const page = await tx.query<StoredForm & { position: bigint; hash: Buffer }>(
        `SELECT s.position, s.hash, ${FORM} FROM ledger_seal s JOIN ledger_transfer t ON t.id = s.transfer_id ${FORM_JOINS}
         WHERE s.unit = $1 AND s.position > $2 ORDER BY s.position LIMIT ${AUDIT_PAGE}`,
        [unit, position],
      );
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
