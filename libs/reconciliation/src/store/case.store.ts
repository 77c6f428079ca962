import { newId } from '#kernel';
import type { Tx } from '#platform';
import type { CaseState } from '../domain/case.machine.js';
import type { Difference, DifferenceKind } from '../domain/comparison.rule.js';

export interface CaseRow {
  readonly id: string;
  readonly kind: DifferenceKind;
  readonly subject: string;
  readonly unit: string;
  readonly expected: bigint;
  readonly found: bigint;
  readonly state: CaseState;
  readonly owner: string | null;
  readonly note: string | null;
  readonly opened_at: Date;
  readonly changed_at: Date;
}

/** Every case that may still change, and every corrected one that differs again. */
export async function lockCases(tx: Tx, differences: readonly Difference[]): Promise<CaseRow[]> {
  return tx.query<CaseRow>(
    `SELECT * FROM reconciliation_case
      WHERE state <> 'corrected' OR (kind, subject, unit) IN
        (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))
      ORDER BY id FOR UPDATE`,
    [differences.map((each) => each.kind), differences.map((each) => each.subject), differences.map((d) => d.unit)],
  );
}

export async function openCases(tx: Tx, differences: readonly Difference[]): Promise<void> {
  if (differences.length === 0) return;
  await tx.query(
    `INSERT INTO reconciliation_case (id, kind, subject, unit, expected, found, opened_at, changed_at)
     SELECT u.*, $7::timestamptz, $7::timestamptz
       FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) u`,
    [
      differences.map(() => newId()),
      differences.map((each) => each.kind),
      differences.map((each) => each.subject),
      differences.map((each) => each.unit),
      differences.map((each) => each.expected.toString()),
      differences.map((each) => each.found.toString()),
      tx.now,
    ],
  );
}

export async function changeCase(
  tx: Tx,
  id: string,
  to: { state: CaseState; owner?: string | null; note?: string | null; expected?: bigint; found?: bigint },
): Promise<CaseRow> {
  const [row] = await tx.query<CaseRow>(
    `UPDATE reconciliation_case SET state = $2, owner = CASE WHEN $3 THEN $4::uuid ELSE owner END,
            note = CASE WHEN $5 THEN $6 ELSE note END, expected = coalesce($7::bigint, expected),
            found = coalesce($8::bigint, found), changed_at = $9
      WHERE id = $1 RETURNING *`,
    [
      id,
      to.state,
      to.owner !== undefined,
      to.owner ?? null,
      to.note !== undefined,
      to.note ?? null,
      to.expected?.toString() ?? null,
      to.found?.toString() ?? null,
      tx.now,
    ],
  );
  if (!row) throw new Error(`reconciliation case ${id} vanished`);
  return row;
}

export async function findOpenCases(tx: Tx): Promise<CaseRow[]> {
  return tx.query<CaseRow>(
    "SELECT * FROM reconciliation_case WHERE state IN ('open', 'assigned', 'reopened') ORDER BY opened_at, id LIMIT 1000",
  );
}

/** Oldest first. One row more than asked for tells that there are more. */
export async function pageOfCases(
  tx: Tx,
  page: { first: number; after: string | undefined; states: readonly CaseState[] },
): Promise<CaseRow[]> {
  return tx.query<CaseRow>(
    `SELECT * FROM reconciliation_case WHERE ($1::uuid IS NULL OR id > $1) AND state = ANY($2)
      ORDER BY id LIMIT ${Math.trunc(page.first) + 1}`,
    [page.after ?? null, page.states],
  );
}

export async function lockCase(tx: Tx, id: string): Promise<CaseRow | undefined> {
  const [row] = await tx.query<CaseRow>('SELECT * FROM reconciliation_case WHERE id = $1 FOR UPDATE', [id]);
  return row;
}
