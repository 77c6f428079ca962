import type { CampaignRow } from '#campaigns';
import type { PaymentInput } from '#payments';
import type { CashPledgeRow } from '../store/cash-pledge.store.js';
import { cashAccounts } from './cash-accounts.rule.js';
import { instalments } from './instalment.rule.js';

/**
 * The payments by which a pledge is charged, one an instalment, without those paid already. With a saved method they are
 * charged without the donor; without one he confirms in his browser.
 */
export function paymentInputs(
  pledge: CashPledgeRow,
  campaign: Pick<CampaignRow, 'title'>,
  paid: ReadonlySet<number>,
  savedMethodId: string | null = pledge.savedMethodId,
): PaymentInput[] {
  const accounts = cashAccounts(pledge.campaignId, pledge.currency);
  return instalments(pledge.amountMinor, pledge.instalments).flatMap((amountMinor, index) =>
    paid.has(index + 1)
      ? []
      : {
          reference: pledge.id,
          instalment: index + 1,
          purpose: 'pledge' as const,
          beneficiaryId: pledge.campaignId,
          rail: pledge.rail,
          amountMinor,
          currency: pledge.currency,
          ...(savedMethodId === null ? {} : { savedMethodId }),
          escrowAccount: accounts.escrow,
          refundsPayableAccount: accounts.refundsPayable,
          debtAccount: accounts.debt,
          reserveAccount: accounts.disputeReserve,
          description: `Pledge to ${campaign.title}`,
          contributorPseudonym: pledge.pseudonym,
        },
  );
}
