import type { InvariantCheck, Tx } from '#platform';

/** Runs a query whose rows are what is wrong, each with one column `line`. */
const noneOf =
  (sql: string, figures?: string) =>
  async (tx: Tx): Promise<{ ok: boolean; violations: string[]; figures?: Record<string, string> }> => {
    const violations = (await tx.query<{ line: string }>(`${sql} LIMIT 20`)).map((row) => row.line);
    const counted = figures ? (await tx.query<Record<string, unknown>>(figures))[0] : undefined;
    return {
      ok: violations.length === 0,
      violations,
      ...(counted
        ? { figures: Object.fromEntries(Object.entries(counted).map(([name, value]) => [name, String(value)])) }
        : {}),
    };
  };

/** Invariant 4: GPU time settled is GPU time that could have been delivered. Also run nightly against live data. */
export const trainingInvariants: readonly InvariantCheck[] = [
  {
    name: 'training.lease-bounds',
    invariant: 4,
    description:
      'A lease delivered no more than its devices could between its start and its expiry, and no more than reserved.',
    run: noneOf(
      `SELECT format('lease %s delivered %s ms in %s .. %s', id, delivered_ms, started_at, least(expires_at, ended_at)) AS line
         FROM lease
        WHERE ended_at IS NOT NULL
          AND delivered_ms > least(reserved_ms, greatest(0, device_count * coalesce(
                extract(epoch FROM least(expires_at, ended_at, last_beat_at) - started_at) * 1000, 0)))`,
      `SELECT count(*) AS leases, coalesce(sum(delivered_ms), 0) AS delivered_ms FROM lease WHERE ended_at IS NOT NULL`,
    ),
  },
  {
    name: 'training.node-wall-time',
    invariant: 4,
    description: 'A node settled no more than its devices times the wall time since it joined.',
    run: noneOf(
      `SELECT format('node %s settled %s ms on %s devices since %s', n.id, u.ms, n.device_count, n.joined_at) AS line
         FROM (SELECT node_id, sum(delivered_ms) AS ms, max(delivered_at) AS until FROM usage_record GROUP BY node_id) u
         JOIN node n ON n.id = u.node_id
        WHERE u.ms > n.device_count * greatest(0, extract(epoch FROM u.until - n.joined_at) * 1000)`,
    ),
  },
  {
    name: 'training.device-once',
    invariant: 4,
    description: 'No device was on two leases at once.',
    run: noneOf(
      `SELECT format('device %s of node %s is on leases %s and %s', a.device_index, a.node_id, a.lease_id, b.lease_id) AS line
         FROM lease_device a JOIN lease x ON x.id = a.lease_id
         JOIN lease_device b ON b.node_id = a.node_id AND b.device_index = a.device_index AND b.lease_id > a.lease_id
         JOIN lease y ON y.id = b.lease_id
        WHERE tstzrange(x.granted_at, x.ended_at) && tstzrange(y.granted_at, y.ended_at)`,
    ),
  },
  {
    name: 'training.gang-whole',
    invariant: 4,
    description:
      'An attempt that started had a lease for each rank, at least the minimum and at most the maximum of the run.',
    run: noneOf(
      `SELECT format('attempt %s has %s leases of %s', a.id, count(l.id), a.size) AS line
         FROM run_attempt a JOIN run r ON r.id = a.run_id LEFT JOIN lease l ON l.attempt_id = a.id
        GROUP BY a.id, r.id
       HAVING count(l.id) <> a.size OR a.size < r.min_workers OR a.size > r.max_workers OR count(DISTINCT l.rank) <> a.size
           OR (a.started_at IS NOT NULL AND bool_or(l.started_at IS DISTINCT FROM a.started_at))`,
      `SELECT count(*) AS attempts, count(started_at) AS started FROM run_attempt`,
    ),
  },
  {
    name: 'training.credit-in-ledger',
    invariant: 4,
    description: 'Per run, what leases delivered and what was accepted is what the ledger holds.',
    run: noneOf(
      `SELECT format('run %s: leases %s delivered / %s accepted, ledger %s / %s', r.id, u.delivered, u.accepted,
                     d.credits_posted, a.credits_posted) AS line
         FROM run r
         CROSS JOIN LATERAL (SELECT coalesce(sum(delivered_ms), 0) AS delivered, coalesce(sum(accepted_ms), 0) AS accepted
                               FROM usage_record WHERE run_id = r.id) u
         LEFT JOIN ledger_account d ON d.code = 'run:' || r.id || ':delivered:' || r.gpu_class
         LEFT JOIN ledger_account a ON a.code = 'run:' || r.id || ':accepted:' || r.gpu_class
        WHERE d.credits_posted IS DISTINCT FROM u.delivered OR a.credits_posted IS DISTINCT FROM u.accepted
           OR d.debits_posted IS DISTINCT FROM u.accepted`,
    ),
  },
  {
    name: 'training.reservations',
    invariant: 4,
    description: 'What is pending into a run is what its live leases reserved.',
    run: noneOf(
      `SELECT format('run %s: %s ms pending, live leases reserved %s', r.id, d.credits_pending, l.reserved) AS line
         FROM run r JOIN ledger_account d ON d.code = 'run:' || r.id || ':delivered:' || r.gpu_class
         CROSS JOIN LATERAL (SELECT coalesce(sum(reserved_ms), 0) AS reserved FROM lease
                              WHERE run_id = r.id AND ended_at IS NULL) l
        WHERE d.credits_pending <> l.reserved`,
    ),
  },
  {
    name: 'training.tokens-grow',
    invariant: 4,
    description: 'Fencing tokens grow with every lease of a node and of a run.',
    run: noneOf(
      `SELECT format('lease %s has token %s after %s', id, token, previous) AS line
         FROM (SELECT id, token, lag(token) OVER (PARTITION BY node_id ORDER BY granted_at, token) AS previous FROM lease) x
        WHERE token <= previous`,
    ),
  },
  {
    name: 'training.ended-is-settled',
    invariant: 4,
    description: 'Every ended lease has its usage, and every usage of an ended attempt is settled.',
    run: noneOf(
      `SELECT format('lease %s of attempt %s (%s) is not settled', l.id, a.id, a.state) AS line
         FROM lease l JOIN run_attempt a ON a.id = l.attempt_id LEFT JOIN usage_record u ON u.lease_id = l.id
        WHERE l.ended_at IS NOT NULL AND (u.lease_id IS NULL OR u.delivered_ms <> l.delivered_ms
              OR (a.state = 'ended' AND u.settled_at IS NULL))`,
    ),
  },
];
