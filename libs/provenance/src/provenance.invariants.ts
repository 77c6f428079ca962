import type { InvariantCheck, Tx } from '#platform';

const noneOf =
  (sql: string) =>
  async (tx: Tx): Promise<{ ok: boolean; violations: string[] }> => {
    const violations = (await tx.query<{ line: string }>(`${sql} LIMIT 20`)).map((row) => row.line);
    return { ok: violations.length === 0, violations };
  };

/** What must hold of checkpoints on live data: credit stands on them, so they belong to invariant 4. */
export const provenanceInvariants: readonly InvariantCheck[] = [
  {
    name: 'provenance.promoted-whole',
    invariant: 4,
    description: 'Every file of a checkpoint that was promoted had arrived with its declared hash.',
    run: noneOf(
      `SELECT format('checkpoint %s lacks %s', c.id, coalesce(f.path, 'all files')) AS line
         FROM checkpoint c LEFT JOIN checkpoint_file f ON f.checkpoint_id = c.id
        WHERE c.state IN ('hashed', 'verified', 'promoted', 'superseded', 'archived') AND f.received_at IS NULL`,
    ),
  },
  {
    name: 'provenance.restore-point',
    invariant: 4,
    description: "A run's restore point is its one promoted checkpoint, and the furthest that was ever promoted.",
    run: noneOf(
      `SELECT format('run %s stands on %s, promoted is %s', r.id, r.promoted_checkpoint_id, c.id) AS line
         FROM run r LEFT JOIN checkpoint c ON c.run_id = r.id AND c.state = 'promoted'
        WHERE r.promoted_checkpoint_id IS DISTINCT FROM c.id OR r.promoted_step IS DISTINCT FROM c.step
           OR EXISTS (SELECT 1 FROM checkpoint o WHERE o.run_id = r.id AND o.promoted_at IS NOT NULL AND o.step > r.promoted_step)`,
    ),
  },
  {
    name: 'provenance.fenced',
    invariant: 4,
    description: 'No checkpoint was promoted after its lease had ended or run out.',
    run: noneOf(
      `SELECT format('checkpoint %s was promoted at %s, its lease ended at %s', c.id, c.promoted_at, l.ended_at) AS line
         FROM checkpoint c JOIN lease l ON l.id = c.lease_id
        WHERE c.promoted_at > l.ended_at OR c.promoted_at > l.expires_at`,
    ),
  },
  {
    name: 'provenance.announced',
    invariant: 4,
    description: 'Every promotion is in the public record, once, with the manifest that is stored.',
    run: noneOf(
      `SELECT format('checkpoint %s has %s events', c.id, count(e.id)) AS line
         FROM checkpoint c LEFT JOIN event_outbox e ON e.type = 'checkpoint.promoted' AND e.aggregate_id = c.run_id::text
              AND e.payload ->> 'checkpointId' = c.id::text AND e.payload ->> 'manifestSha256' = c.manifest_sha256
        WHERE c.promoted_at IS NOT NULL GROUP BY c.id HAVING count(e.id) <> 1`,
    ),
  },
];
