/**
 * What a lease delivered and what of it is accepted, in GPU-milliseconds (one device for one millisecond).
 *
 *  M1  Only time between the start directive and the last sign of life counts, by the platform's clock.
 *  M2  Nothing counts after the lease's expiry, and never more than was reserved.
 *  M3  The agent's own count of busy time bounds it from above, and is never believed beyond the platform's.
 *  M4  Accepted is at most delivered: the time up to the last step that a promoted checkpoint proves; all of it when the
 *      proof covers the attempt's last step.
 */
export interface DeliveredInput {
  readonly startedAtMs: number | null;
  readonly lastBeatAtMs: number | null;
  readonly expiresAtMs: number;
  readonly endedAtMs: number;
  readonly busyMs: bigint;
  readonly deviceCount: number;
  readonly reservedMs: bigint;
}

export function deliveredMs(lease: DeliveredInput): bigint {
  if (lease.startedAtMs === null || lease.lastBeatAtMs === null) return 0n;
  const end = Math.min(lease.lastBeatAtMs, lease.expiresAtMs, lease.endedAtMs);
  const wall = BigInt(Math.max(0, end - lease.startedAtMs));
  const time = (lease.busyMs < wall ? lease.busyMs : wall) * BigInt(lease.deviceCount);
  return time < lease.reservedMs ? time : lease.reservedMs;
}

export interface AcceptedInput {
  readonly deliveredMs: bigint;
  readonly startedAtMs: number | null;
  readonly deviceCount: number;
  /** When the platform first heard of the last proven step; null when nothing is proven. */
  readonly verifiedAtMs: number | null;
  readonly coversLastStep: boolean;
}

export function acceptedMs(lease: AcceptedInput): bigint {
  if (lease.startedAtMs === null || lease.verifiedAtMs === null) return 0n;
  if (lease.coversLastStep) return lease.deliveredMs;
  const proven = BigInt(Math.max(0, lease.verifiedAtMs - lease.startedAtMs)) * BigInt(lease.deviceCount);
  return proven < lease.deliveredMs ? proven : lease.deliveredMs;
}
