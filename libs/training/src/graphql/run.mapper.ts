import { GpuTime, toGlobalId } from '#platform';
import { deliveredMs } from '../domain/metering.rule.js';
import type { AttemptDetail, LeaseDetail, RunEventRow, UsageDetail } from '../run.queries.js';
import type { RunRow } from '../store/run.store.js';
import { runEventSummary } from './event.summary.js';
import type { Attempt, Lease, Run, RunEvent, RunStateEnum, Usage } from './run.type.js';

export const toRun = (row: RunRow): Run => ({
  id: toGlobalId('Run', row.id),
  state: row.state as RunStateEnum,
  stateReason: row.stateReason,
  waitReason: row.waitReason && row.endedAt === null ? `${row.waitReason.message} ${row.waitReason.unblock}` : null,
  step: row.step,
  targetSteps: row.targetSteps,
  tokens: row.tokens,
  firstLoss: row.firstLoss,
  lastLoss: row.lastLoss,
  flopModel: row.flopModel,
  flopHardware: row.flopHardware,
  minWorkers: row.minWorkers,
  maxWorkers: row.maxWorkers,
  promotedStep: row.promotedStep,
  createdAt: row.createdAt,
  startedAt: row.startedAt,
  endedAt: row.endedAt,
  rowId: row.id,
  campaignRowId: row.campaignId,
  recipeRowId: row.recipeId,
});

/** Of a live lease, what it would be paid if it ended with its last heartbeat. */
const soFar = (row: LeaseDetail): bigint =>
  deliveredMs({
    startedAtMs: row.startedAt?.getTime() ?? null,
    lastBeatAtMs: row.lastBeatAt?.getTime() ?? null,
    expiresAtMs: row.expiresAt.getTime(),
    endedAtMs: Number.MAX_SAFE_INTEGER,
    busyMs: row.busyMs,
    deviceCount: row.deviceCount,
    reservedMs: row.reservedMs,
  });

export const toLease = (row: LeaseDetail): Lease => ({
  id: row.id,
  rank: row.rank,
  token: row.token,
  state: row.state,
  phase: row.phase,
  step: row.step,
  grantedAt: row.grantedAt,
  expiresAt: row.expiresAt,
  endedAt: row.endedAt,
  endReason: row.endReason,
  milliseconds: row.deliveredMs ?? soFar(row),
  nodeRowId: row.nodeId,
});

export const toAttempt = (row: AttemptDetail): Attempt => ({
  id: row.id,
  number: row.number,
  state: row.state,
  reason: row.endReason,
  startedAt: row.startedAt,
  endedAt: row.endedAt,
  restoredFromStep: row.restore === null ? null : row.restoredStep,
  members: row.members.map(toLease),
});

export const toUsage = (row: UsageDetail): Usage => ({
  leaseId: row.leaseId,
  class: row.gpuClass,
  delivered: GpuTime.of(row.deliveredMs, row.gpuClass),
  accepted: row.acceptedMs === null ? null : GpuTime.of(row.acceptedMs, row.gpuClass),
  tokens: row.tokens,
  flop: row.flopModel === null ? null : BigInt(row.flopModel),
  energyMicroWh: row.energyMicroWh,
  energyMethod: row.energyMethod,
  nodeRowId: row.nodeId,
  contributorPseudonym: row.contributor,
});

export const toRunEvent = (row: RunEventRow): RunEvent => ({ ...row, summary: runEventSummary(row.type, row.payload) });
