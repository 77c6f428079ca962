import { Injectable } from '@nestjs/common';
import { Config, type Tx } from '#platform';
import { type Opening, type Window, openingAt } from './domain/hours.rule.js';
import { MISSED_BEATS, type NodeState, fleetState, mayBecome } from './domain/node.machine.js';
import { changeStates } from './node.store.js';

export interface FleetNode {
  readonly nodeId: string;
  readonly name: string;
  /** Pseudonym of the owner. */
  readonly owner: string;
  readonly class: string;
  readonly count: number;
  readonly state: 'available' | 'draining' | 'away';
  readonly region: string | null;
  /** Where gang members reach it; null before its first heartbeat. */
  readonly address: string | null;
  readonly computePledgeId: string | null;
  readonly lastSeenAt: Date;
  /** End of the hours that its donor lends it now; null for no end in sight. Outside them its state is `away`. */
  readonly availableUntil: Date | null;
}

interface Row extends Omit<FleetNode, 'state' | 'availableUntil'> {
  readonly nodeState: NodeState;
  readonly windows: Window[];
}

const MAX_OPENINGS = 20_000;
const DAY_MS = 86_400_000;

/** The machines as those who give work see them. */
@Injectable()
export class Fleet {
  /** What hours say, kept until they say something else: walking a recurrence costs milliseconds, and ticks are many. */
  private readonly openings = new Map<string, { opening: Opening; fromMs: number; untilMs: number }>();

  constructor(private readonly config: Config) {}

  /** Every node that beats or might still: not those that are lost, offline, in quarantine or retired. */
  async snapshot(tx: Tx): Promise<FleetNode[]> {
    const rows = await tx.query<Row>(
      `SELECT n.id AS "nodeId", n.name, c.pseudonym AS owner, n.gpu_class AS class, n.device_count AS count, n.state AS "nodeState", n.region,
              l.address, n.compute_pledge_id AS "computePledgeId", l.last_seen_at AS "lastSeenAt",
              coalesce((SELECT jsonb_agg(jsonb_build_object('rrule', w.rrule, 'durationMinutes', w.duration_minutes) ORDER BY w.position)
                          FROM node_window w WHERE w.node_id = n.id), '[]') AS windows
         FROM node n
         JOIN node_liveness l ON l.node_id = n.id
         JOIN contributor c ON c.id = n.owner_id
        WHERE n.state IN ('registered', 'attesting', 'benchmarking', 'idle', 'leased', 'draining', 'suspect')
        ORDER BY n.id`,
    );
    return rows.map(({ nodeState, windows, ...row }) => {
      const opening = this.opening(windows, tx.now);
      const state = fleetState(nodeState);
      return opening.isOpen
        ? { ...row, state, availableUntil: opening.until }
        : { ...row, state: state === 'available' ? 'away' : state, availableUntil: null };
    });
  }

  private opening(windows: readonly Window[], at: Date): Opening {
    if (windows.length === 0) return openingAt(windows, at);
    const key = JSON.stringify(windows);
    const known = this.openings.get(key);
    const atMs = at.getTime();
    if (known && known.fromMs <= atMs && atMs < known.untilMs) return known.opening;
    const opening = openingAt(windows, at);
    const change = opening.isOpen ? opening.until : opening.opensAt;
    if (this.openings.size >= MAX_OPENINGS) this.openings.clear();
    this.openings.set(key, { opening, fromMs: atMs, untilMs: Math.min(change?.getTime() ?? Infinity, atMs + DAY_MS) });
    return opening;
  }

  /**
   * A lease of the node ran out unanswered, so the node is lost now. Does nothing to one that is lost or has left, nor
   * to one that has beaten lately: it is there, although that lease is not.
   */
  async markLost(tx: Tx, nodeId: string, cause = 'a lease ran out'): Promise<void> {
    const [row] = await tx.query<{ state: NodeState; last_seen_at: Date }>(
      `SELECT n.state, l.last_seen_at FROM node n JOIN node_liveness l ON l.node_id = n.id WHERE n.id = $1 FOR UPDATE OF n`,
      [nodeId],
    );
    if (!row || row.state === 'lost' || !mayBecome(row.state, 'lost')) return;
    if (tx.now.getTime() - row.last_seen_at.getTime() <= MISSED_BEATS * this.config.agent.heartbeatMs) return;
    await changeStates(tx, [{ nodeId, from: row.state, to: 'lost' }], { actor: 'platform', cause });
    emitLost(tx, nodeId, row.last_seen_at);
  }
}

export function emitLost(tx: Tx, nodeId: string, lastSeenAt: Date): void {
  const payload = { nodeId, lastSeenAt: lastSeenAt.toISOString() };
  tx.emit({ type: 'node.lost', aggregateType: 'node', aggregateId: nodeId, payload, isPublic: true });
}
