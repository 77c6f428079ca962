import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { build, type Rollup } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '#kernel';
import { render } from '../../libs/reports/src/render/renderings.js';
import { key, sign } from './sample-report.js';

const ROOT = join(import.meta.dirname, '../..');
const CHROMIUM = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));
const signed = sign();

/** The verifier as the dashboard would bundle it: one file for a page, nothing of Node in it. */
async function bundle(): Promise<string> {
  const output = (await build({
    root: ROOT,
    configFile: false,
    logLevel: 'silent',
    resolve: { conditions: ['source'] },
    build: {
      write: false,
      minify: true,
      lib: { entry: join(ROOT, 'libs/reports/src/browser.ts'), formats: ['es'], fileName: 'verify' },
    },
  })) as unknown as Rollup.RollupOutput[];
  const [made] = output;
  if (!made) throw new Error('Nothing was bundled.');
  return made.output[0].code;
}

describe.skipIf(CHROMIUM === undefined)('a report in a browser (skipped where no Chromium is found)', () => {
  let browser: Browser;
  let server: Server;
  let origin: string;
  let verifier: string;

  beforeAll(async () => {
    verifier = await bundle();
    const page = Buffer.from(await render(signed, 'html'));
    server = createServer((req, res) => {
      if (req.url === '/verify.js') res.setHeader('Content-Type', 'text/javascript').end(verifier);
      else res.setHeader('Content-Type', 'text/html').end(page);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: CHROMIUM as string, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 360],
    ['dark', 360],
  ] as const)('has no accessibility violation, %s, %i pixels wide', async (colorScheme, width) => {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } });
    const page = await context.newPage();
    await page.goto(origin);
    await page.addScriptTag({ content: readFileSync(join(ROOT, 'node_modules/axe-core/axe.min.js'), 'utf8') });
    const violations = await page.evaluate(async () => {
      const axe = (
        globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
        }
      ).axe;
      return (await axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0]?.html.slice(0, 120)}`);
    });
    expect(violations).toEqual([]);
    // The page itself never scrolls sideways; wide tables do so inside their own frame.
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
    await context.close();
  });

  it('verifies inside the page, without a server, and refuses a changed figure', async () => {
    expect(verifier).not.toMatch(/from\s*["']node:/);
    const page = await browser.newPage();
    await page.goto(origin);
    // As text, because a function would be compiled for Node first.
    const verify = (json: string, vkey?: string): Promise<unknown> =>
      page.evaluate(`import('/verify.js').then(async ({ verifyReport }) => {
        const { ok, checks } = await verifyReport(${JSON.stringify(json)}, ${JSON.stringify(vkey)});
        return { ok, failed: checks.filter((check) => !check.ok).map((check) => check.name) };
      })`);
    expect(await verify(canonicalJson(signed), key.verifierKeyText)).toEqual({ ok: true, failed: [] });
    expect(await verify(canonicalJson(signed).replaceAll('"13000"', '"13001"'))).toEqual({
      ok: false,
      failed: ['signature', 'figures'],
    });
    await page.close();
  });
});
