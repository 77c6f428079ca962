import { campaignChart } from '#campaigns';

/** The accounts of a campaign's money in one currency; an accelerator class has no part in their names. */
export const cashAccounts = (campaignId: string, currency: string) => campaignChart.of(campaignId, 'cpu', currency);

export const memoPledgedIn = (currency: string): string => campaignChart.memoPledgedIn(currency);
