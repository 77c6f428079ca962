import { brokenSeals, changedNotices, sealHeads } from './store/seal.store.js';
import type { InvariantCheck, InvariantResult, Tx } from '#platform';

const MAX_LINES = 20;

async function check(tx: Tx, violationsSql: string, figuresSql: string): Promise<InvariantResult> {
  const violations = await tx.query<{ line: string }>(`${violationsSql} LIMIT ${MAX_LINES}`);
  const figures = await tx.query<{ name: string; value: string }>(figuresSql);
  return {
    ok: violations.length === 0,
    violations: violations.map((v) => v.line),
    figures: Object.fromEntries(figures.map((f) => [f.name, f.value])),
  };
}

/** What each transfer does to the counters of its accounts, from the transfers alone. */
const EFFECT = `
  SELECT debit_account_id AS account_id, debit_version AS version,
         CASE WHEN kind = 'pending' THEN amount ELSE 0 END - released AS dp,
         CASE WHEN kind IN ('posted', 'post_pending') THEN amount ELSE 0 END AS d, 0::bigint AS cp, 0::bigint AS c
  FROM ledger_transfer
  UNION ALL
  SELECT credit_account_id, credit_version, 0, 0, CASE WHEN kind = 'pending' THEN amount ELSE 0 END - released,
         CASE WHEN kind IN ('posted', 'post_pending') THEN amount ELSE 0 END
  FROM ledger_transfer`;

/** Invariant 1 of the design, taken apart. All re-derive from the transfers; none trusts a stored balance. */
export const ledgerInvariants: readonly InvariantCheck[] = [
  {
    name: 'ledger.units_balance',
    invariant: 1,
    description: 'For every unit the debits of all accounts equal the credits, posted and pending apart.',
    run: (tx) =>
      check(
        tx,
        `SELECT format('%s: posted %s / %s, pending %s / %s', unit, sum(debits_posted), sum(credits_posted),
           sum(debits_pending), sum(credits_pending)) AS line
         FROM ledger_account GROUP BY unit
         HAVING sum(debits_posted) <> sum(credits_posted) OR sum(debits_pending) <> sum(credits_pending)`,
        `SELECT unit AS name, format('%s debits, %s credits', sum(debits_posted), sum(credits_posted)) AS value
         FROM ledger_account GROUP BY unit ORDER BY unit`,
      ),
  },
  {
    name: 'ledger.balances_are_sums',
    invariant: 1,
    description: 'Every stored balance is the sum of the transfers of its account, and counts them without a gap.',
    run: (tx) =>
      check(
        tx,
        `SELECT format('%s: stored %s, summed %s', a.code,
           (a.debits_pending, a.debits_posted, a.credits_pending, a.credits_posted, a.version)::text,
           (s.dp, s.d, s.cp, s.c, s.n)::text) AS line
         FROM ledger_account a
         LEFT JOIN (SELECT account_id, sum(dp) dp, sum(d) d, sum(cp) cp, sum(c) c, count(*) n, count(DISTINCT version) nd,
                      max(version) last FROM (${EFFECT}) x GROUP BY account_id) s ON s.account_id = a.id
         WHERE (a.debits_pending, a.debits_posted, a.credits_pending, a.credits_posted, a.version, a.version, a.version)
           IS DISTINCT FROM (coalesce(s.dp, 0), coalesce(s.d, 0), coalesce(s.cp, 0), coalesce(s.c, 0), coalesce(s.n, 0),
             coalesce(s.nd, 0), coalesce(s.last, 0))`,
        `SELECT 'transfers' AS name, count(*)::text AS value FROM ledger_transfer
         UNION ALL SELECT 'accounts', count(*)::text FROM ledger_account`,
      ),
  },
  {
    name: 'ledger.running_balances',
    invariant: 1,
    description: 'Each entry carries the balance after it: the one of the entry before, changed by its own amount.',
    run: (tx) =>
      check(
        tx,
        `SELECT format('account %s entry %s', account_id, version) AS line FROM (
           SELECT e.account_id, e.version, e.after, lag(e.after, 1, ARRAY[0, 0, 0, 0]::bigint[]) OVER w AS before,
             ARRAY[e.dp, e.d, e.cp, e.c] AS effect
           FROM (
             SELECT x.*, ARRAY[t.debit_debits_pending, t.debit_debits_posted, t.debit_credits_pending, t.debit_credits_posted] AS after
             FROM (${EFFECT}) x JOIN ledger_transfer t ON t.debit_account_id = x.account_id AND t.debit_version = x.version
             UNION ALL
             SELECT x.*, ARRAY[t.credit_debits_pending, t.credit_debits_posted, t.credit_credits_pending, t.credit_credits_posted]
             FROM (${EFFECT}) x JOIN ledger_transfer t ON t.credit_account_id = x.account_id AND t.credit_version = x.version
           ) e WINDOW w AS (PARTITION BY e.account_id ORDER BY e.version)
         ) s
         WHERE after <> ARRAY[before[1] + effect[1], before[2] + effect[2], before[3] + effect[3], before[4] + effect[4]]`,
        `SELECT 'entries' AS name, (2 * count(*))::text AS value FROM ledger_transfer`,
      ),
  },
  {
    name: 'ledger.limits_hold',
    invariant: 1,
    description: 'No guarded account is overdrawn, pending amounts counted.',
    run: (tx) =>
      check(
        tx,
        `SELECT format('%s: %s', code, limit_rule) AS line FROM ledger_account
         WHERE (limit_rule = 'debits_must_not_exceed_credits' AND debits_posted::numeric + debits_pending > credits_posted)
            OR (limit_rule = 'credits_must_not_exceed_debits' AND credits_posted::numeric + credits_pending > debits_posted)`,
        `SELECT 'guarded accounts' AS name, count(*)::text AS value FROM ledger_account WHERE limit_rule <> 'none'`,
      ),
  },
  {
    name: 'ledger.pending_resolved_once',
    invariant: 1,
    description: 'Each pending transfer is resolved at most once, and what still waits to expire is unresolved.',
    run: (tx) =>
      check(
        tx,
        `SELECT line FROM (
           SELECT format('pending %s is resolved %s times', pending_id, count(*)) AS line FROM ledger_transfer
           WHERE pending_id IS NOT NULL GROUP BY pending_id HAVING count(*) > 1
           UNION ALL
           SELECT format('expiry of %s is out of step', coalesce(e.transfer_id, p.id)) FROM ledger_expiry e
           FULL JOIN (SELECT t.* FROM ledger_transfer t WHERE t.kind = 'pending' AND t.expires_at IS NOT NULL
             AND NOT EXISTS (SELECT FROM ledger_transfer r WHERE r.pending_id = t.id)) p ON p.id = e.transfer_id
           WHERE (e.transfer_id, e.debit_account_id, e.credit_account_id, e.amount, e.expires_at)
             IS DISTINCT FROM (p.id, p.debit_account_id, p.credit_account_id, p.amount, p.expires_at)) v`,
        `SELECT 'waiting to expire' AS name, count(*)::text AS value FROM ledger_expiry`,
      ),
  },
  {
    name: 'ledger.closed_accounts',
    invariant: 1,
    description:
      'An account is closed by the one pending transfer that stands, and nothing but releases came after it.',
    run: (tx) =>
      check(
        tx,
        `WITH closing AS (
           SELECT t.id, t.key, CASE t.closes WHEN 'debit' THEN t.debit_account_id ELSE t.credit_account_id END AS account_id,
             CASE t.closes WHEN 'debit' THEN t.debit_version ELSE t.credit_version END AS version
           FROM ledger_transfer t
           WHERE t.closes IS NOT NULL AND NOT EXISTS (SELECT FROM ledger_transfer r WHERE r.pending_id = t.id))
         SELECT line FROM (
           SELECT format('%s: closed by %s, not %s', a.code, a.closed_by, c.id) AS line FROM ledger_account a
           FULL JOIN closing c ON c.account_id = a.id
           WHERE (a.closed_by IS NOT NULL OR c.id IS NOT NULL) AND a.closed_by IS DISTINCT FROM c.id
           UNION ALL
           SELECT format('%s was booked after %s closed its account', t.key, c.key) FROM closing c
           JOIN ledger_transfer t ON (t.debit_account_id = c.account_id AND t.debit_version > c.version)
             OR (t.credit_account_id = c.account_id AND t.credit_version > c.version)
           WHERE t.kind NOT IN ('void_pending', 'expired')) v`,
        `SELECT 'closed accounts' AS name, count(*)::text AS value FROM ledger_account WHERE closed_by IS NOT NULL`,
      ),
  },
  {
    name: 'ledger.books_are_sealed',
    invariant: 1,
    description:
      'The sealed transfers of each unit are numbered without a gap, each over the one before, and are those made public.',
    run: async (tx) => {
      const violations = [...(await brokenSeals(tx)), ...(await changedNotices(tx))];
      const heads = await sealHeads(tx);
      return {
        ok: violations.length === 0,
        violations,
        figures: Object.fromEntries(heads.map((h) => [h.unit, `${h.position} sealed, ${h.hash.toString('hex')}`])),
      };
    },
  },
];
