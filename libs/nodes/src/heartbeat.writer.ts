import { Injectable } from '@nestjs/common';
import { isRefused } from '#kernel';
import { Config, GroupCommitter, type Tx, UnitOfWork } from '#platform';
import type { messages } from '#protocol';
import { issueChallenges } from './challenges/challenge.store.js';
import { type NodeState, stateAfterBeat } from './domain/node.machine.js';
import { changeStates, emitJoined } from './node.store.js';

export interface Beat {
  readonly nodeId: string;
  readonly message: messages.HeartbeatRequest;
}

export interface BeatOutcome {
  readonly state: NodeState;
  readonly desiredState: 'available' | 'draining';
}

interface BeatRow {
  id: string;
  state: NodeState;
  desired_state: 'available' | 'draining';
  is_verified: boolean;
}

/**
 * Writes the heartbeats of all nodes that arrive together by one statement.
 *  1. Liveness is written only where it says something new: half a beat has passed, or boot or address changed.
 *  2. An older beat of the same boot changes nothing.
 *  3. A change of state, which is rare, is written in the same transaction with its history and its public event.
 */
@Injectable()
export class HeartbeatWriter {
  private readonly committer: GroupCommitter<Beat, BeatOutcome>;

  constructor(
    private readonly uow: UnitOfWork,
    private readonly config: Config,
  ) {
    this.committer = new GroupCommitter((batch) => this.write(batch));
  }

  submit(beat: Beat): Promise<BeatOutcome> {
    return this.committer.submit(beat);
  }

  private async write(batch: Beat[]): Promise<BeatOutcome[]> {
    // The newest beat of a node stands for all of them in this batch.
    const latest = new Map<string, Beat>();
    for (const beat of batch) {
      const other = latest.get(beat.nodeId);
      if (!other || other.message.bootId !== beat.message.bootId || other.message.seq <= beat.message.seq)
        latest.set(beat.nodeId, beat);
    }
    const beats = [...latest.values()].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
    const outcome = await this.uow.run('heartbeats', (tx) => this.writeBeats(tx, beats));
    if (isRefused(outcome)) throw new Error('heartbeats are never refused');
    return batch.map((beat) => {
      const written = outcome.get(beat.nodeId);
      if (!written) throw new Error(`node ${beat.nodeId} vanished between its signature and its heartbeat`);
      return written;
    });
  }

  private async writeBeats(tx: Tx, beats: readonly Beat[]): Promise<Map<string, BeatOutcome>> {
    const rows = await tx.query<BeatRow>(
      `WITH beat AS MATERIALIZED (
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[]) AS u(node_id, boot_id, seq, address)
       ), written AS (
         UPDATE node_liveness l
            SET boot_id = b.boot_id, seq = b.seq, address = b.address, last_seen_at = $5
           FROM beat b
          WHERE l.node_id = b.node_id
            AND (l.boot_id IS DISTINCT FROM b.boot_id OR l.seq < b.seq)
            AND (l.boot_id IS DISTINCT FROM b.boot_id OR l.address IS DISTINCT FROM b.address
                 OR l.last_seen_at < $5::timestamptz - $6::double precision * interval '1 millisecond')
       )
       SELECT n.id, n.state, n.desired_state, n.verified_at IS NOT NULL AS is_verified FROM beat b JOIN node n ON n.id = b.node_id`,
      [
        beats.map((b) => b.nodeId),
        beats.map((b) => b.message.bootId),
        beats.map((b) => b.message.seq),
        beats.map((b) => b.message.address),
        tx.now,
        this.config.agent.heartbeatMs / 2,
      ],
    );
    const byId = new Map(rows.map((row) => [row.id, row]));
    const changes = beats.flatMap((beat) => {
      const row = byId.get(beat.nodeId);
      if (!row) return [];
      const works = beat.message.leases.filter((lease) => lease.phase === 'ready' || lease.phase === 'running').length;
      const to = stateAfterBeat(row.state, {
        state: beat.message.state,
        desiredState: row.desired_state,
        leases: works,
        isVerified: row.is_verified || !this.config.agent.isChallenged,
      });
      return to === row.state ? [] : [{ nodeId: beat.nodeId, from: row.state, to }];
    });
    const taken = await changeStates(tx, changes, { actor: 'agent', cause: 'heartbeat' });
    await issueChallenges(
      tx,
      taken.filter(({ to }) => to === 'attesting').map(({ nodeId }) => nodeId),
    );
    for (const { nodeId, from, to } of taken) {
      const row = byId.get(nodeId);
      if (row) row.state = to;
      if (to === 'draining')
        tx.emit({
          type: 'node.draining',
          aggregateType: 'node',
          aggregateId: nodeId,
          payload: { nodeId },
          isPublic: true,
        });
      else if (from === 'lost' || from === 'offline') await emitJoined(tx, nodeId);
    }
    return new Map(rows.map((row) => [row.id, { state: row.state, desiredState: row.desired_state }]));
  }
}
