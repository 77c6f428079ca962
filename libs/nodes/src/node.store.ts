import type { Tx } from '#platform';
import type { NodeState } from './domain/node.machine.js';

export interface StateChange {
  readonly nodeId: string;
  readonly from: NodeState;
  readonly to: NodeState;
}

/**
 * Moves nodes along edges, each only if it still is where the caller saw it; answers the moves that were made. The
 * history is written by the database.
 */
export async function changeStates(
  tx: Tx,
  changes: readonly StateChange[],
  why: { actor: string; cause: string },
): Promise<StateChange[]> {
  if (changes.length === 0) return [];
  const rows = await tx.query<{ id: string }>(
    `UPDATE node n SET state = c.to_state, state_actor = $4, state_cause = $5, state_since = $6
       FROM unnest($1::uuid[], $2::text[], $3::text[]) AS c(id, from_state, to_state)
      WHERE n.id = c.id AND n.state = c.from_state
      RETURNING n.id`,
    [changes.map((c) => c.nodeId), changes.map((c) => c.from), changes.map((c) => c.to), why.actor, why.cause, tx.now],
  );
  const moved = new Set(rows.map((row) => row.id));
  return changes.filter((change) => moved.has(change.nodeId));
}

interface JoinedRow {
  owner: string;
  name: string;
  gpu_class: string;
  device_count: number;
  region: string | null;
}

/** The public record that a node is in the fleet, from now on or again. */
export async function emitJoined(tx: Tx, nodeId: string): Promise<void> {
  const [row] = await tx.query<JoinedRow>(
    'SELECT c.pseudonym AS owner, n.name, n.gpu_class, n.device_count, n.region FROM node n JOIN contributor c ON c.id = n.owner_id WHERE n.id = $1',
    [nodeId],
  );
  if (!row) return;
  const { owner, name, gpu_class, device_count, region } = row;
  const payload = { nodeId, owner, name, class: gpu_class, count: device_count, region };
  tx.emit({ type: 'node.joined', aggregateType: 'node', aggregateId: nodeId, payload, isPublic: true });
}
