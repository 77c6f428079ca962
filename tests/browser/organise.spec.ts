/** What organisers, reviewers and maintainers do by hand, in a real Chromium: from a project to training, refusals shown. */
import { randomBytes } from 'node:crypto';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, overflow, reasonToSkip, signedIn, violations, visit } from './browser.js';
import { ask, mutate, signIn } from './product-api.js';

const mustRun = process.env['CI'] === 'true';
const widths = [
  { width: 390, height: 844, colorScheme: 'light' },
  { width: 390, height: 844, colorScheme: 'dark' },
  { width: 1280, height: 900, colorScheme: 'dark' },
  { width: 1280, height: 900, colorScheme: 'light' },
] as const;

/** Looks at the page as it stands in every size and theme. */
async function looksWell(page: Page): Promise<void> {
  for (const { width, height, colorScheme } of widths) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    const look = `${page.url()} at ${width} px, ${colorScheme}`;
    expect(await overflow(page), look).toBeLessThanOrEqual(0);
    expect(await violations(page), look).toEqual([]);
  }
}
const main = (page: Page) => page.locator('main').innerText();
const press = (page: Page, name: string | RegExp) =>
  Promise.all([page.waitForEvent('load'), page.getByRole('button', { name }).click()]);

describe.skipIf(reasonToSkip !== undefined && !mustRun)('keeping a campaign', () => {
  const mark = randomBytes(4).toString('hex');
  const title = `Written by hand ${mark}`;
  let browser: Browser;
  let slug = '';

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  it('goes from a project over a dataset and a recipe to a draft in review', async () => {
    const { page, complaints, close } = await signedIn(browser, '/account', `Olga Organiser`);
    await page.getByRole('link', { name: 'Organise', exact: true }).click();
    await page.getByLabel('Name of the project').fill(`Hand works ${mark}`);
    await press(page, 'Make the project');
    expect(await main(page)).toContain('You are its owner.');
    await looksWell(page);

    await page.getByRole('link', { name: 'Register a dataset' }).click();
    await page.getByLabel('Name', { exact: true }).fill('Three sentences');
    await page.getByLabel('Licence').fill('CC0-1.0');
    await page.getByLabel('Source').fill('https://example.org/three-sentences.txt');
    await page.getByLabel('SHA-256').fill('no digest');
    await page.getByLabel('Size in bytes').fill('about 180');
    await press(page, 'Register it');
    expect(await page.locator('#field-bytes-error').innerText()).toContain('This is no size.');
    expect(await page.getByLabel('Licence').inputValue()).toBe('CC0-1.0');
    await page.getByLabel('Size in bytes').fill('180');
    await press(page, 'Register it');
    expect(await page.locator('#field-sha256-error').innerText()).toContain('This is not a SHA-256 digest.');
    expect(await page.getByLabel('SHA-256').getAttribute('aria-invalid')).toBe('true');
    await looksWell(page);
    await page.getByLabel('SHA-256').fill(randomBytes(32).toString('hex'));
    await press(page, 'Register it');

    expect(new URL(page.url()).pathname).toBe('/organise/recipes/new');
    expect(await page.getByLabel('Parameters').inputValue()).toBe('69824');
    await page.getByLabel('Name of the recipe').fill(`By hand ${mark}`);
    await page.getByLabel('Steps', { exact: true }).fill('600');
    await press(page, 'Work both out from the settings');
    expect(await page.getByLabel('Tokens to train on').inputValue()).toBe('921600');
    expect(await page.getByLabel('Name of the recipe').inputValue()).toBe(`By hand ${mark}`);
    await looksWell(page);
    await press(page, 'Register it');

    expect(new URL(page.url()).pathname).toBe('/organise/campaigns/new');
    expect(await main(page)).toContain('How it is worked out');
    const goal = () => page.getByLabel('CPU-hours', { exact: true }).inputValue();
    const hours = await goal();
    await page.getByLabel('Reserve in percent').fill('100');
    await expect.poll(goal, { timeout: 10_000 }).not.toBe(hours);
    await page.getByLabel('Reserve in percent').fill('');
    await expect.poll(goal, { timeout: 10_000 }).toBe(hours);
    await page.getByLabel('Title').fill('No');
    await page.getByLabel('Summary').fill('Kept while the title is refused.');
    await page.getByLabel('Deadline, UTC').fill('2020-01-01T12:00');
    await press(page, 'Save as a draft');
    expect(await page.getByRole('alert').innerText()).toContain('2 fields below');
    expect(await page.locator('#field-title-error').innerText()).not.toBe('');
    expect(await page.locator('#field-deadline-error').innerText()).not.toBe('');
    expect(await page.getByLabel('Summary').inputValue()).toBe('Kept while the title is refused.');
    await looksWell(page);
    await page.getByLabel('Title').fill(title);
    await page.getByLabel('Money, at least').fill('12.50');
    await page.getByLabel('Deadline, UTC').fill(new Date(Date.now() + 9 * 86_400_000).toISOString().slice(0, 16));
    await press(page, 'Save as a draft');

    expect(await main(page)).toContain('Only your project sees it.');
    slug = new URL(page.url()).pathname.split('/')[2] ?? '';
    await page.getByLabel('Summary').fill('Changed as a draft.');
    await press(page, 'Save the draft');
    expect(await page.getByLabel('Summary').inputValue()).toBe('Changed as a draft.');
    await looksWell(page);
    await press(page, 'Submit for review');
    expect(await main(page)).toContain('Handed to review.');
    expect(complaints.filter((text) => !text.includes('422'))).toEqual([]);
    await close();
  });

  it('is seen in review by its project and operators only, sent back with a reason, then put live', async () => {
    const stranger = await signedIn(browser, '/review', 'Nosy Neighbour');
    expect(await main(stranger.page)).not.toContain(title);
    await stranger.close();

    const { page, close } = await signedIn(browser, '/review', 'Otto Operator', 'OPERATOR');
    const article = page.getByRole('article', { name: title });
    await article.getByRole('button', { name: 'Refuse' }).click();
    await page.getByText('Got 0 characters.').waitFor();
    await looksWell(page);
    await page.getByRole('article', { name: title }).getByLabel('What has to change?').fill('Say who will use it.');
    await page.getByRole('article', { name: title }).getByRole('button', { name: 'Refuse' }).click();
    await page.getByText('Refused with your reason.').waitFor();

    const organiser = await signedIn(browser, `/campaigns/${slug}/manage`, 'Olga Organiser');
    expect(await main(organiser.page)).toContain('Say who will use it.');
    await press(organiser.page, 'Make it a draft again');
    await press(organiser.page, 'Submit for review');
    await organiser.close();

    await page.goto('/review');
    await page.getByRole('article', { name: title }).getByRole('button', { name: 'Put it live' }).click();
    await page.getByText('is live and takes pledges').waitFor();
    await close();
  });

  it('takes an offer of GPU time on by its maintainer, without JavaScript', async () => {
    const donor = await signIn('Dora Donor');
    const { campaignBySlug: campaign } = await ask<{ campaignBySlug: { id: string } }>(
      'query ($slug: String!) { campaignBySlug(slug: $slug) { id } }',
      { slug },
    );
    for (const region of ['here', 'there'])
      await mutate(
        'pledgeComputeCreate',
        {
          campaignId: campaign.id,
          class: 'cpu',
          count: 1,
          milliseconds: '60000',
          region,
          idempotencyKey: `${mark}-${region}`,
        },
        'pledge { id }',
        donor,
      );
    const signed = await signedIn(browser, `/campaigns/${slug}`, 'Olga Organiser');
    expect(await main(signed.page)).toContain('2 offers wait');
    await looksWell(signed.page);
    const cookies = await signed.page.context().cookies();
    await signed.close();
    const { page, close } = await visit(browser, '/', { javaScriptEnabled: false });
    await page.context().addCookies(cookies);
    await page.goto(`/campaigns/${slug}/manage`);
    await page
      .getByRole('button', { name: /^Accept/ })
      .first()
      .click();
    await page.getByText('The offer is accepted.').waitFor();
    await page.getByRole('button', { name: /^Decline/ }).click();
    await page.getByText('The offer is declined.').waitFor();
    const after = await ask<{ campaignBySlug: { computePledges: { nodes: { state: string }[] } } }>(
      'query ($slug: String!) { campaignBySlug(slug: $slug) { computePledges(first: 5) { nodes { state } } } }',
      { slug },
    );
    expect(after.campaignBySlug.computePledges.nodes.map(({ state }) => state).sort()).toEqual(['ACCEPTED', 'LAPSED']);
    await close();
  });

  it('is suspended and resumed by an operator, and given up by its owner, each with a reason', async () => {
    const operator = await signedIn(browser, `/campaigns/${slug}/manage`, 'Otto Operator', 'OPERATOR');
    await operator.page.getByLabel('Why is it suspended?').fill('A question about its data.');
    await press(operator.page, 'Suspend');
    expect(await main(operator.page)).toContain('A question about its data.');
    await press(operator.page, 'Resume');
    expect(await main(operator.page)).toContain('The campaign goes on.');
    await operator.close();
    const { page, close } = await signedIn(browser, `/campaigns/${slug}/manage`, 'Olga Organiser');
    await looksWell(page);
    await press(page, 'Cancel the campaign');
    expect(await page.locator('.field-error').innerText()).toContain('Got 0 characters.');
    await page.getByLabel('Why is it given up?').fill('The test is over.');
    await press(page, 'Cancel the campaign');
    expect(await main(page)).toContain('Cancelled. Everything captured is being refunded.');
    await close();
  });

  it('shows nothing of it to a person without a role', async () => {
    const { page, close } = await signedIn(browser, `/campaigns/${slug}/manage`, 'Nosy Neighbour');
    expect(await main(page)).toContain('This page is for its keepers');
    expect(await page.locator('main form').count()).toBe(0);
    await close();
  });
});
