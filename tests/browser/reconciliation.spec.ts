/** The page of reconciliation in a real Chromium: what everybody sees, and what operators do there. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { launch, overflow, reasonToSkip, signedIn, violations, visit } from './browser.js';
import { ask, signIn } from './product-api.js';

const mustRun = process.env['CI'] === 'true';
const looks = [
  { width: 1280, height: 900 },
  { width: 390, height: 844 },
] as const;

describe.skipIf(reasonToSkip !== undefined && !mustRun)('reconciliation', () => {
  let browser: Browser;
  const mark = `Interest ${Date.now()}`;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());

  /** Compares by command, so that nothing waits for the clock; answers the case of the line that was brought. */
  const openCase = async (token: string): Promise<string> => {
    const root = join(import.meta.dirname, '../..');
    const cli = [join(root, 'dist/apps/cli/src/main.js'), 'reconcile'];
    const { PATH = '', HOME = '' } = process.env;
    const env = { PATH, HOME, COMMONWEIGHTS_HOME: inject('product').home };
    spawnSync(join(root, 'node_modules/.bin/node'), cli, { env });
    const found = await ask<{
      bankLines: { nodes: { id: string; texts: string[] }[] };
      reconciliationCases: { nodes: { id: string; subject: string }[] };
    }>(
      '{ bankLines(first: 100, matched: false) { nodes { id texts } } reconciliationCases(first: 100) { nodes { id subject } } }',
      {},
      token,
    );
    const line = found.bankLines.nodes.find(({ texts }) => texts.includes(mark));
    const plain = Buffer.from(line?.id ?? '', 'base64url')
      .toString()
      .split(':')[1];
    const open = found.reconciliationCases.nodes.find(({ subject }) => subject === `bank_line:${plain}`);
    if (!open) throw new Error('the line is no case');
    return open.id;
  };

  it('tells everybody whether all sides agree, and shows strangers no figures', async () => {
    const { page, complaints, close } = await visit(browser, '/reconciliation');
    expect(await page.locator('h1').textContent()).toBe('Reconciliation');
    expect(await page.locator('#status-head').textContent()).toMatch(/agree|open|Not compared|Nothing is open/);
    expect(await page.getByText('What each side says').count()).toBe(0);
    expect(await page.locator('#import').count()).toBe(0);
    expect(complaints).toEqual([]);
    await page.goto('/reconciliation/lines');
    expect(page.url()).toContain('/sign-in');
    await close();
  });

  it('refuses a formula in a name where it stands, takes the file when somebody has looked, and corrects by two', async () => {
    const { page, complaints, close } = await signedIn(browser, '/reconciliation', 'Rita Reconciler', 'OPERATOR');
    await page.getByText('How the CSV is written').click();
    const file = `Day;Amount;Name;Text\n2026-11-24;7.00;"=HYPERLINK(""http://x"")";${mark}\n`;
    await page
      .locator('#statement-file')
      .setInputFiles({ name: 'bank.csv', mimeType: 'text/csv', buffer: Buffer.from(file) });
    await page.getByText('bank.csv is in the field below.').waitFor();
    const fill = async () => {
      await page.locator('#csv-account').fill('US42');
      await page.locator('#csv-currency').fill('USD');
      await page.locator('#csv-dayForm').selectOption('YEAR_MONTH_DAY');
      await page.locator('#csv-decimalSign').selectOption('POINT');
      await page.locator('#csv-bookedOn').fill('Day');
      await page.locator('#csv-amount').fill('Amount');
      await page.locator('#csv-counterparty').fill('Name');
      await page.locator('#csv-texts').fill('Text');
    };
    await fill();
    await page.getByRole('button', { name: 'Take the statement' }).click();
    await page.locator('#statement-text-error').waitFor();
    expect(await page.locator('#statement-text-error').textContent()).toContain('a formula to a spreadsheet');
    expect(await page.locator('#statement-text').inputValue()).toContain(mark);
    await page.getByLabel('I have looked at it').check();
    await page.getByRole('button', { name: 'Take the statement' }).click();
    await page.getByText('1 statement taken').waitFor();

    const id = await openCase(await signIn('Rita Reconciler', 'OPERATOR'));
    await page.goto(`/reconciliation/cases/${encodeURIComponent(id)}`);
    await page.getByRole('button', { name: /Take it in hand/ }).click();
    await page.getByText('You have it in hand.').waitFor();
    for (const viewport of looks) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await overflow(page)).toBeLessThanOrEqual(0);
        expect(await violations(page)).toEqual([]);
      }
    }
    await page.locator('#correction-counter').selectOption('other_income:USD');
    await page.locator('#correction-reason').fill('Interest of November');
    await page.getByRole('button', { name: 'Propose' }).click();
    await page.getByText('Another operator has to post it.').first().waitFor();
    expect(await page.getByRole('button', { name: /Post it/ }).count()).toBe(0);
    expect(complaints.filter((each) => !each.includes('422'))).toEqual([]);
    await close();

    const path = `/reconciliation/cases/${encodeURIComponent(id)}`;
    const other = await signedIn(browser, path, 'Sven Second', 'OPERATOR');
    await other.page.getByRole('button', { name: /Post it/ }).click();
    await other.page.getByText('The correction is in the books').waitFor();
    expect(await other.page.locator('h1 + .actions .state').textContent()).toBe('Corrected');
    await other.page.goto('/reconciliation');
    expect(await violations(other.page)).toEqual([]);
    expect(await other.page.locator('#sides-head').count()).toBe(1);
    await other.page.goto('/reconciliation/lines?show=matched');
    expect(await other.page.getByText(mark).count()).toBe(1);
    expect(await violations(other.page)).toEqual([]);
    await other.close();
  });
});
