/**
 * The report's figures as tidy rows (RFC 4180: CRLF, UTF-8): section, subject, figure, value, unit.
 * Text that a spreadsheet would take for a formula gets an apostrophe before it; numbers are left as they are.
 */
import { stringify } from 'csv-stringify/sync';
import { PLEDGE_OUTCOMES } from '../domain/money-facts.js';
import type { RunReport } from '../domain/run-report.js';

type Row = readonly [section: string, subject: string, figure: string, value: string | number | null, unit: string];

export function renderCsv(report: RunReport, sha256: string): string {
  const rows = [
    ...headRows(report, sha256),
    ...moneyRows(report),
    ...computeRows(report),
    ...trainingRows(report),
    ...eventRows(report),
  ];
  return csvText(['section', 'subject', 'figure', 'value', 'unit'], rows);
}

export function csvText(header: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  return stringify([[...header], ...rows.map((row) => row.map((cell) => guarded(cell)))], {
    record_delimiter: '\r\n',
    quoted: true,
    quoted_empty: true,
  });
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;

function guarded(cell: string | number | null): string {
  const text = cell === null ? '' : String(cell);
  return /^[=+\-@\t\r\n]/.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}

function headRows(report: RunReport, sha256: string): Row[] {
  const { subject } = report.facts;
  const row = (figure: string, value: string | number, unit = 'text'): Row => [
    'report',
    report.slug,
    figure,
    value,
    unit,
  ];
  return [
    row('definition', `${report.definition}/${report.definitionVersion}`),
    row('version', report.version, 'count'),
    row('corrects_version', report.corrects?.version ?? '', 'count'),
    row('sha256', sha256, 'hex'),
    row('log_origin', report.log.origin),
    row('log_size', report.log.size, 'events'),
    row('log_root_hash', report.log.rootHash, 'base64'),
    row('last_event_at', report.lastEventAt, 'rfc3339'),
    row('title', subject.title),
    row('campaign_id', subject.campaignId, 'id'),
    row('run_id', subject.runId, 'id'),
    row('recipe_id', subject.recipeId, 'id'),
  ];
}

function moneyRows({ facts: { money, goal } }: RunReport): Row[] {
  const unit = `${money.currency} minor`;
  const total = (figure: string, value: string | null): Row => ['money', '', figure, value, unit];
  return [
    total('goal', goal.cashMinor),
    total('pledged', money.pledgedMinor),
    total('captured', money.capturedMinor),
    total('fees', money.feesMinor),
    total('refunded', money.refundedMinor),
    total('disputed', money.disputedMinor),
    total('dispute_fees', money.disputeFeesMinor),
    total('balance', money.balanceMinor),
    ...PLEDGE_OUTCOMES.map((outcome): Row => ['money', '', `pledges_${outcome}`, money.pledges[outcome], 'count']),
    ...money.movements.flatMap((m): Row[] => [
      ['movement', String(m.index), `${m.kind.replaceAll(' ', '_')}_by`, m.contributor, 'pseudonym'],
      ['movement', String(m.index), m.kind.replaceAll(' ', '_'), m.amountMinor, unit],
      ['movement', String(m.index), 'fee', m.feeMinor, unit],
    ]),
  ];
}

function computeRows({ facts: { compute, flop, energy } }: RunReport): Row[] {
  return [
    ...compute.offeredMs.map((o): Row => ['compute', o.class, 'offered', o.milliseconds, 'ms']),
    ...compute.totals.flatMap((t): Row[] => [
      ['compute', t.class, 'delivered', t.deliveredMs, 'ms'],
      ['compute', t.class, 'accepted', t.acceptedMs, 'ms'],
    ]),
    ...compute.donors.flatMap((d): Row[] => [
      ['donor', d.contributor, 'class', d.class, 'text'],
      ['donor', d.contributor, 'delivered', d.deliveredMs, 'ms'],
      ['donor', d.contributor, 'accepted', d.acceptedMs, 'ms'],
      ['donor', d.contributor, 'share_of_accepted', d.shareBasisPoints, 'basis points'],
      ['donor', d.contributor, 'tokens', d.tokens, 'count'],
    ]),
    ['flop', 'architecture', 'operations', flop.model, 'FLOP'],
    ['flop', 'hardware', 'operations', flop.hardware, 'FLOP'],
    ['flop', '', 'ratio_hardware_to_architecture', flop.ratio, 'ratio'],
    ['flop', '', 'within_30_percent', flop.within30Percent === null ? '' : String(flop.within30Percent), 'boolean'],
    ['energy', '', 'total', energy.microWh, 'microWh'],
    ['energy', '', 'measured', energy.measuredMicroWh, 'microWh'],
    ['energy', '', 'estimated', energy.estimatedMicroWh, 'microWh'],
    ...energy.methods.map((m): Row => ['energy', m.method, 'by_method', m.microWh, 'microWh']),
    ...energy.regions.map((r): Row => ['energy', r.region, 'by_region', r.microWh, 'microWh']),
  ];
}

function trainingRows({ facts: { training } }: RunReport): Row[] {
  return [
    ['training', '', 'outcome', training.outcome, 'text'],
    ['training', '', 'steps', training.steps, 'count'],
    ['training', '', 'tokens', training.tokens, 'count'],
    ['training', '', 'attempts', training.attempts.length, 'count'],
    ['training', '', 'node_losses', training.nodeLosses.length, 'count'],
    ...training.losses.map((p): Row => ['loss', p.step, 'loss', p.loss, 'nats per token']),
    ...training.datasets.flatMap((d): Row[] => [
      ['dataset', d.datasetId, 'name', d.name, 'text'],
      ['dataset', d.datasetId, 'licence', d.licence, 'text'],
      ['dataset', d.datasetId, 'source', d.source, 'text'],
      ['dataset', d.datasetId, 'sha256', d.sha256, 'hex'],
      ['dataset', d.datasetId, 'bytes', d.bytes, 'bytes'],
      ['dataset', d.datasetId, 'tokens', d.tokens, 'count'],
    ]),
    ...training.checkpoints.flatMap((c): Row[] => [
      ['checkpoint', c.checkpointId, 'step', c.step, 'count'],
      ['checkpoint', c.checkpointId, 'tokens', c.tokens, 'count'],
      ['checkpoint', c.checkpointId, 'flop', c.flop, 'FLOP'],
      ['checkpoint', c.checkpointId, 'loss', c.loss, 'nats per token'],
      ['checkpoint', c.checkpointId, 'manifest_sha256', c.manifestSha256, 'hex'],
      ['checkpoint', c.checkpointId, 'bytes', c.bytes, 'bytes'],
    ]),
    ...training.leases.flatMap((l): Row[] => [
      ['lease', l.leaseId, 'node', l.nodeId, 'id'],
      ['lease', l.leaseId, 'attempt', l.attemptId, 'id'],
      ['lease', l.leaseId, 'end', l.reason, 'text'],
      ['lease', l.leaseId, 'time', l.milliseconds, 'ms'],
    ]),
    ...training.nodeLosses.map((n): Row => ['node', n.nodeId, 'lost_at', n.at, 'rfc3339']),
  ];
}

function eventRows({ facts }: RunReport): Row[] {
  return facts.events.flatMap((event): Row[] => [
    ['event', String(event.index), 'type', event.type, 'text'],
    ['event', String(event.index), 'at', event.at, 'rfc3339'],
  ]);
}
