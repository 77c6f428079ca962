import type { InvariantCheck } from '#platform';

const check = (name: string, invariant: number, description: string, sql: string): InvariantCheck => ({
  name,
  invariant,
  description,
  async run(tx) {
    const rows = await tx.query<{ violation: string }>(`${sql} LIMIT 50`);
    return { ok: rows.length === 0, violations: rows.map((row) => row.violation) };
  },
});

/** Per payouts payable account: what the attempts say waits there, has left and has arrived. */
export const payoutInvariants: readonly InvariantCheck[] = [
  check(
    'payouts.payable',
    2,
    'What is set aside, on its way and paid out by the attempts is what the books of each campaign say.',
    `WITH said AS (
       SELECT p.from_account, p.released_account,
              sum(a.amount_minor) FILTER (WHERE a.status IN ('LOCAL', 'SUBMITTING')) AS pending,
              sum(a.amount_minor) FILTER (WHERE a.status IN ('TRANSFERRED', 'IN_TRANSIT', 'RETURNING')) AS owed,
              sum(a.amount_minor) FILTER (WHERE a.status = 'SUCCEEDED') AS paid
         FROM payout p JOIN payout_attempt a ON a.payout_id = p.id GROUP BY p.from_account, p.released_account)
     SELECT s.from_account || ' holds ' || (f.credits_posted - f.debits_posted) || ' and released ' ||
            (r.credits_posted - r.debits_posted) || ', attempts say ' || coalesce(s.owed, 0) || ' and ' ||
            coalesce(s.paid, 0) || '; pending ' || f.credits_pending || ' for ' || coalesce(s.pending, 0) AS violation
       FROM said s
       JOIN ledger_account f ON f.code = s.from_account
       JOIN ledger_account r ON r.code = s.released_account
      WHERE f.credits_posted - f.debits_posted <> coalesce(s.owed, 0)
         OR r.credits_posted - r.debits_posted <> coalesce(s.paid, 0)
         OR f.credits_pending <> coalesce(s.pending, 0)`,
  ),
  check(
    'payouts.once',
    3,
    'Each part of a payout has at most one try that is, or may become, money; its parts are the whole amount, none above what the processor takes; it has succeeded exactly when all of them have.',
    `SELECT 'payout ' || p.id || ' (' || p.status || '): a part has ' || n.live || ' live tries, parts are ' || n.parts || ' of ' ||
            p.amount_minor || ', arrived are ' || n.arrived AS violation
       FROM payout p
       CROSS JOIN LATERAL (
         SELECT max(live) AS live, sum(amount) AS parts, max(amount) AS largest,
                coalesce(sum(amount) FILTER (WHERE has_arrived), 0) AS arrived
           FROM (SELECT part, max(amount_minor) AS amount,
                        count(*) FILTER (WHERE status NOT IN ('FAILED', 'CANCELED')) AS live,
                        bool_or(status = 'SUCCEEDED') AS has_arrived
                   FROM payout_attempt WHERE payout_id = p.id GROUP BY part) one) n
      WHERE n.live > 1 OR n.parts <> p.amount_minor OR n.largest > 99999999
         OR (p.status = 'SUCCEEDED') <> (n.arrived = p.amount_minor)`,
  ),
];
