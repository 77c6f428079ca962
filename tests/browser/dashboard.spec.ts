/** The dashboard in a real Chromium, on the product as it runs: every page, at two widths, in two themes. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, layoutShift, overflow, reasonToSkip, violations, visit } from './browser.js';
import { ask, type OpenCampaign, openCampaign } from './product-api.js';

const mustRun = process.env['CI'] === 'true';
if (reasonToSkip && !mustRun) process.stdout.write(`  - dashboard tests skipped: ${reasonToSkip}\n`);

/** What a public page may load, of JavaScript as brotli sends it. */
const SCRIPT_LIMIT = 15_000;

const looks = [
  { width: 1280, height: 900, colorScheme: 'light' },
  { width: 1280, height: 900, colorScheme: 'dark' },
  { width: 390, height: 844, colorScheme: 'light' },
  { width: 390, height: 844, colorScheme: 'dark' },
] as const;

describe.skipIf(reasonToSkip !== undefined && !mustRun)('pages of the dashboard', () => {
  let browser: Browser;
  let campaign: OpenCampaign;
  const paths = new Map<string, string>();

  beforeAll(async () => {
    browser = await launch();
    campaign = await openCampaign(`Looked at in a browser ${Date.now()}`);
    const found = await ask<{
      runs: { nodes: { id: string }[] };
      reports: { nodes: { id: string }[] };
      ledgerAccounts: { nodes: { code: string }[] };
      nodes: { nodes: { id: string }[] };
    }>(
      '{ runs(first: 1) { nodes { id } } reports(first: 1) { nodes { id } } ledgerAccounts(first: 1) { nodes { code } } nodes(first: 1) { nodes { id } } }',
    );
    const set = (name: string, path: string | undefined | false) => path && paths.set(name, path);
    set('campaigns', '/');
    set('campaign', `/campaigns/${campaign.slug}`);
    set('runs', '/runs');
    set('run', found.runs.nodes[0] && `/runs/${encodeURIComponent(found.runs.nodes[0].id)}`);
    set('ledger', '/ledger');
    set(
      'account',
      found.ledgerAccounts.nodes[0] && `/ledger/${encodeURIComponent(found.ledgerAccounts.nodes[0].code)}`,
    );
    set('machines', '/nodes');
    set('machine', found.nodes.nodes[0] && `/nodes/${encodeURIComponent(found.nodes.nodes[0].id)}`);
    set('reports', '/reports');
    set('report', found.reports.nodes[0] && `/reports-view/${encodeURIComponent(found.reports.nodes[0].id)}`);
    set('pledge', `/campaigns/${campaign.slug}/pledge`);
    set('terms', `/campaigns/${campaign.slug}/terms`);
    set('updates', `/campaigns/${campaign.slug}/updates`);
    set('money', `/campaigns/${campaign.slug}/money`);
    set('matching', '/matching');
    set('sign-in', '/sign-in');
    set('status', '/status');
  });
  afterAll(() => browser?.close());

  it.each([
    'campaigns',
    'campaign',
    'runs',
    'run',
    'machines',
    'machine',
    'ledger',
    'account',
    'reports',
    'report',
    'pledge',
    'terms',
    'updates',
    'money',
    'matching',
    'sign-in',
    'status',
  ])('shows %s accessibly, without complaint, overflow or shift, in few bytes', async (name) => {
    const path = paths.get(name);
    expect(path, `the product has no ${name} to look at`).toBeDefined();
    for (const { width, height, colorScheme } of looks) {
      const look = `${name} at ${width} px, ${colorScheme}`;
      const { page, complaints, scripts, close } = await visit(browser, path ?? '/', {
        viewport: { width, height },
        colorScheme,
      });
      await page.waitForTimeout(400);
      expect(await page.locator('h1').count(), look).toBe(1);
      expect(await overflow(page), look).toBeLessThanOrEqual(0);
      expect(await layoutShift(page), look).toBeLessThan(0.02);
      expect(await violations(page), look).toEqual([]);
      expect(complaints, look).toEqual([]);
      const bytes = [...scripts.values()].reduce((sum, size) => sum + size, 0);
      expect(bytes, `${look} loads ${[...scripts.keys()].join(', ')}`).toBeLessThanOrEqual(SCRIPT_LIMIT);
      await close();
    }
  });

  it('answers an unknown address, campaign, run, report and account with a page that helps on', async () => {
    for (const path of ['/nope', '/campaigns/nope', '/runs/nope', '/reports-view/nope', '/ledger/no:such:account']) {
      const { page, close } = await visit(browser, '/');
      const response = await page.goto(path);
      expect(response?.status(), path).toBe(404);
      expect(await page.locator('h1').textContent(), path).toContain('There is no such');
      await close();
    }
  });

  it('shows the same without JavaScript', async () => {
    for (const name of ['campaigns', 'campaign', 'run', 'ledger', 'report']) {
      const path = paths.get(name);
      if (!path) continue;
      const { page, close } = await visit(browser, path, { javaScriptEnabled: false });
      expect((await page.locator('main').innerText()).length, name).toBeGreaterThan(120);
      await close();
    }
  });

  it('carries its stylesheet in the first page of a visit and links to it from then on', async () => {
    const { page, complaints, close } = await visit(browser, '/');
    expect(await page.locator('style').count()).toBe(1);
    expect(await page.locator('link[rel=stylesheet]').count()).toBe(0);
    const first = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    await page.getByRole('link', { name: 'Reports' }).first().click();
    await page.waitForURL('**/reports');
    expect(await page.locator('style').count()).toBe(0);
    expect(await page.locator('link[rel=stylesheet]').count()).toBe(1);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe(first);
    expect(complaints).toEqual([]);
    await close();
  });

  it('keeps the theme that the visitor chose', async () => {
    const { page, close } = await visit(browser, '/', { colorScheme: 'light' });
    const theme = () => page.locator('html').getAttribute('data-theme');
    expect(await theme()).toBe('system');
    await page.locator('#theme-form button').click();
    await page.locator('#theme-form button').click();
    expect(await theme()).toBe('dark');
    await page.goto('/ledger');
    expect(await theme()).toBe('dark');
    await close();
  });

  it('reaches the content by keyboard past the menu', async () => {
    const { page, close } = await visit(browser, '/');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toContain('Skip to the content');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/#main');
    expect(await page.evaluate("document.querySelector(':target')?.id")).toBe('main');
    await close();
  });
});
