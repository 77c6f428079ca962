import { newId } from '#kernel';
import type { Tx } from '#platform';
import type { AccountSpec } from '../domain/transfer.rules.js';

/** GPU time is booked in milliseconds: three digits below the second of its unit. */
const GPU_SECOND_SCALE = 3;

export async function openAccounts(tx: Tx, specs: readonly AccountSpec[]): Promise<void> {
  if (specs.length === 0) return;
  const classes = [...new Set(specs.map((s) => s.unit).filter((unit) => unit.startsWith('gpu_second:')))].sort();
  if (classes.length > 0) {
    await tx.query(
      `INSERT INTO ledger_unit (code, scale) SELECT code, $2 FROM unnest($1::text[]) code ON CONFLICT (code) DO NOTHING`,
      [classes, GPU_SECOND_SCALE],
    );
  }
  // Sorted, so that two callers that open the same accounts wait for each other instead of deadlocking.
  const sorted = [...specs].sort((a, b) => (a.code < b.code ? -1 : a.code > b.code ? 1 : 0));
  await tx.query(
    `INSERT INTO ledger_account (id, code, unit, limit_rule, opened_at)
     SELECT id, code, unit, limit_rule, $5 FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
       AS spec (id, code, unit, limit_rule)
     ON CONFLICT (code) DO NOTHING`,
    [
      sorted.map(() => newId()),
      sorted.map((s) => s.code),
      sorted.map((s) => s.unit),
      sorted.map((s) => s.limit),
      tx.now,
    ],
  );
  const wrong = await tx.query<{ code: string; unit: string; limit_rule: string }>(
    `SELECT spec.code, a.unit, a.limit_rule
     FROM unnest($1::text[], $2::text[], $3::text[]) AS spec (code, unit, limit_rule)
     LEFT JOIN ledger_account a ON a.code = spec.code
     WHERE (a.unit, a.limit_rule) IS DISTINCT FROM (spec.unit, spec.limit_rule)
     LIMIT 1`,
    [sorted.map((s) => s.code), sorted.map((s) => s.unit), sorted.map((s) => s.limit)],
  );
  if (wrong[0]) {
    throw new Error(`Account ${wrong[0].code} is open with unit ${wrong[0].unit} and limit ${wrong[0].limit_rule}.`);
  }
}
