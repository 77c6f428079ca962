import type { TrainingFacts } from '../domain/training-facts.js';
import { lineChart } from './charts.js';
import type { Block, Section } from './document.js';
import { bytes, count, loss, moment, scientific, seconds } from './figure-text.js';
import { code, figure, name, table, words } from './tables.js';

export function trainingSection(facts: TrainingFacts): Section {
  const { recipe } = facts;
  return {
    id: 'training',
    title: 'Training',
    blocks: [
      ...lossCurve(facts),
      table(
        'Loss where the log states it',
        [name('Step'), figure('Loss')],
        facts.losses.map((point) => [count(point.step), loss(point.loss)]),
        'The log states no loss yet.',
      ),
      table(
        'Recipe',
        [name('Item', 2), { ...words('Value', 5), code: true }],
        recipe
          ? [
              ['Name', recipe.name],
              ['Workload', recipe.workload],
              ['Parameters', count(recipe.parameters)],
              ['Tokens planned', count(recipe.tokens)],
              ['Accelerator class', recipe.gpuClass],
              ['Digest', recipe.digest],
              ['Steps done', facts.steps === null ? '–' : count(facts.steps)],
              ['Tokens seen', facts.tokens === null ? '–' : count(facts.tokens)],
            ]
          : [],
        'The recipe is not in the log.',
      ),
    ],
  };
}

function lossCurve({ losses }: TrainingFacts): Block[] {
  const [first, last] = [losses[0], losses.at(-1)];
  if (!first || !last || losses.length < 2) return [];
  return [
    lineChart({
      title: 'Loss over training steps',
      description: `The loss went from ${loss(first.loss)} at step ${first.step} to ${loss(last.loss)} at step ${last.step}, over ${losses.length} points.`,
      xLabel: 'step',
      yLabel: 'loss',
      points: losses.map((point) => ({ x: Number(point.step), y: point.loss })),
    }),
  ];
}

export function dataSection({ datasets }: TrainingFacts): Section {
  return {
    id: 'data',
    title: 'Data',
    blocks: [
      table(
        'Datasets',
        [
          name('Name', 3),
          words('Licence', 2),
          code('Source', 4),
          figure('Size', 2),
          figure('Tokens', 2),
          code('SHA-256', 4),
        ],
        datasets.map((d) => [
          d.name,
          d.licence,
          d.source,
          bytes(d.bytes),
          d.tokens === null ? '–' : count(d.tokens),
          d.sha256,
        ]),
        'No dataset is in the log.',
      ),
    ],
  };
}

export function checkpointsSection({ checkpoints }: TrainingFacts): Section {
  return {
    id: 'checkpoints',
    title: 'Checkpoints',
    blocks: [
      table(
        'Promoted checkpoints',
        [
          figure('Step', 1.5),
          words('When', 3),
          figure('Tokens', 2),
          figure('Loss', 2),
          figure('FLOP', 3),
          figure('Size', 2),
          code('Manifest SHA-256', 5),
        ],
        checkpoints.map((c) => [
          count(c.step),
          moment(c.at),
          count(c.tokens),
          loss(c.loss),
          scientific(c.flop),
          `${c.files} files, ${bytes(c.bytes)}`,
          c.manifestSha256,
        ]),
        'No checkpoint has been promoted.',
      ),
    ],
  };
}

export function leasesSection(facts: TrainingFacts): Section {
  const nodes = new Map(facts.nodes.map((node) => [node.nodeId, node.name]));
  const nodeName = (id: string): string => nodes.get(id) ?? id;
  const attempts = new Map(facts.attempts.map((attempt) => [attempt.attemptId, attempt.number]));
  return {
    id: 'leases',
    title: 'Attempts, leases and lost nodes',
    blocks: [
      table(
        'Attempts',
        [
          name('No.', 1),
          words('Started', 3),
          words('Ended', 3),
          words('Reason', 2),
          words('Nodes', 4),
          code('Restored from', 3),
        ],
        facts.attempts.map((a) => [
          a.number,
          moment(a.startedAt),
          moment(a.endedAt),
          a.reason?.replaceAll('_', ' ') ?? '–',
          a.members.map((m) => nodeName(m.nodeId)).join(', '),
          a.restoredFrom ?? '–',
        ]),
        'The run has not started.',
      ),
      table(
        'Leases',
        [
          name('Node', 3),
          figure('Attempt', 2),
          words('End', 2),
          figure('Time', 2),
          words('Granted', 3),
          words('Ended', 3),
        ],
        facts.leases.map((l) => [
          nodeName(l.nodeId),
          attempts.get(l.attemptId) ?? '–',
          l.cause === null ? l.reason : `${l.reason} (${l.cause.replaceAll('_', ' ')})`,
          seconds(l.milliseconds),
          moment(l.grantedAt),
          moment(l.endedAt),
        ]),
        'No lease has ended.',
      ),
      table(
        'Lost nodes',
        [name('Node', 3), words('Declared lost', 3), words('Last heard of', 3)],
        facts.nodeLosses.map((n) => [nodeName(n.nodeId), moment(n.at), moment(n.lastSeenAt)]),
        'No node was lost.',
      ),
      table(
        'Nodes',
        [name('Node', 3), code('Owner (pseudonym)', 3), words('Class', 2), figure('Devices', 1), words('Region', 2)],
        facts.nodes.map((n) => [n.name, n.owner, n.class, n.count, n.region || '–']),
        'No node took part.',
      ),
    ],
  };
}
