import { Injectable } from '@nestjs/common';
import type { Refused } from '#kernel';
import type { DonorPledges } from '#nodes';
import type { Tx } from '#platform';
import { isCommitted } from './domain/compute-pledge.machine.js';
import { refusePledge } from './pledge.refusal.js';
import { findComputePledge } from './store/compute-pledge.store.js';

const PATH = ['input', 'computePledgeId'];

/** Whose pledge a node may be joined for: the donor's own, while it can still be delivered. */
@Injectable()
export class PledgesOfDonors implements DonorPledges {
  /** Refusals: PLEDGE_NOT_FOUND, PLEDGE_FORBIDDEN, PLEDGE_STATE_INVALID. */
  async deliveryRefusal(tx: Tx, pledgeId: string, contributorId: string): Promise<Refused | undefined> {
    const pledge = await findComputePledge(tx, pledgeId);
    if (!pledge) return refusePledge('PLEDGE_NOT_FOUND', PATH);
    if (pledge.contributorId !== contributorId)
      return refusePledge('PLEDGE_FORBIDDEN', PATH, 'A node delivers what its own donor pledged.');
    if (pledge.state !== 'offered' && !isCommitted(pledge.state))
      return refusePledge('PLEDGE_STATE_INVALID', PATH, `It is ${pledge.state}; nothing of it is left to deliver.`);
    return undefined;
  }
}
