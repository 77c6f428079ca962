/** A sponsor pays into a pool in a real Chromium, and a donor sees what the amount that she types would move. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, overflow, reasonToSkip, signedIn, violations, visit } from './browser.js';
import { type OpenCampaign, mutate, openCampaign, signIn } from './product-api.js';

const mustRun = process.env['CI'] === 'true';

describe.skipIf(reasonToSkip !== undefined && !mustRun)('sponsors of a pool', () => {
  let browser: Browser;
  let campaign: OpenCampaign;
  let manager: string;
  let poolId: string;

  beforeAll(async () => {
    browser = await launch();
    campaign = await openCampaign(`Matched ${Date.now()}`);
    manager = await signIn('Matching Manager');
    const input = { title: `Browser pool ${Date.now()}`, currency: 'USD' };
    poolId = (await mutate<{ pool: { id: string } }>('matchPoolCreate', input, 'pool { id }', manager)).pool.id;
  });
  afterAll(() => browser?.close());

  const path = () => `/matching/pools/${encodeURIComponent(poolId)}`;
  async function looksWell(page: Page): Promise<void> {
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  }

  it('pay by card and find the receipt, their name and the balance', async () => {
    const { page, complaints, close } = await signedIn(browser, path(), 'Fiona Foundation');
    await looksWell(page);
    await page.getByRole('button', { name: 'Go on to payment' }).click();
    await page.getByText('Give an amount in USD').waitFor();
    await page.getByLabel('Amount in USD').fill('2,500');
    await page.getByRole('button', { name: 'Go on to payment' }).click();
    await page.getByRole('button', { name: '4242 4242 4242 4242' }).click();
    await page.getByRole('button', { name: 'Pay $2,500.00' }).click();
    await page.getByRole('heading', { name: 'Receipt' }).waitFor({ timeout: 20_000 });
    await looksWell(page);
    const panel = page.locator('aside');
    await panel.getByText('Fiona Foundation').waitFor();
    expect(await panel.getByText('$2,500', { exact: true }).count()).toBeGreaterThan(0);
    expect(complaints).toEqual([]);
    await close();
  });

  it('announce a transfer, see where it goes again, and take it back', async () => {
    const { page, complaints, close } = await signedIn(browser, path(), 'Theo Trust');
    await page.getByLabel('Amount in USD').fill('1000000');
    await page.getByText('Bank transfer', { exact: true }).click();
    await page.getByRole('button', { name: 'Show where to send it' }).click();
    await page.getByText('Send $1,000,000.00 from your bank').waitFor({ timeout: 20_000 });
    const account = await page.locator('dl.facts code').first().innerText();
    await looksWell(page);
    await page.getByRole('link', { name: 'Done' }).click();
    await page.getByText('Where to send $1,000,000.00').click();
    expect(await page.locator('details code').first().innerText()).toBe(account);
    await looksWell(page);
    await page.getByRole('button', { name: 'I won’t send it' }).click();
    await page.getByText('The transfer is not waited for any more').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('show a donor what the typed amount moves, with scripts and without', async () => {
    const day = 86_400_000;
    const { round } = await mutate<{ round: { id: string } }>(
      'matchRoundCreate',
      {
        poolId,
        title: `Browser round ${Date.now()}`,
        summary: 'Matches what many give.',
        poolMinor: '200000',
        terms: { rule: { kind: 'linear', ratio: '2' } },
        opensAt: new Date(Date.now() - day).toISOString(),
        closesAt: new Date(Date.now() + 3 * day).toISOString(),
        reviewSeconds: '0',
        campaigns: [{ campaignId: campaign.id }],
      },
      'round { id }',
      manager,
    );
    await mutate('matchRoundOpen', { roundId: round.id }, 'round { id }', manager, 'MatchRoundStepInput');
    const pledge = `/campaigns/${campaign.slug}/pledge`;
    const { page, complaints, close } = await signedIn(browser, pledge, 'Dora Donor');
    const live = page.locator('.match-live');
    await live.getByText('Your $25.00 moves $50.00').waitFor();
    await page.getByText('Other', { exact: true }).click();
    await page.getByLabel('Amount in dollars').fill('12.34');
    await live.getByText('Your $12.34 moves $24.68').waitFor();
    await looksWell(page);
    expect(complaints).toEqual([]);
    await close();

    const plain = await visit(browser, pledge, { javaScriptEnabled: false });
    await plain.page.getByLabel('What another amount moves (USD)').fill('7.50');
    await plain.page.getByRole('button', { name: 'See' }).click();
    await plain.page.getByText('Your $7.50 moves $15.00').waitFor();
    await plain.close();
  });
});
