import type { Tx } from '#platform';

/** Something that a saved method is charged for: a pledge that is not paid, or a monthly pledge. */
export interface MethodUse {
  readonly methodId: string;
  readonly pledgeId: string | null;
  readonly planId: string | null;
  readonly campaignId: string;
  readonly amountMinor: bigint;
  readonly currency: string;
}

/** What the methods may still be charged for, oldest first. */
export async function usesOfMethods(tx: Tx, contributorId: string, methodIds: readonly string[]): Promise<MethodUse[]> {
  return tx.query<MethodUse>(
    `SELECT saved_method_id AS "methodId", id AS "pledgeId", NULL::uuid AS "planId", campaign_id AS "campaignId",
            amount_minor AS "amountMinor", currency
       FROM cash_pledge
      WHERE contributor_id = $1 AND saved_method_id = ANY($2)
        AND state IN ('pledged', 'frozen', 'charging', 'needs_action', 'errored')
      UNION ALL
     SELECT saved_method_id, NULL, id, campaign_id, amount_minor, currency FROM pledge_plan
      WHERE contributor_id = $1 AND saved_method_id = ANY($2) AND state = 'active'`,
    [contributorId, methodIds],
  );
}
