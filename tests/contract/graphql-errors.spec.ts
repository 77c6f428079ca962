import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '#platform';
import { newId } from '#kernel';
import { type ApiStage, startApiStage } from './api.stage.js';

let api: ApiStage;
let ada: string;
beforeAll(async () => {
  api = await startApiStage();
  ada = await api.signIn('Ada');
});
afterAll(() => api.close());

const TOKEN = `mutation ($input: ApiTokenCreateInput!) {
  apiTokenCreate(input: $input) { token apiToken { id scopes expiresAt } userErrors { code path message hint } } }`;
const PROJECT = `mutation ($input: ProjectCreateInput!) { projectCreate(input: $input) { project { id name } userErrors { code path } } }`;

const tokenWith = async (scopes: string[]): Promise<string> => {
  const { body } = await api.ask(TOKEN, { input: { name: 'test', scopes } }, { authorization: ada });
  return `Bearer ${body.data.apiTokenCreate.token}`;
};

describe('access', () => {
  it('refuses anonymous callers by UNAUTHENTICATED: 200 to clients of old, 401 to modern ones', async () => {
    const old = await api.ask(PROJECT, { input: { name: 'x' } });
    expect([old.status, old.body.errors[0].extensions.code]).toEqual([200, 'UNAUTHENTICATED']);
    const modern = await api.ask(PROJECT, { input: { name: 'x' } }, { accept: 'application/graphql-response+json' });
    expect([modern.status, modern.body.errors[0].extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('refuses a token without the scope by MISSING_SCOPE, names it, and changes nothing', async () => {
    const authorization = await tokenWith(['pledge:write', 'profile:write']);
    const before = await api.db.dataSource.query('SELECT count(*) n FROM project');
    const answer = await api.ask(
      PROJECT,
      { input: { name: 'x' } },
      { authorization, accept: 'application/graphql-response+json' },
    );
    expect(answer.status).toBe(403);
    expect(answer.body.errors[0]).toMatchObject({
      message: expect.stringContaining('project:write'),
      extensions: { code: 'MISSING_SCOPE' },
    });
    expect(await api.db.dataSource.query('SELECT count(*) n FROM project')).toEqual(before);
    const allowed = await api.ask(
      PROJECT,
      { input: { name: 'x' } },
      { authorization: await tokenWith(['project:write']) },
    );
    expect(allowed.body.data.projectCreate.project.name).toBe('x');
  });

  it('answers 200 with the data that may be seen beside the error for the rest', async () => {
    const query = '{ signInMethods { developer } myPledges(first: 1) { nodes { __typename } } }';
    const answer = await api.ask(query, {}, { accept: 'application/graphql-response+json' });
    if (answer.body.data) {
      expect(answer.status).toBe(200);
    } else {
      expect([401, 400]).toContain(answer.status);
    }
  });

  it('takes the session from the cookie that signing in set, and forgets it at sign-out', async () => {
    const query = 'mutation ($i: DeveloperSignInInput!) { developerSignIn(input: $i) { token } }';
    const signedIn = await api.ask(query, { i: { name: 'Cookie' } });
    const [cookie = ''] = signedIn.headers.getSetCookie();
    expect(cookie).toMatch(/^cw_session=cws_[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Expires=/);
    const jar = { cookie: cookie.split(';')[0] ?? '' };
    const who = '{ viewer { contributor { displayName } scopes } }';
    expect((await api.ask(who, {}, jar)).body.data.viewer).toEqual({
      contributor: { displayName: 'Cookie' },
      scopes: ['all'],
    });
    const out = await api.ask('mutation { signOut { userErrors { code } } }', {}, jar);
    expect(out.headers.getSetCookie()[0]).toMatch(/^cw_session=;.*1970/);
    expect((await api.ask(who, {}, jar)).body.data.viewer).toBeNull();
  });
});

describe('bad input gets a typed error', () => {
  const coercion = async (input: object, kind = 'ApiTokenCreateInput', query = TOKEN) => {
    const { body } = await api.ask(query.replace('ApiTokenCreateInput', kind), { input }, { authorization: ada });
    return body.errors?.[0];
  };

  it.each([
    '',
    'tomorrow',
    '2026-02-30T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-11-24',
    '2026-11-24T12:00:00',
    1,
    true,
    {},
    [],
    '0000-01-01T00:00:00Z',
  ])('DateTime %j', async (expiresAt) => {
    const error = await coercion({ name: 'x', scopes: ['run:write'], expiresAt });
    expect(error?.extensions.code).toBe('BAD_USER_INPUT');
    expect(error?.message).toMatch(/DateTime takes a moment/);
  });

  const budget = `query ($input: ComputeBudgetInput!) { computeBudget(input: $input) { flop } }`;
  it.each(['', '1.5', '-', '1e9', '0x10', ' 1', String(10n ** 30n), '9'.repeat(200), 7, 1.5, null, true, {}, ['1']])(
    'BigInt %j',
    async (parameters) => {
      const { body } = await api.ask(budget, { input: { parameters, tokens: '1', gpuClass: 'cpu' } });
      expect(body.errors[0].extensions.code).toBe('BAD_USER_INPUT');
      expect(body.errors[0].message.length).toBeLessThan(400);
    },
  );

  it('a long value is not sent back whole', async () => {
    const { body } = await api.ask(budget, { input: { parameters: '9'.repeat(5000), tokens: '1', gpuClass: 'cpu' } });
    expect(body.errors[0].message).toMatch(/BigInt takes a whole number/);
    expect(body.errors[0].message.length).toBeLessThan(400);
  });

  it('a BigInt literal that is not text', async () => {
    const { body } = await api.ask(
      '{ computeBudget(input: { parameters: 5, tokens: "1", gpuClass: "cpu" }) { flop } }',
    );
    expect(body.errors[0]).toMatchObject({
      message: expect.stringMatching(/BigInt takes a whole number/),
      extensions: { code: expect.stringMatching(/BAD_USER_INPUT|GRAPHQL_VALIDATION_FAILED/) },
    });
  });

  it.each([
    '',
    'x',
    'AAAA',
    toGlobalId('Project', newId()),
    toGlobalId('Contributor', newId()),
    'a'.repeat(5000),
    '\0',
  ])('the unknown id %j is null in node(id:)', async (id) => {
    const { body } = await api.ask('query ($id: ID!) { node(id: $id) { id } }', { id });
    expect(body).toEqual({ data: { node: null } });
  });

  it('an id of another type is ID_INVALID, with its path', async () => {
    const query = `mutation ($input: ApiTokenRevokeInput!) { apiTokenRevoke(input: $input) { apiTokenId userErrors { code path hint } } }`;
    const { body } = await api.ask(
      query,
      { input: { apiTokenId: toGlobalId('Project', newId()) } },
      { authorization: ada },
    );
    expect(body.data.apiTokenRevoke).toEqual({
      apiTokenId: null,
      userErrors: [{ code: 'ID_INVALID', path: ['input', 'apiTokenId'], hint: expect.stringContaining('ApiToken') }],
    });
  });
});

describe('bugs are masked', () => {
  it('an error of the database goes out as one sentence and an id', async () => {
    await api.db.dataSource.query('ALTER TABLE project RENAME TO project_secret_name');
    try {
      for (let i = 0; i < 3; i += 1) {
        const answer = await api.ask(`query { node(id: "${toGlobalId('Project', newId())}") { id } }`);
        expect(answer.text).not.toMatch(/project_secret|relation|SELECT|stack|node_modules/);
        expect(answer.body.errors).toEqual([
          {
            message: expect.stringMatching(/^Something went wrong on our side\. .* id [0-9a-f-]{36}\.$/),
            path: ['node'],
            extensions: { code: 'INTERNAL_SERVER_ERROR', errorId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
          },
        ]);
      }
    } finally {
      await api.db.dataSource.query('ALTER TABLE project_secret_name RENAME TO project');
    }
  });
});

describe('introspection', () => {
  it('works for everybody, twice over', async () => {
    const { getIntrospectionQuery } = await import('graphql');
    for (let i = 0; i < 3; i += 1) {
      const { status, body } = await api.ask(getIntrospectionQuery());
      expect(status).toBe(200);
      expect(body.errors).toBeUndefined();
      expect(body.data.__schema.types.length).toBeGreaterThan(30);
    }
  });
});

describe('invariants', () => {
  it('are shown to everybody, each with its verdict, and hold on an empty platform', async () => {
    const query = '{ invariants { name invariant description ok figures { name value } checkedAt } }';
    const { body } = await api.ask(query);
    expect(body.errors).toBeUndefined();
    expect(body.data.invariants.length).toBeGreaterThan(10);
    expect(body.data.invariants.filter((status: { ok: boolean }) => !status.ok)).toEqual([]);
    expect((await api.ask(query)).body).toEqual(body);
  });
});
