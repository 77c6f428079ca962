/** The ways to pledge, in a real Chromium: a card saved for the close, bank transfers, debits, and the messages after. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, overflow, reasonToSkip, signedIn, violations } from './browser.js';
import { ask, type OpenCampaign, openCampaign } from './product-api.js';

const mustRun = process.env['CI'] === 'true';

describe.skipIf(reasonToSkip !== undefined && !mustRun)('ways to pledge', () => {
  let browser: Browser;
  let atOnce: OpenCampaign;
  let atClose: OpenCampaign;

  beforeAll(async () => {
    browser = await launch();
    atOnce = await openCampaign(`Paid at once ${Date.now()}`);
    atClose = await openCampaign(`Charged at its close ${Date.now()}`, { fundingModel: 'ALL_OR_NOTHING' });
  });
  afterAll(() => browser?.close());

  const begin = (campaign: OpenCampaign, name: string) => signedIn(browser, `/campaigns/${campaign.slug}/pledge`, name);
  const goOn = (page: Page) => page.getByRole('button', { name: 'Go on to payment' }).click();
  async function looksWell(page: Page): Promise<void> {
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  }

  it('saves a card for the close of an all-or-nothing campaign and charges nothing', async () => {
    const { page, complaints, close } = await begin(atClose, 'Sara Saver');
    await goOn(page);
    await page.getByRole('button', { name: '4242 4242 4242 4242' }).click();
    await looksWell(page);
    await page.getByRole('button', { name: 'Save the card' }).click();
    await page.getByText('Thank you. $25.00 is pledged.').waitFor({ timeout: 20_000 });
    await looksWell(page);
    await page.goto('/account/giving');
    await page.getByRole('link', { name: 'Change the card' }).waitFor();
    const { campaign } = await ask<{ campaign: { progress: Record<string, { amountMinor: string }> } }>(
      'query ($id: ID!) { campaign(id: $id) { progress { cashPledged { amountMinor } cashCaptured { amountMinor } } } }',
      { id: atClose.id },
    );
    expect(campaign.progress).toEqual({ cashPledged: { amountMinor: '2500' }, cashCaptured: { amountMinor: '0' } });
    await page.locator('summary', { hasText: 'Withdraw it' }).click();
    await looksWell(page);
    await page.getByRole('button', { name: 'Withdraw the pledge' }).click();
    await page.getByText('The pledge is withdrawn.').waitFor();
    expect(complaints).toEqual([]);
    await close();
  });

  it('names an account of the donor’s own for a bank transfer, and again from the account page', async () => {
    const { page, close } = await begin(atOnce, 'Theo Transfer');
    await page.getByText('Bank transfer', { exact: true }).click();
    await goOn(page);
    await page.getByText('Send $25.00 from your bank').waitFor({ timeout: 20_000 });
    const account = await page.locator('dl.facts code').first().innerText();
    expect(account.length).toBeGreaterThan(3);
    await looksWell(page);
    await page.goto('/account/giving');
    await page.getByRole('link', { name: 'Where to send it' }).click();
    await page.getByText('Send $25.00 from your bank').waitFor({ timeout: 20_000 });
    expect(await page.locator('dl.facts code').first().innerText()).toBe(account);
    await close();
  });

  it('debits a US account once the code of the small deposit is given, and tells the donor in the inbox', async () => {
    const { page, close } = await begin(atOnce, 'Ada Account');
    await page.getByText('US bank debit', { exact: true }).click();
    await goOn(page);
    await page.getByRole('button', { name: 'Pay $25.00' }).click();
    await page.getByText('Give the name of the account’s holder.').waitFor();
    await page.getByRole('button', { name: '000123456789' }).click();
    await looksWell(page);
    await page.getByRole('button', { name: 'Pay $25.00' }).click();
    const link = page.getByRole('link', { name: 'Give the code' });
    await link.waitFor({ timeout: 20_000 });
    await looksWell(page);
    await page.goto((await link.getAttribute('href')) ?? '');
    await page.getByLabel('Code').fill('SM11AA');
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('The bank account is verified.').waitFor();
    await expect
      .poll(
        async () => {
          await page.goto(`${process.env['DASHBOARD_URL']}/account/inbox`);
          return page.locator('main').innerText();
        },
        { timeout: 60_000, interval: 1000 },
      )
      .toContain(atOnce.title);
    await looksWell(page);
    await close();
  });
});
