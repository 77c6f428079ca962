import type { Tx } from '#platform';
import type { CorrectionState } from '../domain/correction.machine.js';

export interface CorrectionRow {
  readonly id: string;
  readonly case_id: string;
  readonly debit: string;
  readonly credit: string;
  readonly unit: string;
  readonly amount_minor: bigint;
  readonly reason: string;
  readonly state: CorrectionState;
  readonly proposed_by: string;
  readonly proposed_at: Date;
  readonly decided_by: string | null;
  readonly decided_at: Date | null;
  readonly decided_note: string | null;
}

export interface NewCorrection {
  readonly id: string;
  readonly caseId: string;
  readonly debit: string;
  readonly credit: string;
  readonly unit: string;
  readonly amountMinor: bigint;
  readonly reason: string;
  readonly by: string;
}

/** @returns undefined when the case has a proposal already. */
export async function insertCorrection(tx: Tx, of: NewCorrection): Promise<CorrectionRow | undefined> {
  const [row] = await tx.query<CorrectionRow>(
    `INSERT INTO reconciliation_correction (id, case_id, debit, credit, unit, amount_minor, reason, proposed_by, proposed_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING *`,
    [of.id, of.caseId, of.debit, of.credit, of.unit, of.amountMinor.toString(), of.reason, of.by, tx.now],
  );
  return row;
}

export async function lockCorrection(tx: Tx, id: string): Promise<CorrectionRow | undefined> {
  const [row] = await tx.query<CorrectionRow>('SELECT * FROM reconciliation_correction WHERE id = $1 FOR UPDATE', [id]);
  return row;
}

export async function decideCorrection(
  tx: Tx,
  id: string,
  to: { state: CorrectionState; by: string; note: string | null },
): Promise<CorrectionRow> {
  const [row] = await tx.query<CorrectionRow>(
    `UPDATE reconciliation_correction SET state = $2, decided_by = $3, decided_note = $4, decided_at = $5 WHERE id = $1
     RETURNING *`,
    [id, to.state, to.by, to.note, tx.now],
  );
  if (!row) throw new Error(`correction ${id} vanished`);
  return row;
}

/** Proposals whose difference is gone. */
export async function lapseCorrections(tx: Tx): Promise<void> {
  await tx.query(
    `UPDATE reconciliation_correction x SET state = 'lapsed', decided_at = $1
       FROM reconciliation_case c WHERE c.id = x.case_id AND x.state = 'proposed' AND c.state = 'corrected'`,
    [tx.now],
  );
}

/** Oldest first, at most 100. */
export async function correctionsOf(tx: Tx, caseId: string): Promise<CorrectionRow[]> {
  return tx.query<CorrectionRow>(
    'SELECT * FROM reconciliation_correction WHERE case_id = $1 ORDER BY proposed_at, id LIMIT 100',
    [caseId],
  );
}
