import { type Clockwork, ClockworkTask, Config, UnitOfWork } from '#platform';
import { MISSED_BEATS, type NodeState, stateWhenSilent } from '../domain/node.machine.js';
import { emitLost } from '../fleet.js';
import { changeStates } from '../node.store.js';
import { certain } from '../nodes.commands.js';

/** Notices nodes that have gone silent, and forgets nonces that can't be replayed any more. */
@ClockworkTask()
export class NodeLivenessClock implements Clockwork {
  readonly name = 'node-liveness';
  readonly everyMs: number;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly config: Config,
  ) {
    this.everyMs = Math.max(250, Math.round(config.agent.heartbeatMs / 2));
  }

  async tick(): Promise<void> {
    const limits = this.config.agent;
    certain(
      await this.uow.run('node-liveness', async (tx) => {
        const silent = await tx.query<{ id: string; state: NodeState; last_seen_at: Date }>(
          `SELECT n.id, n.state, l.last_seen_at FROM node n JOIN node_liveness l ON l.node_id = n.id
            WHERE n.state IN ('registered', 'attesting', 'benchmarking', 'idle', 'leased', 'draining', 'suspect') AND l.last_seen_at < $1
            ORDER BY n.id LIMIT 1000 FOR UPDATE OF n SKIP LOCKED`,
          [new Date(tx.now.getTime() - MISSED_BEATS * limits.heartbeatMs)],
        );
        const seen = new Map(silent.map((row) => [row.id, row.last_seen_at]));
        const changes = silent.flatMap(({ id, state, last_seen_at }) => {
          const to = stateWhenSilent(state, tx.now.getTime() - last_seen_at.getTime(), limits);
          return to === state ? [] : [{ nodeId: id, from: state, to }];
        });
        for (const { nodeId, to } of await changeStates(tx, changes, {
          actor: 'platform',
          cause: 'missed heartbeats',
        })) {
          const lastSeenAt = seen.get(nodeId);
          if (to === 'lost' && lastSeenAt) emitLost(tx, nodeId, lastSeenAt);
        }
      }),
    );
    certain(
      await this.uow.run('node-nonce-expiry', async (tx) => {
        await tx.query(
          `DELETE FROM node_nonce WHERE (key_id, nonce) IN
             (SELECT key_id, nonce FROM node_nonce WHERE expires_at < $1 ORDER BY expires_at LIMIT 20000 FOR UPDATE SKIP LOCKED)`,
          [tx.now],
        );
      }),
    );
  }
}
