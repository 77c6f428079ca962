import type { Refused } from '#kernel';
import type { Tx } from '#platform';

/**
 * Implemented by whoever keeps compute pledges. A node may be joined for a pledge that is the donor's own and can still
 * be delivered: offered, accepted or partly delivered.
 */
export interface DonorPledges {
  /** Why this donor may not deliver the pledge, as that room refuses it; undefined when he may. */
  deliveryRefusal(tx: Tx, pledgeId: string, contributorId: string): Promise<Refused | undefined>;
}
export const DONOR_PLEDGES = Symbol('DONOR_PLEDGES');
