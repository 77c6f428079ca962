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

/** Every case in the order of their ids, for an export. */
export async function casesAfter(tx: Tx, after: string | undefined, limit: number): Promise<CaseRow[]> {
  return tx.query<CaseRow>(
    `SELECT * FROM reconciliation_case WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT ${Math.trunc(limit)}`,
    [after ?? null],
  );
}

export async function findCase(tx: Tx, id: string): Promise<CaseRow | undefined> {
  const [row] = await tx.query<CaseRow>('SELECT * FROM reconciliation_case WHERE id = $1', [id]);
  return row;
}

/** Closes what a match made go away, before the comparison finds it gone. */
export async function closeCases(
  tx: Tx,
  subject: string,
  note: string,
  kinds?: readonly DifferenceKind[],
): Promise<void> {
  await tx.query(
    `UPDATE reconciliation_case SET state = 'corrected', note = $2, changed_at = $3
      WHERE subject = $1 AND state <> 'corrected' AND ($4::text[] IS NULL OR kind = ANY($4))`,
    [subject, note, tx.now, kinds ?? null],
  );
}

/** A step of a case, as it was written then. */
export interface StepRow {
  readonly state: CaseState;
  readonly owner: string | null;
  readonly note: string | null;
  readonly expected: bigint;
  readonly found: bigint;
  readonly at: Date;
}

/** Oldest first; the newest 200 of a case that changed more often. */
export async function stepsOf(tx: Tx, caseId: string): Promise<StepRow[]> {
  return tx.query<StepRow>(
    `SELECT * FROM (SELECT * FROM reconciliation_case_step WHERE case_id = $1 ORDER BY id DESC LIMIT 200) s ORDER BY id`,
    [caseId],
  );
}

/** Operators, by name; the first 100. */
export async function findOperators(tx: Tx): Promise<{ pseudonym: string; display_name: string | null }[]> {
  return tx.query(
    `SELECT c.pseudonym, c.display_name FROM contributor_platform_role r JOIN contributor c ON c.id = r.contributor_id
      WHERE r.role = 'operator' AND c.erased_at IS NULL ORDER BY c.display_name, c.pseudonym LIMIT 100`,
  );
}

export async function isOperator(tx: Tx, pseudonym: string): Promise<boolean> {
  const rows = await tx.query(
    `SELECT 1 FROM contributor_platform_role r JOIN contributor c ON c.id = r.contributor_id
      WHERE r.role = 'operator' AND c.erased_at IS NULL AND c.pseudonym::text = $1`,
    [pseudonym],
  );
  return rows.length > 0;
}

export async function lockCase(tx: Tx, id: string): Promise<CaseRow | undefined> {
  const [row] = await tx.query<CaseRow>('SELECT * FROM reconciliation_case WHERE id = $1 FOR UPDATE', [id]);
  return row;
}
