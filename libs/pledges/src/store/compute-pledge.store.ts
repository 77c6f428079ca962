import type { Tx } from '#platform';
import type { ComputePledgeState } from '../domain/compute-pledge.machine.js';

export interface ComputePledgeRow {
  readonly id: string;
  readonly campaignId: string;
  readonly contributorId: string;
  readonly pseudonym: string;
  readonly gpuClass: string;
  readonly count: number;
  readonly milliseconds: bigint;
  readonly state: ComputePledgeState;
  readonly availability: string | null;
  readonly region: string | null;
  readonly idempotencyKey: string;
  readonly createdAt: Date;
  /** Delivered and judged by a settlement so far, and accepted of it. */
  readonly judgedMs: bigint;
  readonly acceptedMs: bigint;
}

const COMPUTE_COLUMNS = `id, campaign_id AS "campaignId", contributor_id AS "contributorId", pseudonym,
  gpu_class AS "gpuClass", device_count AS count, milliseconds, state, availability, region,
  idempotency_key AS "idempotencyKey", created_at AS "createdAt", judged_ms AS "judgedMs", accepted_ms AS "acceptedMs"`;

export async function insertComputePledge(
  tx: Tx,
  p: Omit<ComputePledgeRow, 'state' | 'createdAt' | 'judgedMs' | 'acceptedMs'>,
): Promise<ComputePledgeRow | undefined> {
  const [row] = await tx.query<ComputePledgeRow>(
    `INSERT INTO compute_pledge (id, campaign_id, contributor_id, pseudonym, gpu_class, device_count, milliseconds, state,
                                 availability, region, idempotency_key, created_at)
     VALUES ($1,$2,$3,$4,$5,$6,$7,'offered',$8,$9,$10,$11)
     ON CONFLICT (contributor_id, idempotency_key) DO NOTHING RETURNING ${COMPUTE_COLUMNS}`,
    [
      p.id,
      p.campaignId,
      p.contributorId,
      p.pseudonym,
      p.gpuClass,
      p.count,
      p.milliseconds,
      p.availability,
      p.region,
      p.idempotencyKey,
      tx.now,
    ],
  );
  return row;
}

export async function computePledgeByKey(
  tx: Tx,
  contributorId: string,
  key: string,
): Promise<ComputePledgeRow | undefined> {
  return (
    await tx.query<ComputePledgeRow>(
      `SELECT ${COMPUTE_COLUMNS} FROM compute_pledge WHERE contributor_id = $1 AND idempotency_key = $2`,
      [contributorId, key],
    )
  )[0];
}

export async function findComputePledge(tx: Tx, id: string): Promise<ComputePledgeRow | undefined> {
  return (await tx.query<ComputePledgeRow>(`SELECT ${COMPUTE_COLUMNS} FROM compute_pledge WHERE id = $1`, [id]))[0];
}

export async function lockComputePledge(tx: Tx, id: string): Promise<ComputePledgeRow | undefined> {
  return (
    await tx.query<ComputePledgeRow>(`SELECT ${COMPUTE_COLUMNS} FROM compute_pledge WHERE id = $1 FOR UPDATE`, [id])
  )[0];
}

export async function changeComputePledge(
  tx: Tx,
  id: string,
  state: ComputePledgeState,
  returnedMs = 0n,
): Promise<void> {
  await tx.query(
    `UPDATE compute_pledge SET state = $2, returned_ms = $4, accepted_at = CASE WHEN $2 = 'accepted' THEN $3 ELSE accepted_at END,
            ended_at = CASE WHEN $2 IN ('fulfilled', 'lapsed', 'withdrawn') THEN $3 ELSE ended_at END
      WHERE id = $1`,
    [id, state, tx.now, returnedMs],
  );
}

/** Counts what a settlement made of a delivery. */
export async function countSettled(
  tx: Tx,
  id: string,
  settled: { readonly judgedMs: bigint; readonly acceptedMs: bigint },
): Promise<void> {
  await tx.query('UPDATE compute_pledge SET judged_ms = judged_ms + $2, accepted_ms = accepted_ms + $3 WHERE id = $1', [
    id,
    settled.judgedMs,
    settled.acceptedMs,
  ]);
}
