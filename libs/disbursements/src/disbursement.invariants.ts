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

/** What the books hold of the plan `d` in its own currency, as columns of one row. */
const BOOKS = `CROSS JOIN LATERAL (
    SELECT coalesce(sum(a.credits_posted - a.debits_posted) FILTER (WHERE a.code LIKE '%:escrow:%'), 0) AS escrow,
           coalesce(sum(a.credits_posted - a.debits_posted) FILTER (WHERE a.code LIKE '%:dispute_reserve:%'), 0) AS reserve,
           coalesce(sum(a.credits_posted - a.debits_posted + a.credits_pending)
             FILTER (WHERE a.code LIKE '%:payouts_payable:%'), 0) AS payable,
           coalesce(sum(a.credits_posted - a.debits_posted) FILTER (WHERE a.code LIKE '%:released:%'), 0) AS released
      FROM ledger_account a
     WHERE a.code = ANY (ARRAY['campaign:' || d.campaign_id || ':escrow:' || d.currency,
                               'campaign:' || d.campaign_id || ':dispute_reserve:' || d.currency,
                               'campaign:' || d.campaign_id || ':payouts_payable:' || d.currency,
                               'campaign:' || d.campaign_id || ':released:' || d.currency])) b`;

export const disbursementInvariants: readonly InvariantCheck[] = [
  check(
    'disbursements.within-collected',
    2,
    'Tranches set aside, on their way and paid out are together at most what was collected, and exactly what the books say.',
    `SELECT 'campaign ' || d.campaign_id || ': tranches take ' || t.taken || ', books say ' || (b.payable + b.released) ||
            ' of ' || (b.escrow + b.reserve + b.payable + b.released) AS violation
       FROM disbursement d ${BOOKS}
       CROSS JOIN LATERAL (SELECT coalesce(sum(a.amount_minor), 0) AS taken
                             FROM disbursement_tranche t JOIN payout_attempt a ON a.payout_id = t.payout_id
                            WHERE t.campaign_id = d.campaign_id AND a.status NOT IN ('FAILED', 'CANCELED')) t
      WHERE t.taken <> b.payable + b.released OR b.escrow < 0`,
  ),
  check(
    'disbursements.whole',
    3,
    'A tranche has succeeded only when every part of its payout has arrived, and never more than its amount is on the way.',
    `SELECT 'tranche ' || t.id || ' (' || t.state || ') of ' || t.amount_minor || ' has sent ' || n.live AS violation
       FROM disbursement_tranche t JOIN payout p ON p.id = t.payout_id
       CROSS JOIN LATERAL (SELECT coalesce(sum(amount_minor), 0) AS live FROM payout_attempt
                            WHERE payout_id = p.id AND status NOT IN ('FAILED', 'CANCELED')) n
      WHERE n.live > t.amount_minor OR p.status = 'SUCCEEDED' AND (t.state <> 'succeeded' OR n.live <> t.amount_minor)
         OR t.state = 'succeeded' AND p.status NOT IN ('SUCCEEDED', 'IN_TRANSIT')`,
  ),
  check(
    'disbursements.exchanged',
    2,
    'Each exchange stands in the books as two transfers of its amounts through the liquidity accounts, and no other reaches an escrow.',
    `SELECT 'exchange ' || coalesce(x.id::text, t.exchange) || ': given ' || coalesce(t.gave, 0) || ', got ' || coalesce(t.got, 0) AS violation
       FROM disbursement_exchange x
       FULL JOIN (
         SELECT split_part(t.key, ':', 2) AS exchange, max(t.amount) FILTER (WHERE t.key LIKE '%:give') AS gave,
                max(t.amount) FILTER (WHERE t.key LIKE '%:get') AS got,
                bool_or(g.code LIKE 'campaign:%:escrow:%') AS of_escrow
           FROM ledger_transfer t JOIN ledger_account g ON g.id = t.debit_account_id
          WHERE t.key LIKE 'exchange:%:give' OR t.key LIKE 'exchange:%:get' GROUP BY 1) t ON t.exchange = x.id::text
      WHERE x.id IS NULL AND t.of_escrow
         OR x.id IS NOT NULL AND (t.gave IS DISTINCT FROM x.give_minor OR t.got IS DISTINCT FROM x.get_minor)`,
  ),
  check(
    'disbursements.approved',
    3,
    'No payout without the approvals that the terms ask for, from different people, none of whom submitted the evidence.',
    `SELECT 'tranche ' || t.id || ' (' || t.state || ') has ' || n.approvals || ' of ' || d.approvals_required || ' approvals, ' ||
            n.own || ' by who submitted' AS violation
       FROM disbursement_tranche t JOIN disbursement d ON d.campaign_id = t.campaign_id
       LEFT JOIN disbursement_evidence e ON e.id = t.evidence_id
       CROSS JOIN LATERAL (SELECT count(DISTINCT contributor_id) AS approvals,
                                  count(*) FILTER (WHERE contributor_id = e.submitted_by) AS own
                             FROM disbursement_approval WHERE evidence_id = t.evidence_id AND approves) n
      WHERE t.reservations > 0 AND (n.approvals < d.approvals_required OR n.own > 0 OR e.outcome IS DISTINCT FROM 'accepted')`,
  ),
  check(
    'disbursements.safe',
    3,
    'No money is set aside for a payout before the safety window is over.',
    `SELECT 'tranche ' || t.id || ' was reserved at ' || t.reserved_at || ', the window ended ' ||
            coalesce(c.safety_ends_at::text, 'never') AS violation
       FROM disbursement_tranche t JOIN campaign c ON c.id = t.campaign_id
      WHERE t.reserved_at IS NOT NULL AND (c.safety_ends_at IS NULL OR t.reserved_at < c.safety_ends_at)`,
  ),
  check(
    'disbursements.goal',
    3,
    'Nothing was ever paid out of a campaign that had collected less than the goal its backers were promised.',
    `SELECT 'campaign ' || d.campaign_id || ' paid out with ' || coalesce(d.first_net_minor::text, 'nothing') || ' of ' ||
            d.goal_minor AS violation
       FROM disbursement d
      WHERE EXISTS (SELECT 1 FROM disbursement_tranche t WHERE t.campaign_id = d.campaign_id AND t.reservations > 0)
        AND (d.first_net_minor IS NULL OR d.first_net_minor < d.goal_minor)`,
  ),
  check(
    'disbursements.reserve',
    2,
    'Each dispute reserve holds what its last sizing put there, less what disputes have taken since.',
    `SELECT a.code || ' holds ' || (a.credits_posted - a.debits_posted) || ', sized to ' || r.held_minor || ', lost since ' ||
            l.lost AS violation
       FROM (SELECT DISTINCT ON (campaign_id, currency) campaign_id, currency, number, held_minor
               FROM disbursement_reserve ORDER BY campaign_id, currency, number DESC) r
       JOIN ledger_account a ON a.code = 'campaign:' || r.campaign_id || ':dispute_reserve:' || r.currency
       CROSS JOIN LATERAL (
         SELECT coalesce(sum(CASE WHEN t.debit_account_id = a.id THEN t.amount ELSE -t.amount END), 0) AS lost
           FROM ledger_transfer t
          WHERE (t.debit_account_id = a.id OR t.credit_account_id = a.id) AND t.kind = 'posted'
            AND t.key NOT LIKE 'dispute-reserve:%') l
       CROSS JOIN LATERAL (
         SELECT coalesce(sum(moved_minor), 0) AS moved FROM disbursement_reserve m
          WHERE m.campaign_id = r.campaign_id AND m.currency = r.currency) m
      WHERE a.credits_posted - a.debits_posted <> m.moved - l.lost`,
  ),
];
