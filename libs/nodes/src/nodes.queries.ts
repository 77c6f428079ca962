import { Injectable } from '@nestjs/common';
import { type Page, type PageArgs, decodeCursor, isUuid, pageOf, pageSize } from '#kernel';
import { UnitOfWork } from '#platform';
import type { messages } from '#protocol';
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
  readonly windows: Window[];
  readonly ownerId: string;
  readonly ownerPseudonym: string;
  readonly ownerName: string | null;
  readonly ownerKind: string;
}

const NODE = `SELECT n.id, n.name, n.state, n.gpu_class AS "gpuClass", n.device_count AS count, n.region, n.agent_version AS "agentVersion",
       n.inventory, n.joined_at AS "joinedAt", l.last_seen_at AS "lastSeenAt", c.id AS "ownerId", c.pseudonym AS "ownerPseudonym",
       c.display_name AS "ownerName", c.kind AS "ownerKind",
       coalesce((SELECT jsonb_agg(jsonb_build_object('rrule', w.rrule, 'durationMinutes', w.duration_minutes) ORDER BY w.position)
                   FROM node_window w WHERE w.node_id = n.id), '[]') AS windows
  FROM node n JOIN node_liveness l ON l.node_id = n.id JOIN contributor c ON c.id = n.owner_id`;

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
}
