/**
 * Which public events a report about a run speaks of. Pure, and the same for who publishes and who verifies.
 *
 * 1. The run's own: its creation, attempts, leases, checkpoints, usage, its end.
 * 2. Those of its campaign: what was promised and paid.
 * 3. The recipe it trains, and that recipe's dataset.
 * 4. The nodes that took part: how they joined, and what befell them while the run lasted.
 */
import { type CitedEvent, list, record, text } from './cited-event.js';

export interface RunSubject {
  readonly runId: string;
  readonly campaignId: string;
  readonly recipeId: string;
}

/** The run's campaign and recipe, from its creation; undefined when the log doesn't know the run. */
export function subjectOfRun(events: readonly CitedEvent[], runId: string): RunSubject | undefined {
  const created = events.find((event) => event.type === 'run.created' && event.payload['runId'] === runId);
  return (
    created && { runId, campaignId: text(created.payload, 'campaignId'), recipeId: text(created.payload, 'recipeId') }
  );
}

/** Ids whose events have to be looked at; grows with the events known, so ask again until it stops growing. */
export function relatedIds(events: readonly CitedEvent[], subject: RunSubject): string[] {
  const ids = new Set([subject.runId, subject.campaignId, subject.recipeId]);
  for (const event of selectEvents(events, subject)) {
    for (const id of [...nodeIdsOf(event), text(event.payload, 'pledgeId'), ...datasetIdsOf(event)])
      if (id !== '') ids.add(id);
  }
  return [...ids].filter((id) => id !== '').sort();
}

export function selectEvents(events: readonly CitedEvent[], subject: RunSubject): CitedEvent[] {
  const ordered = events.toSorted((a, b) => a.index - b.index);
  const ofRun = ordered.filter((event) => RUN_TYPES.test(event.type) && event.payload['runId'] === subject.runId);
  const pledgeIds = new Set(
    ordered
      .filter((event) => isAbout(event, 'pledge.', subject.campaignId))
      .map((event) => text(event.payload, 'pledgeId')),
  );
  const recipes = ordered.filter(
    (event) => event.type === 'recipe.registered' && event.payload['recipeId'] === subject.recipeId,
  );
  const datasetIds = new Set([...recipes, ...ofRun].flatMap(datasetIdsOf));
  const nodeIds = new Set(ofRun.flatMap(nodeIdsOf));
  const first = ofRun.find((event) => event.type === 'attempt.started')?.index ?? Number.POSITIVE_INFINITY;
  const last = ofRun.find((event) => RUN_ENDS.has(event.type))?.index ?? Number.POSITIVE_INFINITY;
  return ordered.filter(({ index, type, payload }) => {
    if (RUN_TYPES.test(type)) return payload['runId'] === subject.runId;
    if (type.startsWith('campaign.')) return payload['campaignId'] === subject.campaignId;
    if (type.startsWith('pledge.'))
      return payload['campaignId'] === subject.campaignId || pledgeIds.has(text(payload, 'pledgeId'));
    if (type === 'recipe.registered') return payload['recipeId'] === subject.recipeId;
    if (type === 'dataset.registered') return datasetIds.has(text(payload, 'datasetId'));
    if (!type.startsWith('node.') || !nodeIds.has(text(payload, 'nodeId'))) return false;
    return type === 'node.joined' || (index > first && index < last);
  });
}

/** The events after which a run has no more attempts. */
export const RUN_ENDS: ReadonlySet<string> = new Set(['run.completed', 'run.failed', 'run.cancelled']);
const RUN_TYPES = /^(?:run|attempt|lease|checkpoint|usage)\./;

function isAbout(event: CitedEvent, prefix: string, campaignId: string): boolean {
  return event.type.startsWith(prefix) && event.payload['campaignId'] === campaignId;
}

function nodeIdsOf({ type, payload }: CitedEvent): string[] {
  if (!RUN_TYPES.test(type)) return [];
  return [text(payload, 'nodeId'), ...list(payload, 'members').map((member) => text(member, 'nodeId'))].filter(
    (id) => id !== '',
  );
}

function datasetIdsOf({ type, payload }: CitedEvent): string[] {
  if (type !== 'recipe.registered' && type !== 'run.created') return [];
  return [text(payload, 'datasetId'), text(record(payload, 'spec'), 'datasetId')].filter((id) => id !== '');
}
