import type { InvariantCheck } from '#platform';

const check = (name: string, description: string, sql: string): InvariantCheck => ({
  name,
  invariant: 2,
  description,
  async run(tx) {
    const rows = await tx.query<{ violation: string }>(`${sql} LIMIT 50`);
    return { ok: rows.length === 0, violations: rows.map((row) => row.violation) };
  },
});

/** What must hold of pools and rounds, derived from the tables again. */
export const matchingInvariants: readonly InvariantCheck[] = [
  check(
    'matching.pools',
    "Each pool's account holds what its sponsors paid in, less refunds asked for (one that failed stays set aside), disputes lost and what rounds took.",
    `SELECT a.code || ' holds ' || (a.credits_posted - a.debits_posted) || ', deposits and rounds say ' || s.due AS violation
       FROM match_pool p
       JOIN ledger_account a ON a.code = 'pool:' || p.id || ':' || p.currency
       CROSS JOIN LATERAL (
         SELECT coalesce((SELECT sum(d.amount_minor) FROM match_deposit d WHERE d.pool_id = p.id AND d.collected_at IS NOT NULL), 0)
              - coalesce((SELECT sum(r.amount_minor) FROM refund r JOIN match_deposit_payment y USING (payment_id)
                           JOIN match_deposit d ON d.id = y.deposit_id
                           WHERE d.pool_id = p.id AND r.case_id IS NULL), 0)
              - coalesce((SELECT sum(r.pool_minor) FROM match_round r
                           WHERE r.pool_id = p.id AND r.state IN ('open', 'closed', 'computed', 'final')), 0)
              - p.granted_minor AS due) s
      WHERE a.credits_posted - a.debits_posted <> s.due
        AND NOT EXISTS (SELECT 1 FROM match_deposit d WHERE d.pool_id = p.id AND d.disputed_minor > 0)`,
  ),
  check(
    'matching.tally',
    "Each pool's running totals equal the sums over its deposits and rounds.",
    `SELECT 'pool ' || p.id || ': ' || p.deposited_minor || '/' || p.refunded_minor || '/' || p.disputed_minor || '/' ||
            p.granted_minor || ', rows say ' || s.deposited || '/' || s.refunded || '/' || s.disputed || '/' || g.granted AS violation
       FROM match_pool p
       CROSS JOIN LATERAL (
         SELECT coalesce(sum(amount_minor) FILTER (WHERE collected_at IS NOT NULL), 0) AS deposited,
                coalesce(sum(refunded_minor), 0) AS refunded, coalesce(sum(disputed_minor), 0) AS disputed
           FROM match_deposit d WHERE d.pool_id = p.id) s
       CROSS JOIN LATERAL (
         SELECT coalesce(sum(paid_minor), 0) AS granted FROM match_round r WHERE r.pool_id = p.id AND r.state = 'paid') g
      WHERE (p.deposited_minor, p.refunded_minor, p.disputed_minor, p.granted_minor)
         <> (s.deposited, s.refunded, s.disputed, g.granted)`,
  ),
  check(
    'matching.rounds',
    "An open round's account holds what it promises, an ended one's nothing; a paid round paid what its campaigns got.",
    `SELECT 'round ' || r.id || ' (' || r.state || ') holds ' || (a.credits_posted - a.debits_posted) || ', paid ' ||
            coalesce(r.paid_minor, 0) || ', campaigns got ' || s.paid AS violation
       FROM match_round r
       JOIN ledger_account a ON a.code = 'pool:' || r.pool_id || ':round:' || r.id || ':' || r.currency
       CROSS JOIN LATERAL (
         SELECT coalesce(sum(paid_minor), 0) AS paid FROM match_round_campaign c WHERE c.round_id = r.id) s
      WHERE a.credits_posted - a.debits_posted
              <> CASE WHEN r.state IN ('open', 'closed', 'computed', 'final') THEN r.pool_minor ELSE 0 END
         OR coalesce(r.paid_minor, 0) <> s.paid OR s.paid > r.pool_minor`,
  ),
  check(
    'matching.results',
    'What the campaigns of a round are matched by sums to no more than the round promises.',
    `SELECT 'round ' || r.id || ' matches ' || sum(c.match_minor) || ' of ' || r.pool_minor AS violation
       FROM match_round r JOIN match_round_campaign c ON c.round_id = r.id
      GROUP BY r.id HAVING sum(c.match_minor) > r.pool_minor`,
  ),
];
