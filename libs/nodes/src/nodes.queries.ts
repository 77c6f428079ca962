import { Injectable } from '@nestjs/common';
import { type Page, type PageArgs, decodeCursor, isUuid, pageOf, pageSize } from '#kernel';
import { UnitOfWork } from '#platform';
import type { messages } from '#protocol';
import { type ChallengeRow, challengesOf, waitingFor } from './challenges/challenge.store.js';
import type { Window } from './domain/hours.rule.js';
import type { NodeState } from './domain/node.machine.js';

export interface NodeRow {
  readonly id: string;
  readonly name: string;
  readonly state: NodeState;
  readonly gpuClass: string;
  readonly count: number;
  readonly region: string | null;
  readonly agentVersion: string;
  readonly inventory: messages.Inventory;
  readonly joinedAt: Date;
  readonly lastSeenAt: Date;
  readonly verifiedAt: Date | null;
  readonly stateCause: string;
  readonly windows: Window[];
  readonly ownerId: string;
  readonly ownerPseudonym: string;
  readonly ownerName: string | null;
  readonly ownerKind: string;
}

const NODE = `SELECT n.id, n.name, n.state, n.gpu_class AS "gpuClass", n.device_count AS count, n.region, n.agent_version AS "agentVersion",
       n.inventory, n.joined_at AS "joinedAt", l.last_seen_at AS "lastSeenAt", n.verified_at AS "verifiedAt", n.state_cause AS "stateCause", c.id AS "ownerId", c.pseudonym AS "ownerPseudonym",
       c.display_name AS "ownerName", c.kind AS "ownerKind",
       coalesce((SELECT jsonb_agg(jsonb_build_object('rrule', w.rrule, 'durationMinutes', w.duration_minutes) ORDER BY w.position)
                   FROM node_window w WHERE w.node_id = n.id), '[]') AS windows
  FROM node n JOIN node_liveness l ON l.node_id = n.id JOIN contributor c ON c.id = n.owner_id`;

const CHALLENGES_SHOWN = 20;

/** Reads of nodes. Newest first. */
@Injectable()
export class NodesQueries {
  constructor(private readonly uow: UnitOfWork) {}

  async node(id: string): Promise<NodeRow | undefined> {
    return (await this.uow.read((tx) => tx.query<NodeRow>(`${NODE} WHERE n.id = $1`, [id])))[0];
  }

  /** Nodes by id, for loaders; unknown ids are missing. */
  nodesById(ids: readonly string[]): Promise<NodeRow[]> {
    return this.uow.read((tx) => tx.query<NodeRow>(`${NODE} WHERE n.id = ANY($1::uuid[])`, [ids]));
  }

  async nodes(args: PageArgs): Promise<Page<NodeRow>> {
    const limit = pageSize(args.first);
    const key = decodeCursor(args.after);
    const after = key !== undefined && isUuid(key) ? key : null;
    const rows = await this.uow.read((tx) =>
      tx.query<NodeRow>(`${NODE} WHERE $1::uuid IS NULL OR n.id < $1 ORDER BY n.id DESC LIMIT ${limit + 1}`, [after]),
    );
    return pageOf(rows, limit, (row) => row.id);
  }

  /** The challenges that a node has to answer, as its agent is told of them. */
  async challengesWaitingFor(nodeId: string): Promise<messages.ChallengeDirective[]> {
    const rows = await this.uow.read((tx) => waitingFor(tx, nodeId));
    return rows.map(({ id, device, plan }) => ({ challengeId: id, device, plan }));
  }

  /** The last challenges of nodes, newest first, for loaders. */
  async challenges(nodeIds: readonly string[]): Promise<ReadonlyMap<string, ChallengeRow[]>> {
    const rows = await this.uow.read((tx) => challengesOf(tx, nodeIds, CHALLENGES_SHOWN));
    return Map.groupBy(rows, (row) => row.nodeId);
  }

  /** The last appeal of each node, for loaders. */
  async appeals(nodeIds: readonly string[]): Promise<ReadonlyMap<string, AppealRow>> {
    const rows = await this.uow.read((tx) =>
      tx.query<AppealRow>(
        `SELECT DISTINCT ON (a.node_id) a.node_id AS "nodeId", n.owner_id AS "ownerId", a.statement, a.filed_at AS "filedAt", a.decision,
                a.reason, a.decided_at AS "decidedAt"
           FROM node_appeal a JOIN node n ON n.id = a.node_id WHERE a.node_id = ANY($1::uuid[]) ORDER BY a.node_id, a.id DESC`,
        [nodeIds],
      ),
    );
    return new Map(rows.map((row) => [row.nodeId, row]));
  }
}

export interface AppealRow {
  readonly nodeId: string;
  readonly ownerId: string;
  readonly statement: string;
  readonly filedAt: Date;
  readonly decision: 'lifted' | 'upheld' | null;
  readonly reason: string | null;
  readonly decidedAt: Date | null;
}
