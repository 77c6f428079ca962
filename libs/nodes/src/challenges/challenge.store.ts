import { randomBytes } from 'node:crypto';
import { newId } from '#kernel';
import type { Tx } from '#platform';
import type { ChallengePlan, OpenedMatrix } from '#protocol';
import {
  type ChallengeCause,
  type ChallengeState,
  type EndFault,
  LIVE_CHALLENGES,
  READY_WITHIN_MS,
  trialFor,
} from './challenge.rule.js';

const LIVE = LIVE_CHALLENGES.map((state) => `'${state}'`).join(', ');

export interface ChallengeRow {
  readonly id: string;
  readonly nodeId: string;
  readonly device: number;
  readonly cause: ChallengeCause;
  readonly state: ChallengeState;
  readonly plan: ChallengePlan;
  readonly issuedAt: Date;
  readonly nonce: Buffer | null;
  readonly startedAt: Date | null;
  readonly answerBy: Date;
  readonly commitment: Buffer | null;
  readonly committedAt: Date | null;
  readonly reveal: Buffer | null;
  readonly opening: OpenedMatrix[] | null;
  readonly endedAt: Date | null;
  readonly fault: EndFault | null;
  readonly detail: string | null;
}

const CHALLENGE = `SELECT id, node_id AS "nodeId", device, cause, state, plan, issued_at AS "issuedAt", nonce, started_at AS "startedAt",
       answer_by AS "answerBy", commitment, committed_at AS "committedAt", reveal, ended_at AS "endedAt", fault, detail`;

/** Challenges every device of nodes that is not being challenged already. */
export async function issueChallenges(tx: Tx, nodeIds: readonly string[], cause?: ChallengeCause): Promise<void> {
  if (nodeIds.length === 0) return;
  const devices = await tx.query<{ id: string; gpu_class: string; device: number; was: boolean }>(
    `SELECT n.id, n.gpu_class, d.device,
            EXISTS (SELECT FROM node_challenge c WHERE c.node_id = n.id AND c.ended_at IS NOT NULL) AS was
       FROM node n CROSS JOIN LATERAL generate_series(0, n.device_count - 1) AS d(device)
      WHERE n.id = ANY($1::uuid[]) ORDER BY n.id, d.device`,
    [nodeIds],
  );
  await tx.query(
    `INSERT INTO node_challenge (id, node_id, device, cause, state, plan, issued_at, answer_by)
     SELECT c.id, c.node_id, c.device, c.cause, 'issued', c.plan, $6, $7
       FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::jsonb[]) AS c(id, node_id, device, cause, plan)
     ON CONFLICT (node_id, device) WHERE state IN (${LIVE}) DO NOTHING`,
    [
      devices.map(() => newId()),
      devices.map((d) => d.id),
      devices.map((d) => d.device),
      devices.map((d) => cause ?? (d.was ? 'repeat' : 'join')),
      devices.map((d) => JSON.stringify(trialFor(d.gpu_class).plan)),
      tx.now,
      new Date(tx.now.getTime() + READY_WITHIN_MS),
    ],
  );
}

/** The challenges of a node that wait for it. */
export const waitingFor = (tx: Tx, nodeId: string): Promise<ChallengeRow[]> =>
  tx.query<ChallengeRow>(
    `${CHALLENGE}, NULL AS opening FROM node_challenge
      WHERE node_id = $1 AND state IN ('issued', 'started', 'committed') ORDER BY device`,
    [nodeId],
  );

/** One challenge of a node, locked. */
export async function lockChallenge(tx: Tx, nodeId: string, id: string): Promise<ChallengeRow | undefined> {
  // The node first, as everybody does who changes both.
  await tx.query('SELECT FROM node WHERE id = $1 FOR UPDATE', [nodeId]);
  const rows = await tx.query<ChallengeRow>(
    `${CHALLENGE}, opening FROM node_challenge WHERE id = $1 AND node_id = $2 FOR UPDATE`,
    [id, nodeId],
  );
  return rows[0];
}

export async function startChallenge(tx: Tx, id: string, withinMs: number): Promise<Buffer> {
  const nonce = randomBytes(32);
  await tx.query(
    `UPDATE node_challenge SET state = 'started', nonce = $2, started_at = $3, answer_by = $4 WHERE id = $1`,
    [id, nonce, tx.now, new Date(tx.now.getTime() + withinMs)],
  );
  return nonce;
}

export async function takeCommitment(tx: Tx, id: string, commitment: Buffer): Promise<Buffer> {
  const reveal = randomBytes(32);
  await tx.query(
    `UPDATE node_challenge SET state = 'committed', commitment = $2, reveal = $3, committed_at = $4 WHERE id = $1`,
    [id, commitment, reveal, tx.now],
  );
  return reveal;
}

export async function takeOpening(tx: Tx, id: string, opening: readonly OpenedMatrix[]): Promise<void> {
  await tx.query(`UPDATE node_challenge SET state = 'opened', opening = $2 WHERE id = $1`, [
    id,
    JSON.stringify(opening),
  ]);
}

/** Ends a challenge; what was opened is kept no longer than it takes to check it. */
export async function endChallenge(
  tx: Tx,
  id: string,
  end: { state: 'passed' } | { state: 'failed' | 'expired'; fault: EndFault; detail: string },
): Promise<void> {
  const { fault = null, detail = null } = end.state === 'passed' ? {} : end;
  await tx.query(
    `UPDATE node_challenge SET state = $2, fault = $3, detail = $4, ended_at = $5, opening = NULL WHERE id = $1`,
    [id, end.state, fault, detail, tx.now],
  );
}

/** How often in a row, before now, a device's challenge ended without being passed. */
export async function triesBefore(tx: Tx, challenge: ChallengeRow): Promise<number> {
  const [row] = await tx.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM node_challenge c
      WHERE c.node_id = $1 AND c.device = $2 AND c.id <> $3 AND c.state IN ('failed', 'expired')
        AND c.issued_at > coalesce((SELECT max(p.issued_at) FROM node_challenge p
                                     WHERE p.node_id = $1 AND p.device = $2 AND (p.state = 'passed' OR p.cause = 'appeal')), '-infinity')`,
    [challenge.nodeId, challenge.device, challenge.id],
  );
  return row?.n ?? 0;
}

export interface Overdue {
  readonly id: string;
  readonly nodeId: string;
  readonly fault: 'late' | 'silent';
  readonly detail: string;
}

/** Challenges that a node has not got ready for, not answered in time, or not opened. */
export const overdueChallenges = (tx: Tx, openWithinMs: number): Promise<Overdue[]> =>
  tx.query<Overdue>(
    `SELECT id, node_id AS "nodeId", CASE state WHEN 'started' THEN 'late' ELSE 'silent' END AS fault,
            CASE state WHEN 'issued' THEN 'it did not get ready' WHEN 'started' THEN 'no commitment came in time'
                       ELSE 'it committed and did not open' END AS detail
       FROM node_challenge
      WHERE (state IN ('issued', 'started') AND answer_by < $1) OR (state = 'committed' AND committed_at < $2)
      ORDER BY id LIMIT 200`,
    [tx.now, new Date(tx.now.getTime() - openWithinMs)],
  );

/** Opened challenges that wait to be checked, oldest first. */
export const openedChallenges = (tx: Tx, limit: number): Promise<{ id: string; nodeId: string; publicKey: string }[]> =>
  tx.query(
    `SELECT c.id, c.node_id AS "nodeId", n.public_key AS "publicKey" FROM node_challenge c JOIN node n ON n.id = c.node_id
      WHERE c.state = 'opened' ORDER BY c.committed_at LIMIT $1`,
    [limit],
  );

/** The last challenges of nodes, newest first, so many of each. */
export const challengesOf = (tx: Tx, nodeIds: readonly string[], limit: number): Promise<ChallengeRow[]> =>
  tx.query<ChallengeRow>(
    `SELECT c.* FROM unnest($1::uuid[]) AS n(id)
      CROSS JOIN LATERAL (${CHALLENGE}, NULL AS opening FROM node_challenge WHERE node_id = n.id ORDER BY node_challenge.id DESC LIMIT ${limit}) AS c`,
    [nodeIds],
  );

export const liveChallenges = async (tx: Tx, nodeId: string): Promise<string[]> =>
  (
    await tx.query<{ id: string }>(
      `SELECT id FROM node_challenge WHERE node_id = $1 AND state IN (${LIVE}) ORDER BY id FOR UPDATE`,
      [nodeId],
    )
  ).map((row) => row.id);
