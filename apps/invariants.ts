import { campaignInvariants } from '#campaigns';
import { disbursementInvariants } from '#disbursements';
import { ledgerInvariants } from '#ledger';
import { matchingInvariants } from '#matching';
import { nodesInvariants } from '#nodes';
import { paymentInvariants, payoutInvariants } from '#payments';
import type { InvariantCheck } from '#platform';
import { pledgeInvariants } from '#pledges';
import { provenanceInvariants } from '#provenance';
import { reconciliationInvariants } from '#reconciliation';
import { reportInvariants } from '#reports';
import { trainingInvariants } from '#training';
import { transparencyInvariants } from '#transparency';
import { noPersonalData } from './personal-data.invariant.js';

/** Every promise that can be checked on live data, of every room. */
export const INVARIANTS: readonly InvariantCheck[] = [
  ...ledgerInvariants,
  ...paymentInvariants,
  ...payoutInvariants,
  ...campaignInvariants,
  ...pledgeInvariants,
  ...disbursementInvariants,
  ...matchingInvariants,
  ...reconciliationInvariants,
  ...nodesInvariants,
  ...trainingInvariants,
  ...provenanceInvariants,
  ...transparencyInvariants,
  ...reportInvariants,
  noPersonalData,
];
