import type { messages } from '#protocol';

/**
 * Implemented by whoever gives leases. Called once for each heartbeat, concurrently for many nodes; the answer goes to
 * the agent as it is. Must be idempotent: a beat whose answer was lost comes again.
 */
export interface LeaseDirectives {
  onHeartbeat(
    nodeId: string,
    reports: readonly messages.LeaseReport[],
    now: Date,
    beat: messages.HeartbeatRequest,
  ): Promise<messages.LeaseDirective[]>;
}
export const LEASE_DIRECTIVES = Symbol('LEASE_DIRECTIVES');
