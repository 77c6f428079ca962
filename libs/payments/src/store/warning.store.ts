import type { Tx } from '#platform';

export interface WarningRow {
  readonly id: string;
  readonly payment_id: string;
  readonly stripe_warning_id: string;
  readonly is_actionable: boolean;
  readonly refund_id: string | null;
}

export async function warningsOfPayments(tx: Tx, paymentIds: readonly string[]): Promise<WarningRow[]> {
  return tx.query<WarningRow>('SELECT * FROM fraud_warning WHERE payment_id = ANY($1::uuid[])', [paymentIds]);
}

export interface WarningState {
  readonly id: string;
  readonly paymentId: string;
  readonly stripeWarningId: string;
  readonly fraudType: string;
  readonly isActionable: boolean;
  readonly refundId: string | null;
  readonly issuedAt: Date;
}

export async function saveWarning(tx: Tx, state: WarningState): Promise<void> {
  await tx.query(
    `INSERT INTO fraud_warning (id, payment_id, stripe_warning_id, fraud_type, is_actionable, refund_id, issued_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (stripe_warning_id) DO UPDATE SET is_actionable = excluded.is_actionable, updated_at = excluded.updated_at`,
    [
      state.id,
      state.paymentId,
      state.stripeWarningId,
      state.fraudType,
      state.isActionable,
      state.refundId,
      state.issuedAt,
      tx.now,
    ],
  );
}
