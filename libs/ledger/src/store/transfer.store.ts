import type { Tx } from '#platform';
import type { Transfer } from '../domain/transfer.rules.js';
import { type TransferRow, transferColumns } from './book.queries.js';

/** A transfer as it stands, with what became of it. The ledger's own `expired` entries are among them. */
export interface StoredTransfer extends Omit<Transfer, 'kind' | 'replayed'> {
  readonly kind: Transfer['kind'] | 'expired';
  readonly state: 'pending' | 'posted' | 'voided' | 'expired';
}

type StoredRow = TransferRow & { debit: string; credit: string; pending_key: string | null };

export async function storedTransfers(tx: Tx, keys: readonly string[]): Promise<Map<string, StoredTransfer>> {
  const rows = await tx.query<StoredRow>(
    `SELECT ${transferColumns('$2::timestamptz')}, d.code AS debit, c.code AS credit, p.key AS pending_key
     FROM ledger_transfer t
     JOIN ledger_account d ON d.id = t.debit_account_id
     JOIN ledger_account c ON c.id = t.credit_account_id
     LEFT JOIN ledger_transfer p ON p.id = t.pending_id
     WHERE t.key = ANY ($1::text[])`,
    [keys, tx.now],
  );
  return new Map(rows.map((row) => [row.key, toStored(row)]));
}

const toStored = (row: StoredRow): StoredTransfer => ({
  id: row.id,
  key: row.key,
  kind: row.kind as StoredTransfer['kind'],
  state: row.state as StoredTransfer['state'],
  unit: row.unit,
  debit: row.debit,
  credit: row.credit,
  amount: row.amount,
  ...(row.pending_key === null ? {} : { pendingKey: row.pending_key }),
  ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
  ...(row.closes === null ? {} : { closes: row.closes }),
  reason: row.reason,
  refs: row.refs,
  recordedAt: row.recorded_at,
});
