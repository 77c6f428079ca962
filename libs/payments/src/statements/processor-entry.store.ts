import type { Tx } from '#platform';

/** A movement of the platform's balance, as the processor says it. Minor units. */
export interface ProcessorEntry {
  readonly id: string;
  readonly type: string;
  readonly sourceId: string | null;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly feeMinor: bigint;
  readonly occurredAt: Date;
}

/** @returns those that were not known before. */
export async function insertEntries(tx: Tx, entries: readonly ProcessorEntry[]): Promise<ProcessorEntry[]> {
  const rows = await tx.query<{ id: string }>(
    `INSERT INTO processor_entry (id, type, source_id, currency, amount_minor, fee_minor, occurred_at, read_at)
     SELECT u.*, $8::timestamptz
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::timestamptz[]) u
     ON CONFLICT (id) DO NOTHING RETURNING id`,
    [
      entries.map((each) => each.id),
      entries.map((each) => each.type),
      entries.map((each) => each.sourceId),
      entries.map((each) => each.currency),
      entries.map((each) => each.amountMinor.toString()),
      entries.map((each) => each.feeMinor.toString()),
      entries.map((each) => each.occurredAt),
      tx.now,
    ],
  );
  const fresh = new Set(rows.map((row) => row.id));
  return entries.filter((each) => fresh.has(each.id));
}

/** Up to which movement everything is known, by the processor's clock. */
export async function entriesUntil(tx: Tx): Promise<Date | undefined> {
  const [row] = await tx.query<{ at: Date | null }>('SELECT entries_until AS at FROM processor_watermark WHERE id = 1');
  return row?.at ?? undefined;
}

/** After the last page: nothing older than what is known now is missing. */
export async function saveWatermark(tx: Tx, readUntil: Date): Promise<void> {
  await tx.query(
    `INSERT INTO processor_watermark (id, read_until, entries_until) VALUES (1, $1, (SELECT max(occurred_at) FROM processor_entry))
     ON CONFLICT (id) DO UPDATE SET read_until = greatest(processor_watermark.read_until, excluded.read_until),
       entries_until = excluded.entries_until`,
    [readUntil],
  );
}
