// Pictures of pages and an accessibility check: `node apps/dashboard/dev/shots.mjs OUT BASE PATH...`
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const [out, base, ...paths] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
  ],
});
const widths = (process.env.WIDTHS ?? '1280,390').split(',').map(Number);
const themes = (process.env.THEMES ?? 'light,dark').split(',');
for (const path of paths) {
  for (const width of widths) {
    for (const theme of themes) {
      const context = await browser.newContext({
        viewport: { width, height: width > 600 ? 900 : 844 },
        deviceScaleFactor: 1,
        colorScheme: theme,
        bypassCSP: true,
      });
      if (process.env.COOKIE) await context.addCookies([{ name: 'cw_session', value: process.env.COOKIE, url: base }]);
      const page = await context.newPage();
      page.on(
        'console',
        (m) => ['error', 'warning'].includes(m.type()) && console.log(`  console ${path}: ${m.text()}`),
      );
      page.on('pageerror', (e) => console.log(`  pageerror ${path}: ${e.message}`));
      await page.goto(base + path, { waitUntil: 'load' });
      await page.waitForTimeout(Number(process.env.WAIT ?? 400));
      const name = `${(path.replace(/[^a-z0-9]+/gi, '-').replace(/^-|-$/g, '') || 'home').slice(0, 40)}-${width}-${theme}.png`;
      await page.screenshot({ path: `${out}/${name}`, fullPage: true });
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      await page.evaluate(axe);
      const result = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
      for (const v of result.violations)
        console.log(
          `  axe ${path} ${width} ${theme}: ${v.id} (${v.nodes.length}) ${v.nodes
            .slice(0, 2)
            .map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? n.all[0]?.message ?? ''))
            .join(' | ')}`,
        );
      console.log(`${name} overflow=${overflow} violations=${result.violations.length}`);
      await context.close();
    }
  }
}
await browser.close();
