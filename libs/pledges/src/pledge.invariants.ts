import type { InvariantCheck } from '#platform';

/** Promises of DESIGN.md section 5 that concern pledges, as checks on live data. Each lists the rows that break it. */
const check = (name: string, invariant: number, description: string, sql: string): InvariantCheck => ({
  name,
  invariant,
  description,
  async run(tx) {
    const rows = await tx.query<{ violation: string }>(`${sql} LIMIT 50`);
    return { ok: rows.length === 0, violations: rows.map((row) => row.violation) };
  },
});

export const pledgeInvariants: readonly InvariantCheck[] = [
  check(
    'pledges.tally',
    2,
    "Each campaign's running totals equal the sums over its pledges.",
    `SELECT 'campaign ' || t.campaign_id || ': tally ' || t.captured_minor || '/' || t.refunded_minor || '/' ||
            t.disputed_minor || '/' || t.fees_minor || ', pledges ' || coalesce(s.captured, 0) || '/' ||
            coalesce(s.refunded, 0) || '/' || coalesce(s.disputed, 0) || '/' || coalesce(s.fees, 0) AS violation
       FROM campaign_tally t
       LEFT JOIN (SELECT campaign_id, sum(amount_minor) FILTER (WHERE captured_at IS NOT NULL) AS captured,
                         sum(refunded_minor) AS refunded, sum(disputed_minor) AS disputed, sum(fee_minor) AS fees
                    FROM cash_pledge GROUP BY campaign_id) s ON s.campaign_id = t.campaign_id
      WHERE (t.captured_minor, t.refunded_minor, t.disputed_minor, t.fees_minor)
         <> (coalesce(s.captured, 0), coalesce(s.refunded, 0), coalesce(s.disputed, 0), coalesce(s.fees, 0))`,
  ),
  check(
    'pledges.escrow',
    2,
    "Each campaign's escrow holds what its pledges and matches brought, less refunds asked for and disputes lost.",
    `SELECT a.code || ' holds ' || (a.credits_posted - a.debits_posted) || ', pledges say ' || s.due AS violation
       FROM campaign c
       JOIN ledger_account a ON a.code = 'campaign:' || c.id || ':escrow:USD'
       CROSS JOIN LATERAL (
         SELECT coalesce((SELECT sum(p.amount_minor) FROM cash_pledge p
                           WHERE p.campaign_id = c.id AND p.captured_at IS NOT NULL), 0)
              - coalesce((SELECT sum(r.amount_minor) FROM cash_pledge_refund r JOIN cash_pledge p ON p.id = r.pledge_id
                           WHERE p.campaign_id = c.id AND r.state <> 'failed'), 0)
              - coalesce((SELECT sum(d.amount_minor) FROM cash_pledge_dispute d JOIN cash_pledge p ON p.id = d.pledge_id
                           WHERE p.campaign_id = c.id AND d.state = 'lost'), 0)
              + coalesce((SELECT t.matched_minor FROM campaign_tally t WHERE t.campaign_id = c.id), 0) AS due) s
      WHERE a.credits_posted - a.debits_posted <> s.due`,
  ),
  check(
    'pledges.promised',
    2,
    "Each campaign's promises in the memo account are its unpaid pledges, and no money.",
    `SELECT a.code || ' holds ' || (a.credits_posted - a.debits_posted) || ', pledges promise ' || s.due AS violation
       FROM campaign c
       JOIN ledger_account a ON a.code = 'campaign:' || c.id || ':pledged:USD'
       CROSS JOIN LATERAL (SELECT coalesce(sum(p.amount_minor), 0) AS due FROM cash_pledge p
                            WHERE p.campaign_id = c.id AND p.is_promised) s
      WHERE a.credits_posted - a.debits_posted <> s.due`,
  ),
  check(
    'pledges.charged-once',
    3,
    'A pledge is charged at most once: one captured payment, and it is the one that the pledge names.',
    `SELECT 'pledge ' || p.id || ' has ' || count(m.id) || ' captured payments' AS violation
       FROM cash_pledge p LEFT JOIN payment m ON m.reference = p.id::text AND m.status = 'SUCCEEDED'
      GROUP BY p.id, p.payment_id
     HAVING count(m.id) > 1 OR (count(m.id) = 1) <> (p.payment_id IS NOT NULL)
         OR (p.payment_id IS NOT NULL AND p.payment_id <> ALL (array_agg(m.id)))`,
  ),
  check(
    'pledges.backers',
    2,
    'Each campaign counts every person whose pledges hold once, for cash and for compute.',
    `SELECT 'campaign ' || t.campaign_id || ' counts ' || t.cash_backers || ' and ' || t.compute_backers || ' backers, pledges ' ||
            s.cash || ' and ' || s.compute AS violation
       FROM campaign_tally t
       CROSS JOIN LATERAL (
         SELECT (SELECT count(DISTINCT contributor_id) FROM cash_pledge p WHERE p.campaign_id = t.campaign_id
                  AND p.state IN ('captured', 'refund_pending', 'disputed')) AS cash,
                (SELECT count(DISTINCT contributor_id) FROM compute_pledge p WHERE p.campaign_id = t.campaign_id
                  AND p.state IN ('accepted', 'delivering', 'fulfilled')) AS compute) s
      WHERE t.cash_backers <> s.cash OR t.compute_backers <> s.compute`,
  ),
  check(
    'pledges.committed',
    4,
    'Each compute pledge: pledged = delivered + reserved + given back + open, by its commitment account.',
    `SELECT 'pledge ' || p.id || ' (' || p.state || ') committed ' || coalesce(a.credits_posted, 0) || ', debited ' ||
            coalesce(a.debits_posted, 0) AS violation
       FROM compute_pledge p
       LEFT JOIN ledger_account a ON a.code = 'pledge:' || p.id || ':commitment:' || p.gpu_class
      WHERE (p.accepted_at IS NOT NULL AND coalesce(a.credits_posted, 0) <> p.milliseconds)
         OR (p.accepted_at IS NULL AND a.id IS NOT NULL)
         OR (p.accepted_at IS NOT NULL AND p.state IN ('fulfilled', 'lapsed', 'withdrawn')
             AND a.debits_posted <> p.milliseconds)
         OR p.returned_ms > coalesce(a.debits_posted, 0)
         OR p.judged_ms > coalesce(a.debits_posted, 0) - p.returned_ms`,
  ),
  check(
    'pledges.fulfilled',
    4,
    'Whoever delivered accepted work has fulfilled the pledge when it ends; only pledges of which nothing came lapse.',
    `SELECT 'pledge ' || p.id || ' is ' || p.state || ' with ' || (p.milliseconds - p.returned_ms) || ' ms delivered and ' ||
            p.accepted_ms || ' accepted' AS violation
       FROM compute_pledge p
      WHERE (p.state = 'lapsed' AND p.accepted_ms > 0) OR (p.state = 'fulfilled' AND p.milliseconds = p.returned_ms)`,
  ),
  check(
    'pledges.compute-progress',
    4,
    "Each campaign's committed and offered GPU time equal the sums over its compute pledges.",
    `SELECT 'campaign ' || c.id || ': ' || s.committed || ' committed and ' || s.offered || ' offered by pledges, books say ' ||
            (co.credits_posted - co.debits_posted) || ' and ' || (o.credits_posted - o.debits_posted) AS violation
       FROM campaign c
       JOIN ledger_account co ON co.code = 'campaign:' || c.id || ':compute_committed:' || c.gpu_class
       JOIN ledger_account o ON o.code = 'campaign:' || c.id || ':compute_offered:' || c.gpu_class
       CROSS JOIN LATERAL (
         SELECT coalesce(sum(p.milliseconds - p.returned_ms) FILTER (WHERE p.accepted_at IS NOT NULL), 0) AS committed,
                coalesce(sum(p.milliseconds) FILTER (WHERE p.state = 'offered'), 0) AS offered
           FROM compute_pledge p WHERE p.campaign_id = c.id) s
      WHERE co.credits_posted - co.debits_posted <> s.committed OR o.credits_posted - o.debits_posted <> s.offered`,
  ),
];
