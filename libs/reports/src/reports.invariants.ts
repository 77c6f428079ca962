/** Invariant 6: each figure of a report equals the figure re-derived from the tables as of its log size. */
import { createHash } from 'node:crypto';
import type { InvariantCheck, InvariantResult, Tx } from '#platform';
import { TransparencyLog } from '#transparency';
import { bytes } from '#transparency/pure';
import { runFacts, runReport, reportText, type RunFacts } from './domain/run-report.js';
import { runEvidence } from './run-evidence.js';

const SHOWN = 20;
// Reading needs no key; a check never signs.
const log = new TransparencyLog(() => Promise.reject(new Error('A check does not sign.')));

interface PublicationRow {
  report_id: string;
  slug: string;
  campaign_id: string;
  run_id: string;
  version: number;
  log_size: bigint;
  sha256: string;
  corrects_version: number | null;
  corrects_sha256: string | null;
  root_hash: Buffer;
  origin: string;
}

const rederived: InvariantCheck = {
  name: 'reports.rederived',
  invariant: 6,
  description: 'Every published report is, to the byte, what its definition makes of the log at its size.',
  async run(tx) {
    const violations: string[] = [];
    const publications = await readPublications(tx);
    for (const row of publications) {
      const size = Number(row.log_size);
      const evidence = await runEvidence(tx, log, row.run_id, size);
      const report =
        evidence &&
        runReport({
          reportId: row.report_id,
          slug: row.slug,
          version: row.version,
          corrects:
            row.corrects_version === null ? null : { version: row.corrects_version, sha256: row.corrects_sha256 ?? '' },
          log: { origin: row.origin, size, rootHash: bytes.toBase64(row.root_hash) },
          subject: evidence.subject,
          events: evidence.events,
        });
      const sha256 = report && createHash('sha256').update(reportText(report)).digest('hex');
      if (sha256 !== row.sha256)
        violations.push(
          `${row.slug} version ${row.version}: the log gives ${sha256 ?? 'nothing'}, published was ${row.sha256}`,
        );
    }
    return result(violations, { publications: String(publications.length) });
  },
};

const recorded: InvariantCheck = {
  name: 'reports.recorded',
  invariant: 6,
  description: 'Every publication is a public event, with the digest that was published.',
  async run(tx) {
    const rows = await tx.query<{ slug: string; version: number }>(
      `SELECT r.slug, p.version FROM report_publication p JOIN report r ON r.id = p.report_id
        WHERE NOT EXISTS (SELECT 1 FROM event_outbox e
                WHERE e.type = 'report.published' AND e.is_public AND e.aggregate_type = 'report' AND e.aggregate_id = p.report_id::text
                  AND e.payload->>'version' = p.version::text AND e.payload->>'sha256' = p.sha256)
        LIMIT ${SHOWN}`,
    );
    return result(rows.map((row) => `${row.slug} version ${row.version} is not announced in the outbox`));
  },
};

const againstBooks: InvariantCheck = {
  name: 'reports.against-the-books',
  invariant: 6,
  description:
    "The newest version's money and compute equal the ledger and the usage records, less what happened after its log size.",
  async run(tx) {
    const violations: string[] = [];
    const newest = new Map((await readPublications(tx)).map((row) => [row.report_id, row]));
    for (const row of newest.values()) {
      const evidence = await runEvidence(tx, log, row.run_id, Number(row.log_size));
      if (!evidence) continue;
      const facts = runFacts(evidence.events, evidence.subject);
      for (const figure of [...(await moneyFigures(tx, row, facts)), ...(await computeFigures(tx, row, facts))]) {
        if (figure.reported !== figure.booked - figure.later) {
          violations.push(
            `${row.slug} version ${row.version}: ${figure.name} is ${figure.reported}, the books say ${figure.booked} of which ${figure.later} came later`,
          );
        }
      }
    }
    return result(violations, { reports: String(newest.size) });
  },
};

export const reportInvariants: readonly InvariantCheck[] = [rederived, recorded, againstBooks];

interface Figure {
  readonly name: string;
  readonly reported: bigint;
  /** By the books, to this moment. */
  readonly booked: bigint;
  /** Of which told by events that the report does not know yet. */
  readonly later: bigint;
}

/**
 * The keys of all transfers that move a campaign's money, from its payments. Each is found by the ledger's unique index,
 * so the cost is that of the campaign and not of the book.
 */
const CAMPAIGN_KEYS = `
  SELECT 'payment:' || p.id || s.step AS key FROM payment p CROSS JOIN unnest('{:capture,:fee}'::text[]) AS s(step)
   WHERE p.beneficiary_id = $1::uuid
   UNION ALL
  SELECT 'refund:' || r.id || s.step FROM payment p JOIN refund r ON r.payment_id = p.id
         CROSS JOIN unnest('{:paid,:returned}'::text[]) AS s(step) WHERE p.beneficiary_id = $1::uuid
   UNION ALL
  SELECT 'dispute:' || d.id || s.step FROM payment p JOIN dispute d ON d.payment_id = p.id
         CROSS JOIN unnest('{:withdrawn,:reinstated,:fee,:fee_returned}'::text[]) AS s(step) WHERE p.beneficiary_id = $1::uuid`;

type Sums = Record<string, string | null>;

async function moneyFigures(tx: Tx, row: PublicationRow, { money }: RunFacts): Promise<Figure[]> {
  const [booked] = await tx.query<Sums>(
    `SELECT coalesce(sum(amount) FILTER (WHERE key LIKE 'payment:%:capture'), 0)::text AS captured,
            coalesce(sum(amount) FILTER (WHERE key LIKE 'payment:%:fee'), 0)::text AS fees,
            (coalesce(sum(amount) FILTER (WHERE key LIKE 'refund:%:paid'), 0)
              - coalesce(sum(amount) FILTER (WHERE key LIKE 'refund:%:returned'), 0))::text AS refunded,
            (coalesce(sum(amount) FILTER (WHERE key LIKE 'dispute:%:withdrawn'), 0)
              - coalesce(sum(amount) FILTER (WHERE key LIKE 'dispute:%:reinstated'), 0))::text AS disputed,
            (coalesce(sum(amount) FILTER (WHERE key LIKE 'dispute:%:fee'), 0)
              - coalesce(sum(amount) FILTER (WHERE key LIKE 'dispute:%:fee_returned'), 0))::text AS dispute_fees
       FROM (${CAMPAIGN_KEYS}) AS k JOIN ledger_transfer USING (key) WHERE kind = 'posted'`,
    [row.campaign_id],
  );
  const [later] = await tx.query<Sums>(
    `SELECT coalesce(sum((payload->>'amountMinor')::numeric) FILTER (WHERE type = 'pledge.cash.captured'), 0)::text AS captured,
            coalesce(sum((payload->>'feeMinor')::numeric) FILTER (WHERE type IN ('pledge.cash.captured', 'pledge.cash.fee_charged')), 0)::text AS fees,
            (coalesce(sum((payload->>'amountMinor')::numeric) FILTER (WHERE type = 'pledge.cash.refunded'), 0)
              - coalesce(sum((payload->>'amountMinor')::numeric) FILTER (WHERE type = 'pledge.cash.refund_failed' AND payload->>'wasPaid' = 'true'), 0))::text AS refunded,
            (coalesce(sum((payload->>'amountMinor')::numeric) FILTER (WHERE type = 'pledge.cash.disputed'), 0)
              - coalesce(sum((payload->>'amountMinor')::numeric) FILTER (WHERE type = 'pledge.cash.dispute_closed' AND payload->>'won' = 'true'), 0))::text AS disputed,
            (coalesce(sum((payload->>'feeMinor')::numeric) FILTER (WHERE type = 'pledge.cash.disputed'), 0)
              - coalesce(sum((payload->>'feeReturnedMinor')::numeric) FILTER (WHERE type = 'pledge.cash.dispute_closed'), 0))::text AS dispute_fees
       FROM event_outbox e LEFT JOIN log_leaf l ON l.event_id = e.id
      WHERE e.is_public AND e.type LIKE 'pledge.cash.%' AND e.payload->>'campaignId' = $1 AND (l.index IS NULL OR l.index >= $2)`,
    [row.campaign_id, row.log_size],
  );
  const figure = (name: string, reported: string): Figure => ({
    name,
    reported: BigInt(reported),
    booked: BigInt(booked?.[name] ?? '0'),
    later: BigInt(later?.[name] ?? '0'),
  });
  return [
    figure('captured', money.capturedMinor),
    figure('fees', money.feesMinor),
    figure('refunded', money.refundedMinor),
    figure('disputed', money.disputedMinor),
    figure('dispute_fees', money.disputeFeesMinor),
  ];
}

async function computeFigures(tx: Tx, row: PublicationRow, facts: RunFacts): Promise<Figure[]> {
  const [booked] = await tx.query<Sums>(
    `SELECT coalesce(sum(delivered_ms), 0)::text AS delivered, coalesce(sum(accepted_ms), 0)::text AS accepted,
            coalesce(sum(flop_model), 0)::text AS flop_model, coalesce(sum(flop_hardware), 0)::text AS flop_hardware,
            coalesce(sum(energy_micro_wh), 0)::text AS energy,
            (SELECT coalesce(sum(credits_posted), 0)::text FROM ledger_account
              WHERE code COLLATE "C" >= 'run:' || $1 || ':accepted:' AND code COLLATE "C" < 'run:' || $1 || ':accepted;') AS accepted_in_ledger
       FROM usage_record WHERE run_id = $1::uuid AND settled_at IS NOT NULL`,
    [row.run_id],
  );
  const [later] = await tx.query<Sums>(
    `SELECT coalesce(sum((payload->>'deliveredMs')::numeric), 0)::text AS delivered, coalesce(sum((payload->>'acceptedMs')::numeric), 0)::text AS accepted,
            coalesce(sum((payload->>'flopModel')::numeric), 0)::text AS flop_model, coalesce(sum((payload->>'flopHardware')::numeric), 0)::text AS flop_hardware,
            coalesce(sum((payload->>'energyMicroWh')::numeric), 0)::text AS energy
       FROM event_outbox e LEFT JOIN log_leaf l ON l.event_id = e.id
      WHERE e.is_public AND e.type = 'usage.settled' AND e.payload->>'runId' = $1 AND (l.index IS NULL OR l.index >= $2)`,
    [row.run_id, row.log_size],
  );
  const total = (key: 'deliveredMs' | 'acceptedMs'): bigint =>
    facts.compute.totals.reduce((sum, one) => sum + BigInt(one[key]), 0n);
  const figure = (name: string, reported: bigint, laterName = name): Figure => ({
    name,
    reported,
    booked: BigInt(booked?.[name] ?? '0'),
    later: BigInt(later?.[laterName] ?? '0'),
  });
  const settled = facts.events.some((event) => event.type === 'usage.settled');
  return [
    figure('delivered', total('deliveredMs')),
    figure('accepted', total('acceptedMs')),
    figure('accepted_in_ledger', total('acceptedMs'), 'accepted'),
    figure('energy', BigInt(facts.energy.microWh)),
    // Before anything is settled the report shows what the run itself stated.
    ...(settled
      ? [figure('flop_model', BigInt(facts.flop.model)), figure('flop_hardware', BigInt(facts.flop.hardware))]
      : []),
  ];
}

/** All versions, oldest first. */
function readPublications(tx: Tx): Promise<PublicationRow[]> {
  return tx.query<PublicationRow>(
    `SELECT p.report_id, r.slug, r.campaign_id, r.run_id, p.version, p.log_size, p.sha256, p.corrects_version, c.sha256 AS corrects_sha256,
            k.root_hash, i.origin
       FROM report_publication p
       JOIN report r ON r.id = p.report_id
       JOIN log_checkpoint k ON k.size = p.log_size
       CROSS JOIN log_identity i
       LEFT JOIN report_publication c ON c.report_id = p.report_id AND c.version = p.corrects_version
      ORDER BY p.report_id, p.version`,
  );
}

function result(violations: readonly string[], figures?: Record<string, string>): InvariantResult {
  return { ok: violations.length === 0, violations: violations.slice(0, SHOWN), ...(figures ? { figures } : {}) };
}
