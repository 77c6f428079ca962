/** What donors and treasurers do by hand about money, in a real Chromium. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, overflow, reasonToSkip, signedIn, violations } from './browser.js';
import { type OpenCampaign, ask, mutate, openCampaign, payByCard, signIn } from './product-api.js';

const mustRun = process.env['CI'] === 'true';
const mark = `${Date.now()}`;
/** Webhooks and receipts come some moments after the payment. */
const SOON = { timeout: 20_000, interval: 300 };

describe.skipIf(reasonToSkip !== undefined && !mustRun)('money by hand', () => {
  let browser: Browser;
  let atOnce: OpenCampaign;
  let atClose: OpenCampaign;
  const owner = 'Browser Organiser';

  beforeAll(async () => {
    browser = await launch();
    atOnce = await openCampaign(`Given by hand ${mark}`);
    atClose = await openCampaign(`Saved by hand ${mark}`, { fundingModel: 'ALL_OR_NOTHING' });
  });
  afterAll(() => browser?.close());

  async function looksWell(page: Page): Promise<void> {
    expect(await violations(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  }

  it('shows a donor what was given, and lets go of a saved card with the pledge that waited for it', async () => {
    const donor = await signIn(`Gwen G${mark}`);
    await payByCard(atOnce, '20000000', donor);
    await payByCard(atClose, '2500', donor);
    const { page, complaints, close } = await signedIn(browser, '/account/giving', `Gwen G${mark}`);
    await expect
      .poll(async () => (await page.reload(), page.locator('main').innerText()), SOON)
      .toContain('ending in 4242');
    await looksWell(page);
    expect(await page.locator('main').innerText()).toContain('$200,000.00');
    await page.setViewportSize({ width: 390, height: 844 });
    await looksWell(page);
    await page.locator('summary', { hasText: 'Remove' }).click();
    await looksWell(page);
    await page.getByRole('button', { name: 'Remove it' }).click();
    await page.getByText('It is removed and can’t be charged any more.').waitFor();
    expect(await page.locator('main').innerText()).toContain('Withdrawn');
    const receipt = page.getByRole('link', { name: /^Receipt .* as PDF$/ });
    await expect.poll(async () => (await page.reload(), receipt.count()), SOON).toBe(1);
    const answer = await page.request.get((await receipt.getAttribute('href')) ?? '');
    expect([answer.status(), answer.headers()['content-type']]).toEqual([200, 'application/pdf']);
    expect(complaints).toEqual([]);
    await close();
  });

  it('names a pledge as its donor wants, and stops a monthly one after asking', async () => {
    const name = `Nora N${mark}`;
    const donor = await signIn(name);
    await payByCard(atOnce, '1100', donor);
    const months = { campaignId: atOnce.id, amountMinor: '700', currency: 'USD', idempotencyKey: `plan-${mark}` };
    const endsAt = new Date(Date.now() + 100 * 86_400_000).toISOString();
    await mutate('pledgePlanCreate', { ...months, endsAt }, 'plan { id }', donor);
    const { page, close } = await signedIn(browser, '/account/giving', name);
    await page.locator('summary', { hasText: 'Name shown' }).first().click();
    await page.getByLabel('Name with this pledge').first().fill('N. N.');
    await page.getByRole('button', { name: 'Save the name' }).first().click();
    await page.getByText('The pledge is shown that way').waitFor();
    expect(await page.locator('main').innerText()).toContain('shown as N. N.');
    await page.getByRole('link', { name: 'Save the card' }).click();
    await page.getByRole('button', { name: '4242 4242 4242 4242' }).click();
    await page.getByRole('button', { name: 'Save the card' }).click();
    await page.getByText('is saved for the months to come').waitFor();
    await page.getByRole('link', { name: 'My pledges' }).click();
    await page.locator('summary', { hasText: 'Stop it' }).click();
    await page.getByRole('button', { name: 'Stop the monthly pledge' }).click();
    await page.getByText('The monthly pledge is stopped.').waitFor();
    await close();
  });

  it('erases an account whose name was typed, and no other', async () => {
    const { page, close } = await signedIn(browser, '/account', `Erna E${mark}`);
    await page.locator('summary', { hasText: 'Erase my account' }).click();
    await page.getByLabel(/to confirm/).fill('Somebody Else');
    await page.getByRole('button', { name: 'Erase me for good' }).click();
    await page.getByText('Nothing was erased.').waitFor();
    await looksWell(page);
    await page.getByLabel(/to confirm/).fill(`Erna E${mark}`);
    await page.getByRole('button', { name: 'Erase me for good' }).click();
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    await close();
  });

  it('lets a treasurer answer a dispute, in the queue that names who has it', async () => {
    await payByCard(atOnce, '5000', await signIn(`Dan D${mark}`), '4000 0000 0000 0259');
    const { page, close } = await signedIn(browser, '/organise/disputes', owner);
    const mine = page.getByRole('article', { name: /^Dispute of \$50\.00/ }).last();
    await expect.poll(async () => (await page.reload(), mine.count()), SOON).toBe(1);
    await mine.getByRole('button', { name: /^Take it/ }).click();
    await page.getByText('The bank still waits for an answer.').waitFor();
    await looksWell(page);
    await mine.getByLabel('Why the charge is right').fill('winning_evidence');
    await mine.getByRole('button', { name: 'Send it to the bank' }).click();
    await page.getByText('The bank has your answer.').waitFor();
    await close();
  });

  it('leads a treasurer to the payment service for the payout account, and the box of a campaign follows its state', async () => {
    const funded = await openCampaign(`Paid out by hand ${mark}`, {
      fundingModel: 'TRANCHES',
      cashGoalMinor: '10000',
      computeGoalMilliseconds: null,
      computeClass: null,
      tranches: [
        {
          title: 'All',
          shareBp: 10000,
          budgetKind: 'RESERVE',
          evidence: { kind: 'MILESTONE_REPORT', description: 'What was done.' },
        },
      ],
    });
    const watcher = await signedIn(browser, `/campaigns/${funded.slug}`, `Wanda W${mark}`);
    await watcher.page.locator('aside.call .state', { hasText: 'Live' }).waitFor();
    await payByCard(funded, '10000', await signIn(`Gwen G${mark}`));
    await watcher.page.locator('aside.call .state', { hasText: 'Succeeded' }).waitFor({ timeout: 20_000 });
    await watcher.page.getByRole('link', { name: 'Where the money stands' }).waitFor();
    await watcher.close();

    const { page, complaints, close } = await signedIn(browser, `/campaigns/${funded.slug}/money`, owner);
    await page.getByLabel('Country of the bank account').fill('US');
    await page.getByRole('button', { name: 'Connect an account' }).click();
    const on = page.getByRole('link', { name: 'Go on at the payment service' });
    await on.waitFor();
    await looksWell(page);
    expect(complaints).toEqual([]);
    await on.click();
    await page.getByRole('button', { name: 'Complete onboarding' }).click();
    await page.waitForURL(`**/campaigns/${funded.slug}/money`);
    const { campaignBySlug } = await ask<{
      campaignBySlug: { disbursement: { payoutAccount: { country: string } | null } };
    }>('query ($slug: String!) { campaignBySlug(slug: $slug) { disbursement { payoutAccount { country } } } }', {
      slug: funded.slug,
    });
    expect(campaignBySlug.disbursement.payoutAccount).toEqual({ country: 'US' });
    await close();
  });
});
