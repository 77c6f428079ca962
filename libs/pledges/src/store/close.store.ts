import type { Tx } from '#platform';
import type { ClosePhase, CloseSituation } from '../domain/close.rule.js';

export interface CloseRow {
  readonly snapshotId: string;
  readonly campaignId: string;
  readonly phase: ClosePhase;
  readonly retryEverySeconds: bigint;
  readonly startedAt: Date;
}

const COLUMNS = `p.snapshot_id AS "snapshotId", p.campaign_id AS "campaignId", p.phase,
  p.retry_every_seconds AS "retryEverySeconds", p.started_at AS "startedAt"`;

export async function closesOf(tx: Tx, snapshotIds: readonly string[]): Promise<Map<string, CloseRow>> {
  if (snapshotIds.length === 0) return new Map();
  const rows = await tx.query<CloseRow>(`SELECT ${COLUMNS} FROM pledge_close p WHERE p.snapshot_id = ANY($1)`, [
    [...new Set(snapshotIds)],
  ]);
  return new Map(rows.map((row) => [row.snapshotId, row]));
}

export async function beginClose(
  tx: Tx,
  close: { snapshotId: string; campaignId: string; retryEverySeconds: number },
): Promise<void> {
  await tx.query(
    `INSERT INTO pledge_close (snapshot_id, campaign_id, phase, retry_every_seconds, started_at)
     VALUES ($1, $2, 'freezing', $3, $4) ON CONFLICT (snapshot_id) DO NOTHING`,
    [close.snapshotId, close.campaignId, close.retryEverySeconds, tx.now],
  );
}

/** Closes that are not finished, of campaigns that settle now: a suspended one waits. */
export function openCloses(tx: Tx): Promise<CloseRow[]> {
  return tx.query<CloseRow>(
    `SELECT ${COLUMNS} FROM pledge_close p JOIN campaign c ON c.id = p.campaign_id
      WHERE p.phase <> 'finished' AND c.state = 'settling' AND c.snapshot_id = p.snapshot_id ORDER BY p.started_at`,
  );
}

export async function lockClose(tx: Tx, snapshotId: string): Promise<CloseRow | undefined> {
  return (
    await tx.query<CloseRow>(`SELECT ${COLUMNS} FROM pledge_close p WHERE p.snapshot_id = $1 FOR UPDATE`, [snapshotId])
  )[0];
}

export async function savePhase(tx: Tx, snapshotId: string, phase: ClosePhase): Promise<void> {
  await tx.query(
    `UPDATE pledge_close SET phase = $2, finished_at = CASE WHEN $2 = 'finished' THEN $3::timestamptz END
      WHERE snapshot_id = $1`,
    [snapshotId, phase, tx.now],
  );
}

/** How many pledges of the campaign wait for what. */
export async function countOpen(tx: Tx, campaignId: string): Promise<Omit<CloseSituation, 'phase' | 'isOver'>> {
  const [row] = await tx.query<Omit<CloseSituation, 'phase' | 'isOver'>>(
    `SELECT count(*) FILTER (WHERE state IN ('created', 'method_required', 'pledged'))::int AS "toFreeze",
            count(*) FILTER (WHERE state = 'frozen' OR (state = 'errored' AND next_attempt_at <= $2
                                                        AND saved_method_id IS NOT NULL))::int AS "toCharge",
            count(*) FILTER (WHERE state IN ('charging', 'funded'))::int AS "underWay",
            count(*) FILTER (WHERE state IN ('needs_action', 'errored', 'instructions_issued', 'partially_funded'))::int AS unpaid
       FROM cash_pledge
      WHERE campaign_id = $1 AND state IN ('created', 'method_required', 'pledged', 'frozen', 'charging', 'funded',
                                           'needs_action', 'errored', 'instructions_issued', 'partially_funded')`,
    [campaignId, tx.now],
  );
  return row ?? { toFreeze: 0, toCharge: 0, underWay: 0, unpaid: 0 };
}

/** What of the campaign's money is still on its way, there or back: the verdict waits for it, and doesn't count on it. */
export async function underWayOf(
  tx: Tx,
  campaignId: string,
): Promise<{ payments: number; unsecuredMinor: bigint; returningMinor: bigint }> {
  const share = (part: string): string => `div(counted_minor::numeric * ${part}, amount_minor)`;
  const [row] = await tx.query<{ payments: number; unsecured: string; returning: string }>(
    `SELECT count(*) FILTER (WHERE state IN ('charging', 'needs_action', 'funded', 'partially_funded'))::int AS payments,
            coalesce(sum(counted_minor - ${share('collected_minor')})
              FILTER (WHERE state IN ('created', 'needs_action', 'instructions_issued', 'partially_funded')), 0)::text AS unsecured,
            coalesce(sum(${share('collected_minor')} - ${share('refunded_minor')})
              FILTER (WHERE state IN ('refund_pending', 'refund_stuck')), 0)::text AS returning
       FROM cash_pledge
      WHERE campaign_id = $1 AND state IN ('created', 'charging', 'needs_action', 'funded', 'instructions_issued',
                                           'partially_funded', 'refund_pending', 'refund_stuck')`,
    [campaignId],
  );
  return {
    payments: row?.payments ?? 0,
    unsecuredMinor: BigInt(row?.unsecured ?? 0),
    returningMinor: BigInt(row?.returning ?? 0),
  };
}

/** How far a close is, for its page. Amounts in minor units of the campaign's currency. */
export interface SettlementRow {
  readonly snapshotId: string;
  readonly currency: string;
  readonly phase: ClosePhase;
  readonly startedAt: Date;
  readonly endsAt: Date | null;
  readonly finishedAt: Date | null;
  readonly states: readonly { readonly state: string; readonly count: number; readonly countedMinor: string }[] | null;
}

export async function settlementOf(tx: Tx, campaignId: string): Promise<SettlementRow | undefined> {
  const [row] = await tx.query<SettlementRow>(
    `SELECT k.snapshot_id AS "snapshotId", c.currency, k.phase, k.started_at AS "startedAt", c.settlement_ends_at AS "endsAt",
            k.finished_at AS "finishedAt",
            (SELECT json_agg(s) FROM (
               SELECT state, count(*)::int AS count,
                      sum(CASE WHEN state = 'collected' THEN div(p.counted_minor::numeric * p.collected_minor, p.amount_minor)
                               ELSE p.counted_minor END)::text AS "countedMinor"
                 FROM cash_pledge p WHERE p.campaign_id = $1 AND p.state <> 'cancelled' GROUP BY state) s) AS states
       FROM pledge_close k JOIN campaign c ON c.id = k.campaign_id
      WHERE k.campaign_id = $1 ORDER BY k.started_at DESC LIMIT 1`,
    [campaignId],
  );
  return row;
}
