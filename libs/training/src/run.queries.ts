import { Injectable } from '@nestjs/common';
import { type Page, type PageArgs, decodeCursor, isUuid, pageOf, pageSize } from '#kernel';
import { type Tx, UnitOfWork } from '#platform';
import { ATTEMPT_COLUMNS, type AttemptRow, LEASE_COLUMNS, type LeaseRow } from './store/attempt.store.js';
import { type RunRow, findRuns } from './store/run.store.js';

export type LeaseDetail = LeaseRow & { readonly step: bigint | null };
export type AttemptDetail = AttemptRow & { readonly members: readonly LeaseDetail[] };

export interface UsageDetail {
  readonly leaseId: string;
  readonly runId: string;
  readonly nodeId: string;
  readonly contributor: string;
  readonly gpuClass: string;
  readonly deliveredMs: bigint;
  readonly acceptedMs: bigint | null;
  readonly tokens: bigint | null;
  readonly flopModel: string | null;
  readonly energyMicroWh: bigint;
  readonly energyMethod: string | null;
}

export interface LossRow {
  readonly step: bigint;
  readonly loss: number;
  readonly tokens: bigint;
  readonly at: Date;
  readonly attempt: number;
}

export interface LogPieceRow {
  readonly byteOffset: bigint;
  readonly text: string;
  readonly droppedBytes: bigint;
  readonly at: Date;
}

export interface LeaseLogPage {
  readonly projectId: string;
  /** Pseudonym of the node's owner. */
  readonly contributor: string;
  readonly page: Page<LogPieceRow>;
}

export interface RunEventRow {
  readonly id: string;
  readonly type: string;
  readonly position: bigint;
  readonly occurredAt: Date;
  readonly payload: Record<string, unknown>;
}

function groupBy<T>(rows: readonly T[], key: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(key(row));
    if (group) group.push(row);
    else groups.set(key(row), [row]);
  }
  return groups;
}

const uuidCursor = (after: string | null | undefined): string | null => {
  const key = decodeCursor(after);
  return key !== undefined && isUuid(key) ? key : null;
};

/** Reads of runs. Runs are public. */
@Injectable()
export class RunQueries {
  constructor(private readonly uow: UnitOfWork) {}

  find(id: string): Promise<RunRow | undefined> {
    return this.uow.read(async (tx) => (await findRuns(tx, 'WHERE r.id = $1', [id]))[0]);
  }

  /** Runs by id, for fields of other rooms. */
  byIds(ids: readonly string[]): Promise<Map<string, RunRow>> {
    return this.uow.read(
      async (tx) => new Map((await findRuns(tx, 'WHERE r.id = ANY($1)', [ids])).map((row) => [row.id, row])),
    );
  }

  /** Newest first. */
  page(args: PageArgs & { campaignId?: string | undefined }): Promise<Page<RunRow>> {
    const limit = pageSize(args.first);
    return this.uow.read(async (tx) => {
      const rows = await findRuns(
        tx,
        `WHERE ($1::uuid IS NULL OR r.campaign_id = $1) AND ($2::uuid IS NULL OR r.id < $2) ORDER BY r.id DESC LIMIT ${limit + 1}`,
        [args.campaignId ?? null, uuidCursor(args.after)],
      );
      return pageOf(rows, limit, (row) => row.id);
    });
  }

  /** Attempts with their members, by run; oldest first, the newest 100 of each run. */
  attempts(runIds: readonly string[]): Promise<Map<string, AttemptDetail[]>> {
    return this.uow.read(async (tx) => {
      const attempts = await tx.query<AttemptRow>(
        `SELECT x.* FROM unnest($1::uuid[]) AS want (id), LATERAL (
           SELECT ${ATTEMPT_COLUMNS} FROM run_attempt a WHERE a.run_id = want.id ORDER BY a.number DESC LIMIT 100) x
          ORDER BY x."runId", x.number`,
        [runIds],
      );
      const leases = await tx.query<LeaseDetail>(
        `SELECT ${LEASE_COLUMNS}, l.step FROM lease l WHERE l.attempt_id = ANY ($1::uuid[]) ORDER BY l.attempt_id, l.rank`,
        [attempts.map((attempt) => attempt.id)],
      );
      const members = groupBy(leases, (lease) => lease.attemptId);
      return groupBy(
        attempts.map((attempt) => ({ ...attempt, members: members.get(attempt.id) ?? [] })),
        (attempt) => attempt.runId,
      );
    });
  }

  /** Leases of a run, newest first. */
  leases(runId: string, args: PageArgs): Promise<Page<LeaseDetail>> {
    const limit = pageSize(args.first);
    return this.uow.read(async (tx) => {
      const rows = await tx.query<LeaseDetail>(
        `SELECT ${LEASE_COLUMNS}, l.step FROM lease l WHERE l.run_id = $1 AND ($2::uuid IS NULL OR l.id < $2)
          ORDER BY l.id DESC LIMIT ${limit + 1}`,
        [runId, uuidCursor(args.after)],
      );
      return pageOf(rows, limit, (row) => row.id);
    });
  }

  usage(runIds: readonly string[]): Promise<Map<string, UsageDetail[]>> {
    return this.uow.read(async (tx) => {
      const rows = await tx.query<UsageDetail>(
        `SELECT u.lease_id AS "leaseId", u.run_id AS "runId", u.node_id AS "nodeId", u.contributor, u.gpu_class AS "gpuClass",
                u.delivered_ms AS "deliveredMs", u.accepted_ms AS "acceptedMs", u.tokens, u.flop_model::text AS "flopModel",
                u.energy_micro_wh AS "energyMicroWh", u.energy_method AS "energyMethod"
           FROM usage_record u WHERE u.run_id = ANY ($1::uuid[]) ORDER BY u.run_id, u.lease_id`,
        [runIds],
      );
      return groupBy(rows, (row) => row.runId);
    });
  }

  /**
   * The loss by step, at most `maxPoints` of them: of each step the attempt that stands (the last one that made it), and of
   * each stretch of steps its last, so that every point was really measured; the first and the last step are always there.
   */
  lossCurve(runId: string, maxPoints: number): Promise<LossRow[]> {
    const buckets = Math.min(Math.max(Math.trunc(maxPoints), 2), 2_000) - 1;
    return this.uow.read((tx: Tx) =>
      tx.query<LossRow>(
        `WITH standing AS (
           SELECT DISTINCT ON (m.step) m.step, m.loss, m.tokens, m.recorded_at, a.number
             FROM metric_step m JOIN run_attempt a ON a.id = m.attempt_id
            WHERE m.run_id = $1 ORDER BY m.step, a.number DESC
         ), placed AS (
           SELECT s.*, ntile(${buckets}) OVER (ORDER BY step) AS bucket, row_number() OVER (ORDER BY step) AS n FROM standing s
         )
         SELECT DISTINCT ON (CASE WHEN n = 1 THEN 0 ELSE bucket END) step, loss, tokens, recorded_at AS at, number AS attempt
           FROM placed ORDER BY CASE WHEN n = 1 THEN 0 ELSE bucket END, step DESC`,
        [runId],
      ),
    );
  }

  /** What happened to the run, newest first, from the public record. */
  events(runId: string, args: PageArgs): Promise<Page<RunEventRow>> {
    const limit = pageSize(args.first);
    const after = decodeCursor(args.after);
    const before = after !== undefined && /^\d{1,18}$/.test(after) ? BigInt(after) : null;
    return this.uow.read(async (tx) => {
      const rows = await tx.query<RunEventRow>(
        `SELECT id, type, position, occurred_at AS "occurredAt", payload FROM event_outbox
          WHERE aggregate_type = 'run' AND aggregate_id = $1 AND is_public AND position IS NOT NULL
            AND ($2::bigint IS NULL OR position < $2)
          ORDER BY position DESC LIMIT ${limit + 1}`,
        [runId, before],
      );
      return pageOf(rows, limit, (row) => String(row.position));
    });
  }

  /** What is kept of a lease's log, from the place after `after`, with who may read it. Undefined: no such lease. */
  leaseLog(leaseId: string, args: PageArgs): Promise<LeaseLogPage | undefined> {
    const limit = pageSize(args.first);
    const after = decodeCursor(args.after);
    return this.uow.read(async (tx) => {
      const [lease] = await tx.query<{ projectId: string; contributor: string }>(
        `SELECT r.spec ->> 'projectId' AS "projectId", l.contributor FROM lease l JOIN run r ON r.id = l.run_id WHERE l.id = $1`,
        [leaseId],
      );
      if (!lease) return undefined;
      const rows = await tx.query<LogPieceRow>(
        `SELECT byte_offset AS "byteOffset", content AS text, dropped_bytes AS "droppedBytes", recorded_at AS at
           FROM lease_log WHERE lease_id = $1 AND byte_offset > $2 ORDER BY byte_offset LIMIT ${limit + 1}`,
        [leaseId, after !== undefined && /^\d{1,18}$/.test(after) ? after : '-1'],
      );
      return { ...lease, page: pageOf(rows, limit, (row) => String(row.byteOffset)) };
    });
  }
}
