import type { Tx } from '#platform';
import type { StoredLeaf, TransparencyLog } from '#transparency';
import { type CitedEvent, eventOfLeaf } from './domain/cited-event.js';
import { relatedIds, type RunSubject, selectEvents, subjectOfRun } from './domain/event-selection.js';

export interface RunEvidence {
  readonly subject: RunSubject;
  readonly events: readonly CitedEvent[];
  /** The leaves of those events, in the same order. */
  readonly leaves: readonly StoredLeaf[];
}

/**
 * All leaves below `size` that a report about the run cites: asks the log by ids, and asks again for the ids that the
 * answers name (pledges, nodes, the dataset) until nothing new turns up. Undefined when the log doesn't know the run.
 */
export async function runEvidence(
  tx: Tx,
  log: TransparencyLog,
  runId: string,
  size: number,
): Promise<RunEvidence | undefined> {
  const known = new Map<number, { leaf: StoredLeaf; event: CitedEvent }>();
  const take = async (ids: readonly string[]): Promise<CitedEvent[]> => {
    for (const leaf of await log.leavesAbout(tx, ids, size)) {
      const event = eventOfLeaf(leaf.index, leaf.data);
      if (event) known.set(leaf.index, { leaf, event });
    }
    return [...known.values()].map((one) => one.event);
  };
  const subject = subjectOfRun(await take([runId]), runId);
  if (!subject) return undefined;
  let asked: readonly string[] = [];
  let ids = relatedIds(await take([]), subject);
  while (ids.length > asked.length) {
    asked = ids;
    ids = relatedIds(await take(ids), subject);
  }
  const events = selectEvents(await take([]), subject);
  return { subject, events, leaves: events.map((event) => known.get(event.index)?.leaf as StoredLeaf) };
}

/** The newest run of a campaign that the log knows. */
export async function newestRunOf(
  tx: Tx,
  log: TransparencyLog,
  campaignId: string,
  size: number,
): Promise<string | undefined> {
  const created = (await log.leavesAbout(tx, [campaignId], size))
    .filter((leaf) => leaf.eventType === 'run.created')
    .map((leaf) => eventOfLeaf(leaf.index, leaf.data)?.payload)
    .filter((payload) => payload?.['campaignId'] === campaignId)
    .at(-1);
  const runId = created?.['runId'];
  return typeof runId === 'string' ? runId : undefined;
}
