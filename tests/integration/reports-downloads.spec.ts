import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ReportCommands } from '#reports';
import { registerVerifyCommands } from '../../apps/cli/src/verify/verify.command.js';
import { CAMPAIGN, mainRunEvents } from './main-run.js';
import { app, closeStage, emit, get, home, openStage, PLACE, work } from './reports.stage.js';

beforeAll(async () => {
  await openStage();
  await emit(mainRunEvents());
  await work();
  // A refund after the run's end makes a second version.
  await emit([
    ['pledge.cash.refunded', { pledgeId: 'pl5', campaignId: CAMPAIGN, amountMinor: '5000', currency: 'USD' }],
  ]);
  await work();
  expect(await app.get(ReportCommands).publish({ definition: 'run-transparency', campaignId: CAMPAIGN })).toMatchObject(
    { version: 2 },
  );
  await work();
});
afterAll(closeStage);

describe('downloads', () => {
  it.each(['html', 'json', 'csv', 'pdf'])('%s has a strong tag, its digest, links and a name', async (format) => {
    const response = await get(`${PLACE}/v/1.${format}`);
    const body = Buffer.from(await response.arrayBuffer());
    expect(response.status).toBe(200);
    const digest = Buffer.from(await crypto.subtle.digest('SHA-256', body));
    expect(response.headers.get('etag')).toBe(`"${digest.toString('hex')}"`);
    expect(response.headers.get('repr-digest')).toBe(`sha-256=:${digest.toString('base64')}:`);
    expect(response.headers.get('content-length')).toBe(String(body.length));
    expect(response.headers.get('cache-control')).toContain('immutable');
    expect(response.headers.get('content-disposition')).toContain(`filename="whale-run-transparency.v1.${format}"`);
    expect(response.headers.get('link')).toContain(`</reports/whale-run-transparency/v/1.${format}>; rel="canonical"`);
    const again = await get(`${PLACE}/v/1.${format}`, { 'If-None-Match': `W/"x", ${response.headers.get('etag')}` });
    expect([again.status, (await again.arrayBuffer()).byteLength, again.headers.get('etag')]).toEqual([
      304,
      0,
      response.headers.get('etag'),
    ]);
  });

  it('negotiates, and says so', async () => {
    const typeOf = async (accept: string) => {
      const response = await get(PLACE, { Accept: accept });
      return [response.status, response.headers.get('content-type')?.split(';')[0], response.headers.get('vary')];
    };
    expect(await typeOf('application/json')).toEqual([200, 'application/json', 'Accept']);
    expect(await typeOf('text/html,application/xhtml+xml,*/*;q=0.8')).toEqual([200, 'text/html', 'Accept']);
    expect(await typeOf('application/pdf')).toEqual([200, 'application/pdf', 'Accept']);
    expect(await typeOf('text/csv;q=0.9, application/pdf;q=0.1')).toEqual([200, 'text/csv', 'Accept']);
    expect(await typeOf('image/png')).toEqual([406, 'application/problem+json', 'Accept']);
    expect((await get(`${PLACE}/latest.json`)).headers.get('content-location')).toBe(`${PLACE}/v/2.json`);
    expect((await get(`${PLACE}.json`)).headers.get('cache-control')).not.toContain('immutable');
  });

  it('serves parts, heads and nothing outside', async () => {
    const whole = Buffer.from(await (await get(`${PLACE}/v/1.json`)).arrayBuffer());
    const part = await get(`${PLACE}/v/1.json`, { Range: 'bytes=10-19' });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([
      206,
      `bytes 10-19/${whole.length}`,
      whole.subarray(10, 20).toString(),
    ]);
    expect(await (await get(`${PLACE}/v/1.json`, { Range: 'bytes=-5' })).text()).toBe(whole.subarray(-5).toString());
    expect((await get(`${PLACE}/v/1.json`, { Range: `bytes=${whole.length}-` })).status).toBe(416);
    expect((await get(`${PLACE}/v/1.json`, { Range: 'bytes=0-1', 'If-Range': '"other"' })).status).toBe(200);
    const head = await get(`${PLACE}/v/1.json`, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([
      200,
      String(whole.length),
      '',
    ]);
  });

  it.each([
    '/reports/nothing',
    '/reports/nothing.json',
    `${PLACE}/v/3.json`,
    `${PLACE}/v/0`,
    `${PLACE}/v/1e0`,
    `${PLACE}/v/-1`,
    `${PLACE}/newest`,
    `${PLACE}/v/1.exe`,
    '/reports/..%2f..%2fetc%2fpasswd',
    '/reports/%00.json',
  ])('answers %s with a typed 404', async (path) => {
    const response = await get(path);
    expect([response.status, response.headers.get('content-type'), await response.json()]).toMatchObject([
      404,
      'application/problem+json; charset=utf-8',
      { code: 'REPORT_NOT_FOUND' },
    ]);
  });
});

describe('the log over HTTP', () => {
  it('serves checkpoint, key, tiles, proofs and leaves, and refuses the rest', async () => {
    const size = Number((await (await get('/log/checkpoint')).text()).split('\n')[1]);
    expect(await (await get('/log/key')).text()).toMatch(/^localhost:4000\/log\+[0-9a-f]{8}\+/);
    const tile = await get(`/log/tile/0/000.p/${size}`);
    expect([tile.status, (await tile.arrayBuffer()).byteLength, tile.headers.get('cache-control')]).toEqual([
      200,
      size * 32,
      'public, max-age=31536000, immutable',
    ]);
    expect((await get(`/log/tile/entries/000.p/${size}`)).status).toBe(200);
    expect((await get('/log/tile/0/000')).status).toBe(404);
    expect((await get('/log/tile/0/0')).status).toBe(400);
    expect(await (await get('/log/proof/inclusion?index=0&format=tlog-proof')).text()).toMatch(
      /^c2sp\.org\/tlog-proof@v1\nindex 0\n/,
    );
    expect(await (await get('/log/proof/consistency?from=1')).json()).toMatchObject({ from: 1, to: size });
    for (const bad of [
      '/log/proof/inclusion?index=999',
      '/log/proof/inclusion?index=-1',
      '/log/proof/consistency?from=0',
      '/log/leaves?count=1001',
      '/log/leaves?start=x',
    ])
      expect((await get(bad)).status, bad).toBe(400);
    expect(((await (await get('/log/leaves?start=2&count=3')).json()) as { leaves: unknown[] }).leaves).toHaveLength(3);
  });
});

describe('commonweights verify', () => {
  async function verify(...args: string[]): Promise<{ code: number; output: string }> {
    let output = '';
    const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => (output += String(text)) !== '');
    const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => (output += String(text)) !== '');
    const before = process.exitCode;
    try {
      const program = new Command('commonweights');
      registerVerifyCommands(program);
      await program.parseAsync(['node', 'commonweights', 'verify', ...args]);
      return { code: Number(process.exitCode), output };
    } finally {
      process.exitCode = before;
      out.mockRestore();
      err.mockRestore();
    }
  }

  it('accepts every form as it was downloaded, and none with a byte changed', async () => {
    const key = join(home, 'downloaded.key');
    await writeFile(key, await (await get('/log/key')).text());
    for (const format of ['json', 'html', 'pdf', 'csv']) {
      const file = join(home, `whale.${format}`);
      await writeFile(file, Buffer.from(await (await get(`${PLACE}/v/2.${format}`)).arrayBuffer()));
      const good = await verify(file, '--key', key);
      expect(good.output).toContain('Verified.');
      expect(good.code).toBe(0);
      const data = await readFile(file);
      const at = data.indexOf('5500') >= 0 ? data.indexOf('5500') : Math.floor(data.length / 2);
      data[at] = data[at] === 0x36 ? 0x37 : 0x36;
      const changed = join(home, `changed.${format}`);
      await writeFile(changed, data);
      const bad = await verify(changed, '--key', key, '--report', join(home, 'whale.json'));
      expect([format, bad.code]).toEqual([format, 1]);
    }
  });

  it('proves completeness with the saved leaves of the log', async () => {
    const saved = join(home, 'leaves.json');
    await writeFile(saved, await (await get('/log/leaves?count=1000')).text());
    expect((await verify(join(home, 'whale.json'), '--leaves', saved)).output).toContain('ok    completeness');
    const part = join(home, 'part.json');
    await writeFile(part, await (await get('/log/leaves?start=5&count=1000')).text());
    expect((await verify(join(home, 'whale.json'), '--leaves', part)).code).toBe(2);
    expect((await verify(join(home, 'whale.json'), '--leaves', join(home, 'whale.html'))).code).toBe(2);
  });

  it('compares with a checkpoint from elsewhere, and says what it can not read', async () => {
    const checkpoint = join(home, 'checkpoint');
    await writeFile(checkpoint, await (await get('/log/checkpoint')).text());
    expect((await verify(join(home, 'whale.json'), '--checkpoint', checkpoint)).output).toContain('known checkpoint');
    expect((await verify(join(home, 'absent.json'))).code).toBe(2);
    await writeFile(join(home, 'lonely.csv'), await readFile(join(home, 'whale.csv')));
    expect(await verify(join(home, 'lonely.csv'))).toMatchObject({
      code: 2,
      output: expect.stringContaining('--report'),
    });
    await writeFile(join(home, 'other.txt'), 'hello');
    expect((await verify(join(home, 'other.txt'))).code).toBe(2);
  });
});
