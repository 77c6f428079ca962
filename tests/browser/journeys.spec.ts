/** What people come to do, in a real Chromium: pledge by card and in compute, watch it live, check a report. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, reasonToSkip, signedIn as signIn, violations, visit } from './browser.js';
import { ask, type OpenCampaign, openCampaign } from './product-api.js';

const mustRun = process.env['CI'] === 'true';

describe.skipIf(reasonToSkip !== undefined && !mustRun)('journeys through the dashboard', () => {
  let browser: Browser;
  let campaign: OpenCampaign;

  beforeAll(async () => {
    browser = await launch();
    campaign = await openCampaign(`Pledged to in a browser ${Date.now()}`);
  });
  afterAll(() => browser?.close());

  const signedIn = (path: string, name = 'Bea Browser') => signIn(browser, path, name);
  const pledgePath = () => `/campaigns/${campaign.slug}/pledge`;

  async function payWith(page: Page, cardNumber: string): Promise<void> {
    await page.getByRole('button', { name: 'Go on to payment' }).click();
    await page.getByRole('button', { name: cardNumber }).click();
    await page.getByRole('button', { name: /^Pay \$/ }).click();
  }

  it('takes a pledge by card from sign-in to the books', async () => {
    const { page, complaints, close } = await signedIn(pledgePath());
    await page.getByText('Other', { exact: true }).click();
    await page.getByLabel('Amount in dollars').fill('12.345');
    await page.getByRole('button', { name: 'Go on to payment' }).click();
    expect(await page.getByRole('alert').innerText()).toContain('Give an amount in dollars');
    await page.getByLabel('Amount in dollars').fill('12.34');
    await payWith(page, '4242 4242 4242 4242');
    await page.getByText('Thank you. $12.34').waitFor({ timeout: 20_000 });
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.goto(`/campaigns/${campaign.slug}`);
    expect(await page.locator('main').innerText()).toContain('Bea Browser');
    await page.goto('/account/giving');
    expect(await page.locator('main').innerText()).toContain('$12.34');
    await close();
  });

  it('says why a card was declined and takes another on the same pledge', async () => {
    const { page, close } = await signedIn(pledgePath());
    await payWith(page, '4000 0000 0000 9995');
    await page.getByText('not enough funds', { exact: false }).first().waitFor({ timeout: 20_000 });
    expect(await page.getByRole('alert').innerText()).toContain('The card has not enough funds');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: '4242 4242 4242 4242' }).click();
    await page.getByRole('button', { name: /^Pay \$/ }).click();
    await page.getByText('Thank you. $25.00').waitFor({ timeout: 20_000 });
    await close();
  });

  it('goes to the bank for 3-D Secure and comes back', async () => {
    const { page, close } = await signedIn(pledgePath());
    await payWith(page, '4000 0027 6000 3184');
    await page.waitForURL('**/3ds/**', { timeout: 20_000 });
    await page.getByRole('button', { name: 'Complete' }).click();
    await page.waitForURL(`**${pledgePath()}?**`);
    await page.getByText('Thank you. $25.00').waitFor({ timeout: 20_000 });
    await close();
  });

  it('says so when the bank was not convinced', async () => {
    const { page, close } = await signedIn(pledgePath());
    await payWith(page, '4000 0027 6000 3184');
    await page.waitForURL('**/3ds/**', { timeout: 20_000 });
    await page.getByRole('button', { name: 'Fail' }).click();
    await page.getByText('Nothing was charged of the $25.00').waitFor({ timeout: 20_000 });
    await close();
  });

  it('takes an offer of GPU time without JavaScript and gives the command that joins a machine', async () => {
    const visited = await signedIn(`${pledgePath()}?with=compute`, 'Dan Donor');
    const cookies = await visited.page.context().cookies();
    await visited.close();
    const { page, close } = await visit(browser, '/', { javaScriptEnabled: false });
    await page.context().addCookies(cookies);
    await page.goto(`${pledgePath()}?with=compute`);
    await page.getByLabel('Hours of each').fill('-3');
    await page.getByRole('button', { name: 'Offer it' }).click();
    expect(await page.getByRole('alert').innerText()).toContain('Give the hours');
    await page.getByLabel('Hours of each').fill('2.5');
    await page.getByText('At weekends').click();
    await page.getByRole('button', { name: 'Offer it' }).click();
    expect(await page.locator('main').innerText()).toContain('150 CPU-min of cpu offered');
    expect(await page.locator('#join-command').innerText()).toMatch(/agent.* --token \S{20,}/);
    const { campaign: after } = await ask<{ campaign: { computePledges: { nodes: { availability: string }[] } } }>(
      'query ($id: ID!) { campaign(id: $id) { computePledges(first: 5) { nodes { availability } } } }',
      { id: campaign.id },
    );
    expect(after.computePledges.nodes[0]?.availability).toBe('FREQ=WEEKLY;BYDAY=SA,SU');
    await close();
  });

  it('shows a pledge on an open campaign page without a reload', async () => {
    const watcher = await visit(browser, `/campaigns/${campaign.slug}`);
    await watcher.page.getByText('Live', { exact: true }).first().waitFor({ timeout: 20_000 });
    const giver = await signedIn(pledgePath(), 'Lara Live');
    await payWith(giver.page, '4242 4242 4242 4242');
    await giver.page.getByText('Thank you').waitFor({ timeout: 20_000 });
    await watcher.page.getByText('Lara Live').first().waitFor({ timeout: 20_000 });
    await watcher.close();
    await giver.close();
  });

  it('asks again every few seconds where no WebSocket can be had, and says so', async () => {
    const watcher = await visit(browser, '/');
    await watcher.page.routeWebSocket('**/graphql', (socket) => void socket.close());
    await watcher.page.goto(`/campaigns/${campaign.slug}`);
    await watcher.page.getByText('Updated every few seconds').waitFor({ timeout: 20_000 });
    const giver = await signedIn(pledgePath(), 'Paul Poll');
    await payWith(giver.page, '4242 4242 4242 4242');
    await giver.page.getByText('Thank you').waitFor({ timeout: 20_000 });
    await watcher.page.getByText('Paul Poll').first().waitFor({ timeout: 20_000 });
    await watcher.close();
    await giver.close();
  });

  it('shows a token once and a join command once', async () => {
    const { page, close } = await signedIn('/account', 'Tess Token');
    await page.getByLabel('What is it for?').fill('browser test');
    await page.getByLabel(/Make and take back pledges/).check();
    await page.getByRole('button', { name: 'Make a token' }).click();
    const token = await page.locator('#new-secret').innerText();
    expect(token.length).toBeGreaterThan(20);
    await page.goto('/account');
    expect(await page.locator('body').innerText()).not.toContain(token);
    expect(await page.locator('body').innerText()).toContain('browser test');
    await page.getByRole('button', { name: 'Revoke' }).first().click();
    await page.getByText('The token is revoked.').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('link', { name: 'Sign in' }).waitFor();
    await close();
  });

  it('lets an owner of the project give a pledge back, and the pledge says so', async () => {
    const { page, close } = await signedIn(`/campaigns/${campaign.slug}/manage`, 'Browser Organiser');
    const pledge = page.getByLabel('Pledge', { exact: true });
    const option = await pledge.locator('option', { hasText: 'Lara Live' }).first().getAttribute('value');
    await pledge.selectOption(option);
    await page.getByLabel('Reason').fill('Given twice by mistake.');
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Refund it' }).click();
    await page.getByText('The refund is on its way.').waitFor();
    await expect.poll(() => pledge.locator('option', { hasText: 'Lara Live' }).count(), { timeout: 10_000 }).toBe(0);
    await close();
  });

  it('refuses a form that another site sends', async () => {
    const { page, close } = await signedIn('/account', 'Tess Token');
    const status = await page.evaluate(
      `fetch('/sign-out', { method: 'POST', redirect: 'manual' }).then((r) => r.type === 'opaqueredirect' ? 303 : r.status)`,
    );
    expect(status).toBe(303);
    const foreign = await fetch(`${process.env['DASHBOARD_URL']}/sign-out`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'cross-site', origin: 'https://elsewhere.example' },
      redirect: 'manual',
    });
    expect(foreign.status).toBe(403);
    await close();
  });

  it('checks a report in the browser, and catches one that was changed on the way', async () => {
    const { reports } = await ask<{ reports: { nodes: { id: string }[] } }>('{ reports(first: 1) { nodes { id } } }');
    const id = reports.nodes[0]?.id;
    expect(id, 'the main job publishes a report').toBeDefined();
    const { page, complaints, close } = await visit(browser, `/reports-view/${encodeURIComponent(id ?? '')}`);
    const check = page.getByRole('button', { name: 'Check it in this browser' });
    await check.click();
    await page.getByText('The report holds. All checks passed.').waitFor({ timeout: 20_000 });
    expect(await violations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await page.route('**/reports/**', async (route) => {
      const response = await route.fetch();
      const text = await response.text();
      await route.fulfill({ response, body: text.replace(/"capturedMinor":"(\d+)"/, '"capturedMinor":"1$1"') });
    });
    await check.click();
    await page.getByText('The report does not hold.').waitFor({ timeout: 20_000 });
    await close();
  });
});
