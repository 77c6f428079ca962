/** The run transparency report as a document. Pure: figures come from the report's facts alone. */
import type { RunReport } from '../domain/run-report.js';
import type { Column, ReportDocument, Section } from './document.js';
import { count, moment } from './figure-text.js';
import { computeSection, energySection, flopSection } from './compute-sections.js';
import { moneySection } from './money-section.js';
import { table } from './tables.js';
import { checkpointsSection, dataSection, leasesSection, trainingSection } from './training-sections.js';

export function runDocument(report: RunReport, sha256: string): ReportDocument {
  const { facts } = report;
  const subject = facts.subject.title || `Run ${facts.subject.runId}`;
  return {
    lang: 'en',
    title: `Run transparency report: ${subject}`,
    subtitle: `Version ${report.version}. Everything here follows from the first ${count(report.log.size)} events of the public log ${report.log.origin}; the newest one cited is of ${moment(report.lastEventAt)}.`,
    sections: [
      summarySection(report),
      moneySection(facts.money, facts.goal.cashMinor),
      computeSection(facts.compute, facts.goal),
      flopSection(facts.flop),
      energySection(facts.energy),
      trainingSection(facts.training),
      dataSection(facts.training),
      checkpointsSection(facts.training),
      leasesSection(facts.training),
      eventsSection(report),
      proofSection(report, sha256),
    ],
  };
}

function summarySection({ facts, corrects }: RunReport): Section {
  const { training, subject } = facts;
  const outcome = {
    completed: 'The run reached its end.',
    failed: 'The run failed.',
    cancelled: 'The run was cancelled.',
    'not ended': 'The run has not ended.',
  }[training.outcome];
  const losses =
    training.firstLoss !== null && training.finalLoss !== null
      ? ` Its loss went from ${training.firstLoss.toFixed(4)} to ${training.finalLoss.toFixed(4)}.`
      : '';
  const restarts =
    training.attempts.length > 1
      ? ` It took ${training.attempts.length} attempts; ${training.nodeLosses.length} node ${training.nodeLosses.length === 1 ? 'loss was' : 'losses were'} met on the way.`
      : '';
  return {
    id: 'summary',
    title: 'In short',
    blocks: [
      { kind: 'paragraph', text: `${outcome}${losses}${restarts}` },
      ...(corrects
        ? [
            {
              kind: 'paragraph' as const,
              text: `This version corrects version ${corrects.version} (SHA-256 ${corrects.sha256}).`,
            },
          ]
        : []),
      table(
        'What this report is about',
        [field, value],
        [
          ['Campaign', subject.title || '–'],
          ['Campaign id', subject.campaignId],
          ['Run id', subject.runId],
          ['Funding model', subject.fundingModel.replaceAll('_', ' ') || '–'],
          ['Created', moment(training.createdAt)],
          ['First attempt', moment(training.startedAt)],
          ['Ended', moment(training.endedAt)],
        ],
      ),
    ],
  };
}

function eventsSection({ facts }: RunReport): Section {
  return {
    id: 'events',
    title: 'Events',
    blocks: [
      {
        kind: 'paragraph',
        text: 'Every public event that this report stands on, with its place in the log. Each one is in the machine-readable file with a proof that the log holds it.',
      },
      table(
        'Cited events',
        [
          { label: 'Place', align: 'end', heads: true, weight: 1 },
          { label: 'When', align: 'start', weight: 3 },
          { label: 'What', align: 'start', code: true, weight: 4 },
        ],
        facts.events.map((event) => [String(event.index), moment(event.at), event.type]),
        'No event is cited.',
      ),
    ],
  };
}

function proofSection(report: RunReport, sha256: string): Section {
  return {
    id: 'proof',
    title: 'How to check this report',
    blocks: [
      {
        kind: 'paragraph',
        text: 'The JSON file (also inside the PDF and the web page) carries the figures, a signature, the signed checkpoint of the log and a proof for every cited event. The command "commonweights verify FILE --key KEY" checks all of it without a network connection and computes every figure again.',
      },
      table(
        'What it is checked against',
        [field, { ...value, code: true }],
        [
          ['Log', report.log.origin],
          ['Log size', count(report.log.size)],
          ['Root hash (base64)', report.log.rootHash],
          ['SHA-256 of the report', sha256],
          ['Definition', `${report.definition} version ${report.definitionVersion}`],
          ['Permanent name', `${report.slug}, version ${report.version}`],
        ],
      ),
    ],
  };
}

const field: Column = { label: 'Item', align: 'start', heads: true, weight: 2 };
const value: Column = { label: 'Value', align: 'start', weight: 4 };
