import { Ledger } from '#ledger';
import type { InvariantCheck, InvariantResult, Tx } from '#platform';
import { PAYMENT_TRANSITIONS } from './domain/payment.machine.js';
import { disputesReceivable, processorAvailable, processorDisputeFees, processorFees } from './domain/postings.rule.js';
import { correctedMinor } from './store/corrected.store.js';

const SHOWN = 20;
/** An event that failed this often needs a person. */
const ATTEMPTS_MAX = 12;

function result(violations: readonly string[], figures: Record<string, string> = {}): InvariantResult {
  return { ok: violations.length === 0, violations: violations.slice(0, SHOWN), figures };
}

/** What the payments, refunds and disputes say, minor units, one row a currency. */
export interface PaymentTotals {
  readonly currency: string;
  readonly captured: bigint;
  readonly fees: bigint;
  readonly refunded: bigint;
  readonly refunds_under_way: bigint;
  /** Taken by banks and not given back. */
  readonly disputed: bigint;
  readonly disputes_open: bigint;
  readonly dispute_fees: bigint;
  /** Moved on to the accounts of projects, or to our own bank, and not taken back. */
  readonly paid_out: bigint;
  /** What two persons corrected beyond what the rows say. */
  readonly corrected: bigint;
}

export async function readTotals(tx: Tx): Promise<PaymentTotals[]> {
  const corrected = await correctedMinor(tx);
  const rows = await tx.query<Record<Exclude<keyof PaymentTotals, 'corrected'>, string>>(
    `SELECT p.currency, sum(p.amount_minor)::text AS captured, sum(p.fee_minor)::text AS fees,
            coalesce(sum(r.paid), 0)::text AS refunded, coalesce(sum(r.under_way), 0)::text AS refunds_under_way,
            coalesce(sum(d.taken), 0)::text AS disputed, coalesce(sum(d.open), 0)::text AS disputes_open,
            coalesce(sum(d.fees), 0)::text AS dispute_fees,
            ((SELECT coalesce(sum(a.amount_minor), 0) FROM payout o JOIN payout_attempt a ON a.payout_id = o.id
              WHERE o.currency = p.currency
                AND a.status IN ('TRANSFERRED', 'IN_TRANSIT', 'RETURNING', 'SUCCEEDED'))
            + (SELECT coalesce(-sum(e.amount_minor), 0) FROM processor_entry e WHERE e.currency = p.currency
                AND e.type IN ('payout', 'payout_cancel', 'payout_failure', 'topup', 'topup_reversal')))::text AS paid_out
       FROM payment p
       LEFT JOIN (SELECT payment_id, sum(amount_minor) FILTER (WHERE status = 'SUCCEEDED') AS paid,
                         sum(amount_minor) FILTER (WHERE status IN ('REQUESTED', 'PENDING')) AS under_way
                    FROM refund GROUP BY payment_id) r ON r.payment_id = p.id
       LEFT JOIN (SELECT payment_id, sum(amount_minor - reinstated_minor) AS taken, sum(fee_minor) AS fees,
                         sum(amount_minor - reinstated_minor - lost_reserve_minor - lost_escrow_minor - lost_debt_minor) AS open
                    FROM dispute WHERE status IN ('OPEN', 'WON', 'LOST') GROUP BY payment_id) d ON d.payment_id = p.id
      WHERE p.status = 'SUCCEEDED' GROUP BY p.currency ORDER BY p.currency`,
  );
  return rows.map((row) => ({
    currency: row.currency,
    captured: BigInt(row.captured),
    fees: BigInt(row.fees),
    refunded: BigInt(row.refunded),
    refunds_under_way: BigInt(row.refunds_under_way),
    disputed: BigInt(row.disputed),
    disputes_open: BigInt(row.disputes_open),
    dispute_fees: BigInt(row.dispute_fees),
    paid_out: BigInt(row.paid_out),
    corrected: corrected.get(row.currency) ?? 0n,
  }));
}

/** What must be held at the processor. */
export function heldMinor(totals: PaymentTotals): bigint {
  return (
    totals.captured -
    totals.fees -
    totals.refunded -
    totals.disputed -
    totals.dispute_fees -
    totals.paid_out +
    totals.corrected
  );
}

const held: InvariantCheck = {
  name: 'payments.held',
  invariant: 2,
  description:
    'Captured less fees, refunds, disputes with their fees and payouts is what the ledger holds at the processor; each fee and each open dispute stands in its own account.',
  async run(tx) {
    const ledger = new Ledger();
    const violations: string[] = [];
    const figures: Record<string, string> = {};
    for (const totals of await readTotals(tx)) {
      const { currency } = totals;
      const expected: [string, bigint][] = [
        [processorAvailable(currency), heldMinor(totals)],
        [processorFees(currency), totals.fees],
        [disputesReceivable(currency), totals.disputes_open],
        [processorDisputeFees(currency), totals.dispute_fees],
      ];
      const balances = await ledger.balances(
        tx,
        expected.map(([code]) => code),
      );
      for (const [code, amount] of expected) {
        const balance = balances.get(code);
        const booked = balance === undefined ? 0n : balance.debitsPosted - balance.creditsPosted;
        figures[code] = booked.toString();
        if (booked !== amount) violations.push(`${code} holds ${booked}, the payments say ${amount}`);
      }
      figures[`captured ${currency}`] = totals.captured.toString();
      figures[`refunded ${currency}`] = totals.refunded.toString();
    }
    return result(violations, figures);
  },
};

const refundsPayable: InvariantCheck = {
  name: 'payments.refunds_payable',
  invariant: 2,
  description:
    'What stands in the refunds payable accounts is what was asked back and has not been paid, stuck refunds included.',
  async run(tx) {
    const rows = await tx.query<{ account: string; open: string }>(
      `SELECT p.refunds_payable_account AS account,
              coalesce(sum(r.amount_minor) FILTER (WHERE r.status IN ('REQUESTED', 'PENDING') OR c.state <> 'resolved'), 0)::text
                AS open
         FROM refund r JOIN payment p ON p.id = r.payment_id LEFT JOIN refund_case c ON c.refund_id = r.id
        GROUP BY 1 ORDER BY 1`,
    );
    const balances = await new Ledger().balances(
      tx,
      rows.map((row) => row.account),
    );
    const violations = rows.flatMap((row) => {
      const balance = balances.get(row.account);
      const booked = balance === undefined ? 0n : balance.creditsPosted - balance.debitsPosted;
      return booked === BigInt(row.open) ? [] : [`${row.account} holds ${booked}, the refunds say ${row.open}`];
    });
    return result(violations, { 'accounts with refunds': String(rows.length) });
  },
};

const chargedOnce: InvariantCheck = {
  name: 'payments.charged_once',
  invariant: 3,
  description: 'No instalment of anything was charged twice, and nothing gave back more than it took.',
  async run(tx) {
    const twice = await tx.query<{ line: string }>(
      `SELECT format('%s, instalment %s: charged %s times', reference, instalment, count(*)) AS line
         FROM payment WHERE status = 'SUCCEEDED' GROUP BY reference, instalment HAVING count(*) > 1 LIMIT ${SHOWN}`,
    );
    const over = await tx.query<{ line: string }>(
      `SELECT format('payment %s of %s gave back %s', p.id, p.amount_minor, sum(r.amount_minor)) AS line
         FROM payment p JOIN refund r ON r.payment_id = p.id AND r.case_id IS NULL
        GROUP BY p.id HAVING sum(r.amount_minor) > p.amount_minor LIMIT ${SHOWN}`,
    );
    const [count] = await tx.query<{ n: string }>(`SELECT count(*)::text AS n FROM payment WHERE status = 'SUCCEEDED'`);
    return result(
      [...twice, ...over].map((row) => row.line),
      { 'payments captured': count?.n ?? '0' },
    );
  },
};

const lawfulHistory: InvariantCheck = {
  name: 'payments.history',
  invariant: 3,
  description:
    'The recorded steps of every payment are steps of the state machine, without a gap, and end where it stands.',
  async run(tx) {
    const lawful = Object.entries(PAYMENT_TRANSITIONS).flatMap(([from, to]) => to.map((each) => `${from}>${each}`));
    const rows = await tx.query<{ line: string }>(
      `WITH step AS (
         SELECT payment_id, version, from_status, to_status,
                lag(to_status, 1, 'LOCAL_INTENT') OVER (PARTITION BY payment_id ORDER BY version) AS before,
                row_number() OVER (PARTITION BY payment_id ORDER BY version) AS n
           FROM payment_transition)
       SELECT format('payment %s: step %s from %s to %s', payment_id, version, from_status, to_status) AS line FROM step
        WHERE from_status || '>' || to_status <> ALL ($1::text[]) OR before <> from_status OR n <> version
       UNION ALL
       SELECT format('payment %s is %s, its history says %s', p.id, p.status, coalesce(s.to_status, 'LOCAL_INTENT'))
         FROM payment p LEFT JOIN payment_transition s ON s.payment_id = p.id AND s.version = p.version
        WHERE p.status <> coalesce(s.to_status, 'LOCAL_INTENT') LIMIT ${SHOWN}`,
      [lawful],
    );
    return result(rows.map((row) => row.line));
  },
};

const eventsTaken: InvariantCheck = {
  name: 'payments.events',
  invariant: 3,
  description: 'Every event of Stripe that arrived is in the inbox once, and none stands still.',
  async run(tx) {
    const stuck = await tx.query<{ line: string }>(
      `SELECT format('event %s (%s) failed %s times: %s', id, type, attempts, last_error) AS line
         FROM stripe_event WHERE state = 'waiting' AND attempts >= ${ATTEMPTS_MAX} LIMIT ${SHOWN}`,
    );
    const counts = await tx.query<{ state: string; n: string }>(
      'SELECT state, count(*)::text AS n FROM stripe_event GROUP BY state ORDER BY state',
    );
    return result(
      stuck.map((row) => row.line),
      Object.fromEntries(counts.map((row) => [`events ${row.state}`, row.n])),
    );
  },
};

const cashOfDonors: InvariantCheck = {
  name: 'payments.cash',
  invariant: 2,
  description:
    "What donors' banks pushed is at the processor, unapplied, applied or on its way back: to the minor unit, for every donor.",
  async run(tx) {
    const unapplied = await tx.query<{ line: string }>(
      `WITH own AS (
         SELECT contributor_pseudonym AS donor, currency, sum(amount) AS amount FROM (
           SELECT contributor_pseudonym, currency, amount_minor AS amount FROM cash_receipt
           UNION ALL SELECT contributor_pseudonym, currency, -amount_minor FROM cash_application
           UNION ALL SELECT contributor_pseudonym, currency, -amount_minor FROM cash_return
                      WHERE status NOT IN ('FAILED', 'CANCELED')) moves GROUP BY 1, 2)
       SELECT format('donor %s has %s of %s unapplied, the books say %s', donor, amount, currency,
                     coalesce(a.credits_posted - a.debits_posted, 0)) AS line
         FROM own LEFT JOIN ledger_account a ON a.code = 'donor:' || donor || ':unapplied_cash:' || currency
        WHERE amount <> coalesce(a.credits_posted - a.debits_posted, 0) LIMIT ${SHOWN}`,
    );
    const held = await tx.query<{ line: string }>(
      `WITH currencies AS (SELECT DISTINCT currency FROM cash_receipt),
       due AS (
         SELECT c.currency,
                (SELECT coalesce(sum(amount_minor), 0) FROM cash_receipt r WHERE r.currency = c.currency)
              - (SELECT coalesce(sum(amount_minor), 0) FROM payment p
                  WHERE p.currency = c.currency AND p.rail = 'bank_transfer' AND p.status = 'SUCCEEDED')
              - (SELECT coalesce(sum(amount_minor), 0) FROM cash_return b
                  WHERE b.currency = c.currency AND b.status = 'SUCCEEDED') AS held
           FROM currencies c)
       SELECT format('donor_cash_balance:%s holds %s, receipts less what left say %s', currency,
                     coalesce(a.debits_posted - a.credits_posted, 0), held) AS line
         FROM due LEFT JOIN ledger_account a ON a.code = 'donor_cash_balance:' || currency
        WHERE held <> coalesce(a.debits_posted - a.credits_posted, 0)`,
    );
    const unmoved = await tx.query<{ line: string }>(
      `SELECT format('%s: %s applied, payments over %s move it at the processor', a.reference, a.applied, coalesce(p.moved, 0))
                AS line
         FROM (SELECT reference, sum(amount_minor) AS applied FROM cash_application GROUP BY 1) a
         LEFT JOIN (SELECT reference, sum(amount_minor) AS moved FROM payment
                     WHERE rail = 'bank_transfer' AND status NOT IN ('FAILED', 'CANCELED') GROUP BY 1) p USING (reference)
        WHERE a.applied <> coalesce(p.moved, 0) LIMIT ${SHOWN}`,
    );
    return result([...unapplied, ...held, ...unmoved].map((row) => row.line));
  },
};

const stuckRefunds: InvariantCheck = {
  name: 'payments.refund_cases',
  invariant: 2,
  description: 'Every refund that did not reach its owner is a case, so that none is forgotten.',
  async run(tx) {
    const rows = await tx.query<{ line: string }>(
      `SELECT format('refund %s is %s and nobody has its case', r.id, r.status) AS line FROM refund r
        WHERE r.status IN ('FAILED', 'CANCELED') AND NOT EXISTS (SELECT 1 FROM refund_case c WHERE c.refund_id = r.id)
        LIMIT ${SHOWN}`,
    );
    const counts = await tx.query<{ state: string; n: string }>(
      'SELECT state, count(*)::text AS n FROM refund_case GROUP BY state ORDER BY state',
    );
    return result(
      rows.map((row) => row.line),
      Object.fromEntries(counts.map((row) => [`refund cases ${row.state}`, row.n])),
    );
  },
};

/** Invariants 2 and 3 of the design, for the part of them that payments can answer. */
export const paymentInvariants: readonly InvariantCheck[] = [
  held,
  refundsPayable,
  cashOfDonors,
  stuckRefunds,
  chargedOnce,
  lawfulHistory,
  eventsTaken,
];
