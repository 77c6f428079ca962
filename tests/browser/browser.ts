/** A real Chromium for the tests, and what they all look for on a page. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { brotliCompressSync } from 'node:zlib';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const chromiumPath = process.env['CHROMIUM'] ?? CANDIDATES.find((path) => existsSync(path));
export const dashboardUrl = process.env['DASHBOARD_URL'];

/** Why the tests can't run here; undefined when they can. */
export const reasonToSkip = !dashboardUrl
  ? 'DASHBOARD_URL names no running product'
  : !chromiumPath
    ? 'no Chromium on this machine'
    : undefined;

export function launch(): Promise<Browser> {
  if (!chromiumPath) throw new Error('There is no Chromium; with CI=true there has to be one.');
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
    ],
  });
}

export interface Visit {
  readonly page: Page;
  /** Errors and warnings of the console, and scripts that threw. */
  readonly complaints: string[];
  /** Scripts that the page loaded, by path, with their size as brotli sends them. */
  readonly scripts: Map<string, number>;
  readonly close: () => Promise<void>;
}

/** A fresh context on one page: its console is watched, its scripts are weighed. */
export async function visit(browser: Browser, path: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ baseURL: dashboardUrl ?? '', ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  const scripts = new Map<string, number>();
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('response', (response) => {
    if (response.request().resourceType() !== 'script') return;
    void response.body().then(
      (body) => scripts.set(new URL(response.url()).pathname, brotliCompressSync(body).length),
      () => undefined,
    );
  });
  await page.goto(path, { waitUntil: 'load' });
  return { page, complaints, scripts, close: () => context.close() };
}

/** Signs in by the form and ends where the visitor wanted to go. */
export async function signedIn(browser: Browser, path: string, name: string, role?: 'OPERATOR'): Promise<Visit> {
  const visited = await visit(browser, `/sign-in?return=${encodeURIComponent(path)}`);
  await visited.page.getByLabel('Name').fill(name);
  await visited.page.getByLabel('E-mail').fill(`${name.toLowerCase().replace(' ', '.')}@browser.test.invalid`);
  if (role) await visited.page.getByLabel('Role on the platform').selectOption(role);
  await Promise.all([
    visited.page.waitForURL(`**${path}`),
    visited.page.getByRole('button', { name: 'Sign in' }).click(),
  ]);
  return visited;
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Accessibility violations by axe-core, one line each. */
export async function violations(page: Page): Promise<string[]> {
  // Evaluated by the debugger, so the page's own security policy stays as strict as it is.
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run(options: object): Promise<{ violations: { id: string; help: string; nodes: { target: string[] }[] }[] }>;
      };
    };
    const { violations: found } = await axe.run({ resultTypes: ['violations'] });
    return found.map((v) => `${v.id}: ${v.help} at ${v.nodes.map((node) => node.target.join(' ')).join(', ')}`);
  });
}

/** How far the page is wider than the window, in CSS pixels. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

/** Sum of layout shifts so far that no input caused. */
export const layoutShift = (page: Page): Promise<number> =>
  page.evaluate(`new Promise((resolve) => {
    let sum = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) sum += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
    setTimeout(() => resolve(sum), 300);
  })`);
