import type { Tx } from '#platform';

/** What one side says of a subject: one movement, in the unit of the case. */
export interface Saying {
  readonly side: 'ledger' | 'processor' | 'bank' | 'meter';
  /** In the words of that side. */
  readonly what: string;
  /** How it is called there. */
  readonly reference: string;
  /** Signed: positive came to the compared account, or was counted. */
  readonly amount: bigint;
  /** Of the processor, where it took one. */
  readonly fee: bigint | null;
  readonly at: Date;
  /** The ledger transfer, for the side that is the books. */
  readonly transfer_id: string | null;
  /** Code of the compared account, of our books. */
  readonly account: string | null;
}

const MAX = 100;

/** What each side says of a case's subject, oldest first. */
export async function sayingsOf(tx: Tx, of: { kind: string; subject: string; unit: string }): Promise<Saying[]> {
  const at = of.subject.indexOf(':');
  const [kind, id] = [of.subject.slice(0, at), of.subject.slice(at + 1)];
  if (kind === 'lease') return leaseSayings(tx, id);
  const sayings = [
    ...(await ledgerSayings(tx, kind, id, of)),
    ...(await processorSayings(tx, kind, id, of.unit)),
    ...(await bankSayings(tx, kind, id, of.unit)),
  ];
  return sayings.toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

/** The compared accounts by what the subject is, and the transfers that speak of it. */
const BOOKED: Readonly<Record<string, { account: string; filter: string }>> = {
  payment: {
    account: 'processor:available:%',
    filter: `refs->>'payment' = $2 AND NOT refs ? 'refund' AND NOT refs ? 'dispute'`,
  },
  refund: { account: 'processor:available:%', filter: `refs->>'refund' = $2` },
  dispute: { account: 'processor:available:%', filter: `refs->>'dispute' = $2` },
  transfer: { account: 'processor:available:%', filter: `starts_with(key, 'payout:' || $2 || ':')` },
  booking: { account: 'processor:available:%', filter: 'key = $2' },
  entry: { account: 'processor:available:%', filter: 'false AND $2::text IS NULL' },
  payout: { account: 'processor:available:%', filter: `refs->>'processor_payout' = $2` },
  bank_line: { account: 'bank:operating:%', filter: `refs->>'bank_line' = $2` },
  donor_cash: { account: 'donor:%:unapplied_cash:%', filter: `a.code = 'donor:' || $2 || ':unapplied_cash:' || $4` },
};

const IN_TRANSIT = { account: 'bank:in_transit:%', filter: `refs->>'processor_payout' = $2` };
/** Kinds of difference in which a payout is held against the bank, and not against the processor. */
const AGAINST_BANK: readonly string[] = ['missing_in_bank', 'bank_amount_differs'];

async function ledgerSayings(
  tx: Tx,
  kind: string,
  id: string,
  of: { kind: string; subject: string; unit: string },
): Promise<Saying[]> {
  const { subject, unit } = of;
  const booked = kind === 'payout' && AGAINST_BANK.includes(of.kind) ? IN_TRANSIT : BOOKED[kind];
  if (booked === undefined) return [];
  // A liability of ours grows on its credit side; there more is more for the donor.
  const grows = kind === 'donor_cash' ? 'credit' : 'debit';
  return tx.query<Saying>(
    `SELECT 'ledger' AS side, t.reason AS what, t.key AS reference, NULL::bigint AS fee, t.recorded_at AS at, t.id AS transfer_id,
            a.code AS account, CASE WHEN t.${grows}_account_id = a.id THEN t.amount ELSE -t.amount END AS amount
       FROM ledger_transfer t JOIN ledger_account a ON a.id IN (t.debit_account_id, t.credit_account_id)
      WHERE a.code LIKE $1 AND t.unit = $4 AND t.kind IN ('posted', 'post_pending')
        AND (${booked.filter} OR refs->>'reconciles' = $3)
      ORDER BY t.seq DESC LIMIT ${MAX}`,
    [booked.account, id, subject, unit],
  );
}

const AT_PROCESSOR: Readonly<Record<string, string>> = {
  payment: 'e.source_id = (SELECT stripe_charge_id FROM payment WHERE id::text = $1)',
  refund: 'e.source_id = (SELECT stripe_refund_id FROM refund WHERE id::text = $1)',
  dispute: 'e.source_id = (SELECT stripe_dispute_id FROM dispute WHERE id::text = $1)',
  transfer: `e.source_id IN (SELECT unnest(ARRAY[stripe_transfer_id, stripe_reversal_id]) FROM payout_attempt WHERE id::text = $1)`,
  payout: 'e.source_id = $1',
  entry: 'e.id = $1',
};

async function processorSayings(tx: Tx, kind: string, id: string, unit: string): Promise<Saying[]> {
  if (kind === 'donor_cash') {
    return tx.query<Saying>(
      `SELECT 'processor' AS side, replace(type, '_', ' ') AS what, id AS reference, net_minor AS amount, NULL::bigint AS fee,
              occurred_at AS at, NULL::uuid AS transfer_id, NULL AS account
         FROM processor_cash_entry WHERE contributor_pseudonym::text = $1 AND currency = $2
        ORDER BY occurred_at DESC, id DESC LIMIT ${MAX}`,
      [id, unit],
    );
  }
  const filter = AT_PROCESSOR[kind];
  if (filter === undefined) return [];
  return tx.query<Saying>(
    `SELECT 'processor' AS side, replace(e.type, '_', ' ') AS what, e.id AS reference, e.amount_minor AS amount,
            e.fee_minor AS fee, e.occurred_at AS at, NULL::uuid AS transfer_id, NULL AS account
       FROM processor_entry e WHERE ${filter} AND e.currency = $2 ORDER BY e.occurred_at DESC, e.id DESC LIMIT ${MAX}`,
    [id, unit],
  );
}

async function bankSayings(tx: Tx, kind: string, id: string, unit: string): Promise<Saying[]> {
  const filter = {
    payout: "m.payout_id = $1 OR array_to_string(l.texts, ' ') LIKE '%' || $1 || '%'",
    bank_line: 'l.id::text = $1',
  }[kind];
  if (filter === undefined) return [];
  return tx.query<Saying>(
    `SELECT 'bank' AS side, coalesce(nullif(left(array_to_string(l.texts, ' · '), 200), ''), 'no text') AS what,
            l.reference, l.amount_minor AS amount, NULL::bigint AS fee, l.booked_on::timestamptz AS at, NULL::uuid AS transfer_id, NULL AS account
       FROM bank_line l LEFT JOIN bank_match m ON m.line_id = l.id AND m.undone_at IS NULL
      WHERE (${filter}) AND l.currency = $2 ORDER BY l.booked_on DESC, l.id DESC LIMIT ${MAX}`,
    [id, unit],
  );
}

async function leaseSayings(tx: Tx, id: string): Promise<Saying[]> {
  return tx.query<Saying>(
    `SELECT 'ledger' AS side, t.reason AS what, t.key AS reference, t.amount, NULL::bigint AS fee, t.recorded_at AS at,
            t.id AS transfer_id, a.code AS account
       FROM ledger_transfer t JOIN ledger_account a ON a.id = t.credit_account_id WHERE t.key IN ('lease:' || $1 || ':deliver', 'lease:' || $1 || ':accept')
     UNION ALL
     SELECT 'meter', m.what, 'lease ' || $1, m.ms, NULL, l.ended_at, NULL, NULL
       FROM lease l LEFT JOIN usage_record u ON u.lease_id = l.id
       CROSS JOIN LATERAL (VALUES ('metered by the lease', l.delivered_ms), ('on the usage record', u.delivered_ms),
         ('accepted on the usage record', u.accepted_ms),
         ('allowed by its heartbeats', (floor(extract(epoch FROM l.last_beat_at - l.started_at) * 1000) * l.device_count)::bigint))
         AS m (what, ms)
      WHERE l.id::text = $1 AND m.ms IS NOT NULL
      ORDER BY 1, 2`,
    [id],
  );
}
