import type { InvariantCheck } from '#platform';

/** Promises of DESIGN.md section 5 that concern campaigns, as checks on live data. */
export const campaignInvariants: readonly InvariantCheck[] = [
  {
    name: 'campaigns.held',
    invariant: 2,
    description:
      'Over all campaigns: captured − refunded − disputed − fees is what the ledger says the card processor holds.',
    async run(tx) {
      const [row] = await tx.query<{ tallied: bigint; booked: bigint }>(
        `SELECT coalesce((SELECT sum(captured_minor - refunded_minor - disputed_minor - fees_minor)
                            FROM campaign_tally), 0)::bigint AS tallied,
                coalesce((SELECT debits_posted - credits_posted FROM ledger_account
                           WHERE code = 'processor:available:USD'), 0) AS booked`,
      );
      const tallied = row?.tallied ?? 0n;
      const booked = row?.booked ?? 0n;
      return {
        ok: tallied === booked,
        violations: tallied === booked ? [] : [`campaigns tally ${tallied} cents, the ledger holds ${booked}`],
        figures: { talliedMinor: String(tallied), bookedMinor: String(booked) },
      };
    },
  },
  {
    name: 'campaigns.accounts',
    invariant: 1,
    description: 'Every campaign that went live has its escrow, refund and promise accounts.',
    async run(tx) {
      const rows = await tx.query<{ code: string }>(
        `SELECT x.code FROM campaign c
           CROSS JOIN LATERAL (VALUES ('campaign:' || c.id || ':escrow:USD'), ('campaign:' || c.id || ':refunds_payable:USD'),
                                      ('campaign:' || c.id || ':pledged:USD')) x(code)
           LEFT JOIN ledger_account a ON a.code = x.code
          WHERE c.live_at IS NOT NULL AND a.id IS NULL LIMIT 20`,
      );
      return { ok: rows.length === 0, violations: rows.map((row) => `${row.code} is missing`) };
    },
  },
];
