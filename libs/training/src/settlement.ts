import { Injectable } from '@nestjs/common';
import { isRefused, largestRemainder } from '#kernel';
import { Ledger, type TransferSpec } from '#ledger';
import type { Tx } from '#platform';
import { estimatedHardwareFlop, modelFlop } from './domain/flop.rule.js';
import { acceptedMs, deliveredMs } from './domain/metering.rule.js';
import type { AttemptRow, LeaseRow } from './store/attempt.store.js';
import type { RunRow, RunSpec } from './store/run.store.js';

export const gpuUnit = (gpuClass: string): string => `gpu_second:${gpuClass}`;
export const commitmentAccount = (pledgeId: string, gpuClass: string): string =>
  `pledge:${pledgeId}:commitment:${gpuClass}`;
export const deliveredAccount = (runId: string, gpuClass: string): string => `run:${runId}:delivered:${gpuClass}`;
export const acceptedAccount = (runId: string, gpuClass: string): string => `run:${runId}:accepted:${gpuClass}`;

export type LeaseEnd = 'released' | 'expired' | 'revoked';

/**
 * What a lease is worth, and the ledger's entries for it. Every key comes from the lease's id, so nothing is booked twice
 * whatever is repeated.
 *
 *   grant    pending   commitment ─▶ delivered   the reservation
 *   end      post_pending of what was delivered (the rest is released), or void_pending
 *   proof    posted    delivered ─▶ accepted     what a promoted checkpoint or the run's completion proves
 */
@Injectable()
export class Settlement {
  constructor(private readonly ledger: Ledger) {}

  async openAccounts(tx: Tx, runId: string, gpuClass: string): Promise<void> {
    const unit = gpuUnit(gpuClass);
    await this.ledger.openAccounts(tx, [
      { code: deliveredAccount(runId, gpuClass), unit, limit: 'debits_must_not_exceed_credits' },
      { code: acceptedAccount(runId, gpuClass), unit, limit: 'debits_must_not_exceed_credits' },
    ]);
  }

  reservation(
    lease: { id: string; pledgeId: string; reservedMs: bigint },
    runId: string,
    gpuClass: string,
  ): TransferSpec {
    return {
      key: `lease:${lease.id}:reserve`,
      kind: 'pending',
      debit: commitmentAccount(lease.pledgeId, gpuClass),
      credit: deliveredAccount(runId, gpuClass),
      amount: lease.reservedMs,
      reason: 'Reserved for a lease',
      refs: { lease: lease.id, run: runId, pledge: lease.pledgeId },
    };
  }

  /**
   * Ends leases: meters them, books what they delivered, frees their devices, tells the public record. The caller holds
   * their rows. A lease that ran out ended at its expiry, whenever that is noticed.
   */
  async end(tx: Tx, leases: readonly LeaseRow[], ends: LeaseEnd, cause: string): Promise<void> {
    const chains: TransferSpec[][] = [];
    for (const lease of leases) {
      const endedAt = ends === 'expired' ? lease.expiresAt : tx.now;
      const delivered = deliveredMs({
        startedAtMs: lease.startedAt?.getTime() ?? null,
        lastBeatAtMs: lease.lastBeatAt?.getTime() ?? null,
        expiresAtMs: lease.expiresAt.getTime(),
        endedAtMs: endedAt.getTime(),
        busyMs: lease.busyMs,
        deviceCount: lease.deviceCount,
        reservedMs: lease.reservedMs,
      });
      await tx.query(
        'UPDATE lease SET state = $2, ended_at = $3, end_reason = $4, delivered_ms = $5 WHERE id = $1 AND ended_at IS NULL',
        [lease.id, ends, endedAt, cause, delivered],
      );
      await tx.query('UPDATE lease_device SET is_live = false WHERE lease_id = $1', [lease.id]);
      await tx.query(
        `INSERT INTO usage_record (lease_id, run_id, campaign_id, attempt_id, node_id, pledge_id, contributor, region, gpu_class,
                                   delivered_ms, energy_micro_wh, energy_method, delivered_at)
         SELECT l.id, l.run_id, r.campaign_id, l.attempt_id, l.node_id, l.pledge_id, l.contributor, l.region, l.gpu_class,
                l.delivered_ms, l.energy_micro_wh, l.energy_method, $2
           FROM lease l JOIN run r ON r.id = l.run_id WHERE l.id = $1`,
        [lease.id, tx.now],
      );
      chains.push([this.resolution(lease, delivered)]);
      tx.emit({
        type: 'lease.ended',
        aggregateType: 'run',
        aggregateId: lease.runId,
        isPublic: true,
        payload: {
          runId: lease.runId,
          attemptId: lease.attemptId,
          leaseId: lease.id,
          nodeId: lease.nodeId,
          reason: ends,
          cause,
          milliseconds: String(delivered),
          grantedAt: lease.grantedAt.toISOString(),
          startedAt: lease.startedAt?.toISOString() ?? null,
          endedAt: endedAt.toISOString(),
        },
      });
    }
    await this.book(tx, chains);
  }

  private resolution(lease: LeaseRow, delivered: bigint): TransferSpec {
    const refs = { lease: lease.id, run: lease.runId, pledge: lease.pledgeId };
    const pendingKey = `lease:${lease.id}:reserve`;
    return delivered > 0n
      ? {
          key: `lease:${lease.id}:deliver`,
          kind: 'post_pending',
          pendingKey,
          amount: delivered,
          reason: 'Delivered under a lease',
          refs,
        }
      : { key: `lease:${lease.id}:void`, kind: 'void_pending', pendingKey, reason: 'A lease ended without work', refs };
  }

  /**
   * Settles an attempt whose leases have all ended and whose proof is final: accepted time, tokens, operations. Adds the
   * operations to the run. Idempotent: a settled lease is left alone.
   */
  async settle(tx: Tx, run: Pick<RunRow, 'id' | 'campaignId' | 'spec'>, attempt: AttemptRow): Promise<void> {
    const usage = await tx.query<UsageRow>(
      `SELECT ${USAGE_COLUMNS} FROM usage_record u JOIN lease l ON l.id = u.lease_id
        WHERE u.attempt_id = $1 AND u.settled_at IS NULL ORDER BY l.rank FOR UPDATE OF u`,
      [attempt.id],
    );
    if (usage.length === 0) return;
    const [counted] = await tx.query<{ flop: string | null }>(
      'SELECT flop_hardware::text AS flop FROM metric_step WHERE run_id = $1 AND attempt_id = $2 AND step = $3',
      [run.id, attempt.id, attempt.verifiedStep],
    );
    const proven = provenWork(run.spec, attempt, counted?.flop ?? null);
    const weights = usage.map((u) => BigInt(u.deviceCount));
    const tokens = largestRemainder(proven.tokens, weights);
    const hardware = largestRemainder(proven.flopHardware, weights);
    const chains: TransferSpec[][] = [];
    let flopModel = 0n;
    for (const [index, u] of usage.entries()) {
      const accepted = acceptedMs({
        deliveredMs: u.deliveredMs,
        startedAtMs: u.startedAt?.getTime() ?? null,
        deviceCount: u.deviceCount,
        verifiedAtMs: attempt.verifiedAt?.getTime() ?? null,
        coversLastStep: proven.coversLastStep,
      });
      const share = { tokens: tokens[index] ?? 0n, flopHardware: hardware[index] ?? 0n };
      const model = modelFlop(BigInt(run.spec.parameters), share.tokens);
      flopModel += model;
      await tx.query(
        `UPDATE usage_record SET accepted_ms = $2, tokens = $3, flop_model = $4, flop_hardware = $5, settled_at = $6 WHERE lease_id = $1`,
        [u.leaseId, accepted, share.tokens, String(model), String(share.flopHardware), tx.now],
      );
      if (accepted > 0n) {
        chains.push([
          {
            key: `lease:${u.leaseId}:accept`,
            kind: 'posted',
            debit: deliveredAccount(run.id, u.gpuClass),
            credit: acceptedAccount(run.id, u.gpuClass),
            amount: accepted,
            reason: 'Accepted: a promoted checkpoint proves the work',
            refs: { lease: u.leaseId, run: run.id, pledge: u.pledgeId },
          },
        ]);
      }
      tx.emit({
        type: 'usage.settled',
        aggregateType: 'run',
        aggregateId: run.id,
        isPublic: true,
        payload: {
          runId: run.id,
          campaignId: run.campaignId,
          leaseId: u.leaseId,
          nodeId: u.nodeId,
          pledgeId: u.pledgeId,
          contributor: u.contributor,
          class: u.gpuClass,
          deliveredMs: String(u.deliveredMs),
          acceptedMs: String(accepted),
          tokens: String(share.tokens),
          flopModel: String(model),
          flopHardware: String(share.flopHardware),
          energyMicroWh: String(u.energyMicroWh),
          energyMethod: u.energyMethod,
          region: u.region,
        },
      });
    }
    await tx.query(
      'UPDATE run SET flop_model = flop_model + $2::numeric, flop_hardware = flop_hardware + $3::numeric WHERE id = $1',
      [run.id, String(flopModel), String(proven.flopHardware)],
    );
    await this.book(tx, chains);
  }

  /** Each chain must be taken: the amounts were reserved or delivered before, so a refusal is a bug of ours. */
  private async book(tx: Tx, chains: readonly TransferSpec[][]): Promise<void> {
    if (chains.length === 0) return;
    for (const outcome of await this.ledger.postChains(tx, chains)) {
      if (isRefused(outcome)) throw new Error(`settlement refused: ${JSON.stringify(outcome.first)}`);
    }
  }
}

interface UsageRow {
  readonly leaseId: string;
  readonly nodeId: string;
  readonly pledgeId: string;
  readonly contributor: string;
  readonly region: string | null;
  readonly gpuClass: string;
  readonly deliveredMs: bigint;
  readonly energyMicroWh: bigint;
  readonly energyMethod: string | null;
  readonly deviceCount: number;
  readonly startedAt: Date | null;
}
const USAGE_COLUMNS = `u.lease_id AS "leaseId", u.node_id AS "nodeId", u.pledge_id AS "pledgeId", u.contributor, u.region,
  u.gpu_class AS "gpuClass", u.delivered_ms AS "deliveredMs", u.energy_micro_wh AS "energyMicroWh",
  u.energy_method AS "energyMethod", l.device_count AS "deviceCount", l.started_at AS "startedAt"`;

/** The tokens and operations between what the attempt restored and what it proved. Nothing proven: zero. */
function provenWork(
  spec: RunSpec,
  attempt: AttemptRow,
  flopCounted: string | null,
): { tokens: bigint; flopHardware: bigint; coversLastStep: boolean } {
  if (attempt.verifiedStep === null) return { tokens: 0n, flopHardware: 0n, coversLastStep: false };
  const grown = (attempt.verifiedTokens ?? attempt.restoredTokens) - attempt.restoredTokens;
  const tokens = grown > 0n ? grown : 0n;
  const counted = flopCounted === null ? -1n : BigInt(flopCounted) - BigInt(attempt.restoredFlopHardware);
  return {
    tokens,
    flopHardware: counted >= 0n ? counted : hardwareFlopOf(spec, tokens),
    coversLastStep: attempt.verifiedStep >= (attempt.lastStep ?? attempt.verifiedStep),
  };
}

/** Operations by the formula, for workloads that don't count their own. */
export function hardwareFlopOf(spec: RunSpec, tokens: bigint): bigint {
  const size = (name: string) => {
    const value = spec.hyperparameters[name];
    return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0;
  };
  return estimatedHardwareFlop(
    { parameters: BigInt(spec.parameters), layers: size('layers'), dModel: size('dModel'), context: size('context') },
    tokens,
  );
}
