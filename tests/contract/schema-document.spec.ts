import { buildSchema, printSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildApiSchema } from '../../apps/api/src/schema.js';
import { type ApiStage, startApiStage } from './api.stage.js';

let api: ApiStage;
beforeAll(async () => {
  api = await startApiStage();
});
afterAll(() => api.close());

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';
/** Without it fetch says `no-cache` beside a condition, which asks for the whole answer. */
const ASK = { 'cache-control': 'max-age=0' };
const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${api.url}${path}`, { headers, redirect: 'manual' });

describe('a browser at /graphql', () => {
  it('is sent to the schema, which it can read', async () => {
    const sent = await get('/graphql', { accept: BROWSER });
    expect([sent.status, sent.headers.get('location')]).toEqual([303, '/schema.graphql']);
    const text = await (await get('/schema.graphql', { accept: BROWSER })).text();
    expect(text.trim()).toBe(printSchema(await buildApiSchema()).trim());
    expect(buildSchema(text).getQueryType()?.getFields()).toHaveProperty('campaigns');
  });

  it('is only who takes HTML first and asks nothing', async () => {
    for (const accept of [
      '*/*',
      'application/json',
      'application/graphql-response+json, */*;q=0.1',
      'application/json, text/html;q=0.5',
    ]) {
      expect((await get('/graphql', { accept })).status, accept).toBe(400);
    }
    const query = `/graphql?${new URLSearchParams({ query: '{ __typename }' }).toString()}`;
    expect((await get(query, { accept: BROWSER })).status).toBe(400);
    const asked = await get(query, { accept: BROWSER, 'apollo-require-preflight': '1' });
    expect([asked.status, await asked.text()]).not.toContain(303);
  });
});

describe('the schema document', () => {
  it('is plain text that a client need not fetch again', async () => {
    const first = await get('/schema.graphql');
    expect([first.status, first.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
    const etag = first.headers.get('etag') ?? '';
    expect(etag).toMatch(/^"[\w-]{43}"$/);
    expect((await get('/schema.graphql', { 'if-none-match': etag, ...ASK })).status).toBe(304);
    expect((await get('/schema.graphql', { 'if-none-match': '"other"', ...ASK })).status).toBe(200);
    expect((await fetch(`${api.url}/schema.graphql`, { method: 'HEAD' })).headers.get('etag')).toBe(etag);
  });
});
