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

/** What a part of pledge `p` counts in the currency of its campaign; `countedShare` in SQL. */
const share = (part: string): string => `div(p.counted_minor::numeric * p.${part}, p.amount_minor)`;

export const pledgeInvariants: readonly InvariantCheck[] = [
  check(
    'pledges.tally',
    2,
    "Each campaign's running totals equal the sums over its pledges, each part counted by its share of the whole.",
    `SELECT 'campaign ' || t.campaign_id || ': tally ' || t.promised_minor || '/' || t.captured_minor || '/' ||
            t.refunded_minor || '/' || t.disputed_minor || '/' || t.fees_minor || ', pledges ' ||
            concat_ws('/', s.promised, s.captured, s.refunded, s.disputed, s.fees) AS violation
       FROM campaign_tally t
       CROSS JOIN LATERAL (
         SELECT coalesce(sum(counted_minor - ${share('collected_minor')}) FILTER (WHERE is_promised), 0) AS promised,
                coalesce(sum(${share('collected_minor')}), 0) AS captured,
                coalesce(sum(${share('refunded_minor')}), 0) AS refunded,
                coalesce(sum(${share('disputed_minor')}), 0) AS disputed,
                coalesce(sum(${share('fee_minor')}), 0) AS fees
           FROM cash_pledge p WHERE p.campaign_id = t.campaign_id) s
      WHERE (t.promised_minor, t.captured_minor, t.refunded_minor, t.disputed_minor, t.fees_minor)
         <> (s.promised, s.captured, s.refunded, s.disputed, s.fees)`,
  ),
  check(
    'pledges.escrow',
    2,
    "What payments and donors' cash brought into each campaign's escrow is what its pledges collected, by currency.",
    `SELECT a.code || ' received ' || s.received || ', pledges collected ' || s.collected AS violation
       FROM ledger_account a
       CROSS JOIN LATERAL (
         SELECT coalesce((SELECT sum(t.amount) FROM ledger_transfer t JOIN ledger_account d ON d.id = t.debit_account_id
                           WHERE t.credit_account_id = a.id AND t.kind = 'posted'
                             AND (d.code LIKE 'processor:available:%' OR d.code LIKE 'donor:%:unapplied_cash:%')
                             -- What a bank gives back after a dispute was lost had been collected before.
                             AND NOT t.refs ? 'dispute'), 0) AS received,
                coalesce((SELECT sum(p.collected_minor) FROM cash_pledge p
                           WHERE p.campaign_id = substr(a.code, 10, 36)::uuid AND p.currency = right(a.code, 3)), 0) AS collected) s
      WHERE a.code ~ '^campaign:[0-9a-f-]{36}:escrow:[A-Z]{3}$' AND s.received <> s.collected`,
  ),
  check(
    'pledges.promised',
    2,
    "Each campaign's promises in the memo accounts are what its open pledges have not brought yet, and no money.",
    `SELECT a.code || ' holds ' || (a.credits_posted - a.debits_posted) || ', pledges promise ' || s.due AS violation
       FROM ledger_account a
       CROSS JOIN LATERAL (SELECT coalesce(sum(p.amount_minor - p.collected_minor), 0) AS due FROM cash_pledge p
                            WHERE p.campaign_id = substr(a.code, 10, 36)::uuid AND p.currency = right(a.code, 3)
                              AND p.is_promised) s
      WHERE a.code ~ '^campaign:[0-9a-f-]{36}:pledged:[A-Z]{3}$' AND a.credits_posted - a.debits_posted <> s.due`,
  ),
  check(
    'pledges.charged-once',
    3,
    'Each instalment of a pledge is charged at most once, and what was charged is what was collected.',
    `SELECT 'pledge ' || coalesce(m.reference, c.pledge_id::text) || ', instalment ' || coalesce(m.instalment, c.instalment) ||
            ', has ' || coalesce(m.n, 0) || ' captured payments' AS violation
       FROM (SELECT reference, instalment, count(*) AS n, (array_agg(id))[1] AS id FROM payment
              WHERE status = 'SUCCEEDED' AND purpose = 'pledge' GROUP BY reference, instalment) m
       FULL JOIN cash_pledge_charge c ON c.pledge_id::text = m.reference AND c.instalment = m.instalment
      WHERE m.n IS DISTINCT FROM 1 OR c.payment_id IS DISTINCT FROM m.id
      UNION ALL
     SELECT 'pledge ' || p.id || ' collected ' || p.collected_minor || ', was charged ' || s.charged
       FROM cash_pledge p
       CROSS JOIN LATERAL (
         SELECT CASE WHEN p.rail = 'bank_transfer'
                     THEN (SELECT coalesce(sum(amount_minor), 0) FROM cash_pledge_application a WHERE a.pledge_id = p.id)
                     ELSE (SELECT coalesce(sum(amount_minor), 0) FROM cash_pledge_charge c WHERE c.pledge_id = p.id)
                END AS charged) s
      WHERE s.charged <> p.collected_minor`,
  ),
  check(
    'pledges.below-cap',
    2,
    'No campaign is promised more than its hard cap.',
    `SELECT 'campaign ' || c.id || ' is promised and paid ' || (t.promised_minor + t.captured_minor - t.refunded_minor) ||
            ', its cap is ' || (c.plan->>'hardCapMinor') AS violation
       FROM campaign c JOIN campaign_tally t ON t.campaign_id = c.id
      WHERE t.promised_minor + t.captured_minor - t.refunded_minor > (c.plan->>'hardCapMinor')::numeric`,
  ),
  check(
    'pledges.settled',
    3,
    'No pledge of a finished close is left between promise and money, and none of a refunded campaign keeps money.',
    `SELECT 'pledge ' || p.id || ' is ' || p.state || ' after the close of its campaign' AS violation
       FROM pledge_close k JOIN cash_pledge p ON p.snapshot_id = k.snapshot_id
      WHERE k.phase = 'finished' AND p.state IN ('frozen', 'needs_action', 'errored')
      UNION ALL
     SELECT 'pledge ' || p.id || ' is ' || p.state || ' although its campaign was refunded'
       FROM pledge_refund_run r JOIN cash_pledge p ON p.campaign_id = r.campaign_id
      WHERE r.finished_at IS NOT NULL AND p.state IN ('pledged', 'frozen', 'collected')`,
  ),
  check(
    'pledges.invoices',
    7,
    'Invoice numbers run without gaps within a year, and no erased person is named by one.',
    `SELECT 'year ' || c.year || ' counted ' || c.last_number || ' invoices and holds ' || count(i.number) AS violation
       FROM pledge_invoice_counter c LEFT JOIN pledge_invoice i ON i.year = c.year
      GROUP BY c.year, c.last_number HAVING count(i.number) <> c.last_number OR coalesce(max(i.number), 0) <> c.last_number`,
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
                  AND p.state IN ('collected', 'refund_pending', 'refund_stuck', 'disputed')) AS cash,
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
