import { expect, it } from 'vitest';
import { CARD, FundingStage } from './funding.stage.js';

const DAY_MS = 86_400_000;

it('the stage moves its own time: deadlines fall due, clocks run, and whoever was signed in still is', async () => {
  const stage = await FundingStage.open();
  try {
    const owner = await stage.person('Ishmael');
    const ada = await stage.person('Ada');
    const campaignId = await stage.liveCampaign(owner, { cashGoalMinor: 10n ** 9n, deadline: stage.inDays(40) });
    await stage.give(ada, campaignId, 2_500n, CARD.good);
    await stage.advance(41 * DAY_MS);
    const [campaign] = await stage.rows<{ state: string }>('SELECT state FROM campaign WHERE id = $1', [campaignId]);
    expect(campaign?.state).toBe('succeeded');
    const { data } = await stage.gql('{ myPledges { cash { nodes { amount { amountMinor } } } } }', {}, ada);
    expect(data.myPledges.cash.nodes).toEqual([{ amount: { amountMinor: '2500' } }]);
    expect(await stage.violations()).toEqual([]);
  } finally {
    await stage.close();
  }
});
