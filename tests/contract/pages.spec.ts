import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiStage, startApiStage } from './api.stage.js';

const built = existsSync(join(import.meta.dirname, '../../dist/dashboard/server/entry-server.js'));

let api: ApiStage;
beforeAll(async () => {
  api = await startApiStage();
});
afterAll(() => api.close());

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${api.url}${path}`, { headers: { accept: 'text/html', ...headers }, redirect: 'manual' });

describe.skipIf(!built)('pages that the API renders (the dashboard is built)', () => {
  it.each(['/', '/sign-in', '/ledger', '/reports', '/status'])('%s is HTML under a strict policy', async (path) => {
    const page = await get(path);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.headers.get('content-security-policy')).toMatch(
      /default-src 'none'.*script-src 'self' 'nonce-[\w+/=]+'/,
    );
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await page.text()).toMatch(/^<!doctype html>/i);
  });

  it('signs in by a form without scripts, and knows the browser by its cookie after', async () => {
    const answer = await fetch(`${api.url}/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: api.url },
      body: new URLSearchParams({ name: 'Grace of the pages' }),
      redirect: 'manual',
    });
    expect([302, 303]).toContain(answer.status);
    const cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    expect(cookie).toMatch(/^cw_session=cws_/);
    expect(await (await get('/account', { cookie })).text()).toContain('Grace of the pages');
    expect(await (await get('/', { cookie: 'cw_session=cws_forged' })).text()).not.toContain('Grace of the pages');
  });

  it('shows an address with an id or a cursor that the API never gave as 404', async () => {
    const foreign = Buffer.from('Contributor:01a20ded-4567-72f9-abad-d03515ec1d76').toString('base64url');
    for (const path of ['/runs/zzz', `/runs/${foreign}`, '/?after=garbage', '/runs?after=', '/ledger?after=%00']) {
      const page = await get(path);
      expect([page.status, await page.text()], path).toEqual([404, expect.stringContaining('There is no such')]);
    }
  });

  it('shows what is not there as 404, and a failing database as a page without its words', async () => {
    expect((await get('/no/such/page')).status).toBe(404);
    await api.db.dataSource.query('ALTER TABLE campaign RENAME TO campaign_away');
    const broken = await get('/');
    await api.db.dataSource.query('ALTER TABLE campaign_away RENAME TO campaign');
    expect(broken.status).toBeLessThanOrEqual(503);
    expect(await broken.text()).not.toMatch(/relation|campaign_away|node_modules|SELECT /);
    expect((await get('/')).status).toBe(200);
  });
});

describe('addresses that are no pages', () => {
  it.each(['/agent/v1/nothing', '/health/nothing', '/assets/nothing.js'])('%s is a typed JSON error', async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(await answer.json()).toEqual({
      error: expect.objectContaining({ code: expect.stringMatching(/^[A-Z_]+$/) }),
    });
  });
});
