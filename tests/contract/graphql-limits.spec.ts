import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type ApiStage, send, startApiStage } from './api.stage.js';

let api: ApiStage;
beforeAll(async () => {
  api = await startApiStage();
});
afterAll(() => api.close());

const MODERN = { accept: 'application/graphql-response+json' };
const repeat = (n: number, make: (i: number) => string) => Array.from({ length: n }, (_, i) => make(i)).join(' ');

/** Refused as the client's fault, typed, with nothing of our insides in it, and quickly. */
function expectRefusal(answer: Answer, code: string | RegExp, status = 400): void {
  expect(answer.status, answer.text.slice(0, 300)).toBe(status);
  expect(answer.body.data).toBeUndefined();
  expect(answer.body.errors.length).toBeGreaterThan(0);
  expect(answer.body.errors.length).toBeLessThanOrEqual(10);
  expect(answer.body.errors[0].extensions.code).toMatch(code);
  expect(answer.body.errors[0].message.length).toBeGreaterThan(10);
  expect(answer.text).not.toMatch(/stack|node_modules|\.js:\d+|at [\w.]+ \(/);
  expect(answer.text.length).toBeLessThan(20_000);
}

const nested = (depth: number) =>
  'projects { organisation { id } '.repeat(0) + '{ a '.repeat(depth) + '}'.repeat(depth);
const introspection = (depth: number) =>
  `{ __schema { types { ${'fields { type { '.repeat(depth)} name ${'} }'.repeat(depth)} } } }`;
const doubling = (levels: number) =>
  `query { ...F0 } ${repeat(levels, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)} fragment F${levels} on Query { signInMethods { developer } }`;

describe('limits of a GraphQL document', () => {
  const documents: [name: string, query: string, code: string | RegExp][] = [
    ['15 levels', `query ${nested(16)}`, 'TOO_DEEP'],
    ['a thousand levels', `query ${nested(900)}`, 'TOO_DEEP'],
    [
      '61 aliases',
      `{ ${repeat(21, (i) => `m${i}: signInMethods { d${i}: developer e${i}: developer }`)} }`,
      'TOO_MANY_ALIASES',
    ],
    ['31 root fields', `{ ${repeat(31, (i) => `m${i}: __typename`)} }`, 'TOO_MANY_ROOT_FIELDS'],
    [
      '31 root fields in a fragment',
      `{ ...F } fragment F on Query { ${repeat(31, (i) => `m${i}: __typename`)} }`,
      'TOO_MANY_ROOT_FIELDS',
    ],
    ['1,001 fields', `{ signInMethods { ${repeat(1_001, () => 'developer')} } }`, 'TOO_MANY_FIELDS'],
    [
      '1,001 fields in a fragment nobody spreads',
      `{ __typename } fragment F on SignInMethods { ${repeat(1_001, () => 'developer')} }`,
      'TOO_MANY_FIELDS',
    ],
    [
      'a million objects',
      '{ nodes(first: 100) { nodes { id } } runs(first: 100) { nodes { leases(first: 100) { nodes { id node { id } } checkpoints: __typename } checkpoints(first: 100) { nodes { id run { leases(first: 100) { nodes { id } } } } } } } }',
      'TOO_MANY_NODES',
    ],
    ['a huge first', '{ nodes(first: 2147483647) { nodes { id } } }', 'TOO_MANY_NODES'],
    ['doubled fragments', doubling(20), /TOO_MANY/],
    [
      'a circle of fragments',
      '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['a fragment in itself', '{ ...A } fragment A on Query { ...A }', 'GRAPHQL_VALIDATION_FAILED'],
    ['endless introspection', introspection(20), /GRAPHQL_VALIDATION_FAILED|TOO_/],
    ['4,001 tokens', `{ ${repeat(4_000, () => '__typename')} }`, 'GRAPHQL_PARSE_FAILED'],
    ['200 kB of brackets', `{ a(x: ${'['.repeat(100_000)}${']'.repeat(100_000)}) }`, /PARSE_FAILED|TOO_DEEP/],
    ['an unknown directive 900 times', `{ __typename ${repeat(900, (i) => `@x${i}`)} }`, 'GRAPHQL_VALIDATION_FAILED'],
  ];

  it.each(documents)('refuses %s', async (_name, query, code) => {
    const started = performance.now();
    expectRefusal(await api.ask(query, {}, MODERN), code);
    expect(performance.now() - started).toBeLessThan(1_500);
  });

  it('refuses the same over GET, and by 200 to a client of old', async () => {
    const url = `${api.url}/graphql?query=${encodeURIComponent(doubling(20))}`;
    expectRefusal(await send(url, undefined, { ...MODERN, 'apollo-require-preflight': '1' }, 'GET'), /TOO_MANY/);
    expectRefusal(await api.ask(doubling(20)), /TOO_MANY/, 200);
  });

  it('answers what is just within', async () => {
    const query = `{ ${repeat(30, (i) => `m${i}: signInMethods { d: developer }`)} }`;
    expect((await api.ask(query)).body.errors).toBeUndefined();
    expect((await api.ask(introspection(1))).body.errors).toBeUndefined();
  });
});

describe('requests that are no GraphQL', () => {
  const post = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
    send(`${api.url}/graphql`, body, { ...MODERN, ...headers });

  it('a body of 10 MB: 413', async () => {
    const body = JSON.stringify({ query: '{ __typename }', variables: { x: 'x'.repeat(10_000_000) } });
    expectRefusal(await post(body), 'PAYLOAD_TOO_LARGE', 413);
  });

  it('a query of 10 MB: 413, and the mutation in it is not run', async () => {
    const mutation = 'mutation M { developerSignIn(input: { name: "Much Too Much" }) { userErrors { code } } }';
    expect((await api.ask(mutation.replace('Much Too Much', 'Just Right'))).body.errors).toBeUndefined();
    const body = JSON.stringify({ query: `${mutation} ${'#'.repeat(10_000_000)}` });
    expectRefusal(await post(body), 'PAYLOAD_TOO_LARGE', 413);
    const people = await api.db.dataSource.query(
      "SELECT display_name FROM contributor WHERE display_name IN ('Much Too Much', 'Just Right')",
    );
    expect(people).toEqual([{ display_name: 'Just Right' }]);
  });

  it('an array: operations are not batched', async () => {
    expectRefusal(
      await post(JSON.stringify([{ query: '{ __typename }' }, { query: '{ __typename }' }])),
      'BAD_REQUEST',
    );
  });

  it.each([
    '',
    '{',
    'null',
    '"x"',
    '7',
    '{}',
    '{"query":7}',
    '{"query":""}',
    '{"query":"{ __typename }","variables":[]}',
    '\xff\xfe',
  ])('the body %j', async (body) => expectRefusal(await post(body), /BAD_REQUEST|GRAPHQL_/));

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/json; charset=utf-16',
  ])('the content type %s: 415', async (type) => {
    expectRefusal(await post('{"query":"{ __typename }"}', { 'content-type': type }), 'UNSUPPORTED_MEDIA_TYPE', 415);
  });

  it.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS'])('the method %s: 405', async (method) => {
    const answer = await send(`${api.url}/graphql`, method === 'OPTIONS' ? undefined : '{}', MODERN, method);
    expectRefusal(answer, 'METHOD_NOT_ALLOWED', 405);
    expect(answer.headers.get('allow')).toBe('GET, POST');
  });

  it('a mutation by GET: 405', async () => {
    const url = `${api.url}/graphql?query=${encodeURIComponent('mutation { signOut { userErrors { code } } }')}`;
    expectRefusal(await send(url, undefined, { ...MODERN, 'apollo-require-preflight': '1' }, 'GET'), /./, 405);
  });

  it('a GET that a foreign page could send: 400', async () => {
    const url = `${api.url}/graphql?query=${encodeURIComponent('{ __typename }')}`;
    const answer = await fetch(url, { headers: { accept: '*/*', 'content-type': 'text/plain' } });
    expect(answer.status).toBe(400);
  });

  it.each(['deflate-raw', 'nonsense'])('the encoding %s: 415', async (encoding) => {
    expectRefusal(await post('{}', { 'content-encoding': encoding }), 'UNSUPPORTED_MEDIA_TYPE', 415);
  });
});

describe('the server outlives', () => {
  const raw = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const { port } = new URL(api.url);
      let answer = '';
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(text));
      socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
      socket.on('close', () => resolve(answer));
      socket.on('error', () => resolve(answer));
      setTimeout(() => socket.destroy(), 1_000).unref();
    });
  const upgrade = (path: string) =>
    raw(
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );

  it.each(['//', 'http://[', '/nowhere', '/%', '/graphqlx'])('an upgrade of %s', async (path) => {
    expect(await upgrade(path)).toMatch(/^(HTTP\/1.1 4\d\d|$)/);
    expect((await fetch(`${api.url}/health/live`)).status).toBe(200);
  });

  it.each(['/%', '/assets/%', '/assets/..%2f..%2fpackage.json', '/%00', '/graphql/%', '/agent/v1/%ff'])(
    'the path %s',
    async (path) => {
      const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1.1 4\d\d/);
      expect(answer).not.toMatch(/node_modules|commonweights"/);
    },
  );

  it('a malformed request line', async () => {
    expect(await raw('\x16\x03\x01 nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400/);
  });
});
