import type { Tx } from '#platform';

/**
 * One at a time until the transaction ends: comparison, matches and corrections read all sides and then write, so two at
 * once would open the same case, or fill the same payout twice.
 */
export async function takeTurn(tx: Tx): Promise<void> {
  await tx.query("SELECT pg_advisory_xact_lock(hashtext('reconciliation'))");
}
