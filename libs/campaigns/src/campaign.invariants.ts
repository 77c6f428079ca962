import type { InvariantCheck } from '#platform';

/** Promises of DESIGN.md section 5 that concern campaigns, as checks on live data. */
export const campaignInvariants: readonly InvariantCheck[] = [
  {
    name: 'campaigns.held',
    invariant: 2,
    description:
      "Each campaign's own accounts hold what was captured and matched less what was refunded; open disputes may lie on either side.",
    async run(tx) {
      // A campaign that took money in another currency is counted at dated rates; its accounts hold that other money.
      const rows = await tx.query<{ id: string; held: bigint; least: bigint; most: bigint }>(
        `SELECT t.campaign_id AS id, h.held, t.captured_minor + t.matched_minor - t.refunded_minor - t.disputed_minor AS least,
                t.captured_minor + t.matched_minor - t.refunded_minor AS most
           FROM campaign c JOIN campaign_tally t ON t.campaign_id = c.id
           CROSS JOIN LATERAL (
             SELECT coalesce(sum(a.credits_posted - a.debits_posted), 0)::bigint AS held FROM ledger_account a
              WHERE a.code = ANY (ARRAY(SELECT 'campaign:' || c.id || x || c.currency FROM unnest(ARRAY[':escrow:',
                ':refunds_payable:', ':payouts_payable:', ':dispute_reserve:', ':fees_borne:', ':released:', ':debt:']) x))) h
          WHERE c.live_at IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM ledger_account e JOIN ledger_unit u ON u.code <> c.currency
                             WHERE e.code = 'campaign:' || c.id || ':escrow:' || u.code AND e.credits_posted > 0)
            AND h.held NOT BETWEEN t.captured_minor + t.matched_minor - t.refunded_minor - t.disputed_minor
                               AND t.captured_minor + t.matched_minor - t.refunded_minor
          LIMIT 20`,
      );
      return {
        ok: rows.length === 0,
        violations: rows.map((r) => `campaign ${r.id} holds ${r.held}, its tally says ${r.least} to ${r.most}`),
      };
    },
  },
  {
    name: 'campaigns.verdict',
    invariant: 2,
    description: 'No money left a campaign that stands as failed, cancelled or refunded, and none was extended twice.',
    async run(tx) {
      const rows = await tx.query<{ violation: string }>(
        `SELECT 'campaign ' || id || ' is ' || state || ' and money left it' AS violation FROM campaign
          WHERE disbursed_at IS NOT NULL AND ended_as IS NOT NULL
         UNION ALL
         SELECT 'campaign ' || campaign_id || ' was extended ' || count(*) || ' times' FROM campaign_settlement
          WHERE verdict = 'extended' GROUP BY campaign_id HAVING count(*) > 1
         LIMIT 20`,
      );
      return { ok: rows.length === 0, violations: rows.map((row) => row.violation) };
    },
  },
  {
    name: 'campaigns.accounts',
    invariant: 1,
    description: 'Every campaign that went live has its accounts for money.',
    async run(tx) {
      const rows = await tx.query<{ code: string }>(
        `SELECT x.code FROM campaign c
           CROSS JOIN LATERAL (SELECT 'campaign:' || c.id || ':' || k || ':' || c.currency AS code FROM unnest(ARRAY[
             'escrow', 'refunds_payable', 'payouts_payable', 'dispute_reserve', 'released', 'debt', 'pledged']) k) x
           LEFT JOIN ledger_account a ON a.code = x.code
          WHERE c.live_at IS NOT NULL AND a.id IS NULL LIMIT 20`,
      );
      return { ok: rows.length === 0, violations: rows.map((row) => `${row.code} is missing`) };
    },
  },
];
