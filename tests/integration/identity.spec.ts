import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { INestApplicationContext } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IdentityCommands, IdentityModule, IdentityQueries, requireProjectRole } from '#identity';
import { type Outcome, isRefused, newId } from '#kernel';
import {
  Config,
  ConfigError,
  PlatformModule,
  SCOPES,
  VIEWER_RESOLVER,
  type Viewer,
  type ViewerResolver,
} from '#platform';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';

type SignedIn = Viewer & { kind: 'contributor' };

const settings = (extra: Record<string, string> = {}) => ({
  NODE_ENV: 'test',
  DATABASE_URL: 'postgres://postgres@127.0.0.1/none',
  STRIPE_SECRET_KEY: 'sk_test_unused',
  STRIPE_WEBHOOK_SECRET: 'whsec_unused',
  DEVELOPER_SIGN_IN: '1',
  ...extra,
});

let db: TestDatabase;
let commands: IdentityCommands;
let queries: IdentityQueries;
let viewers: ViewerResolver;
let app: INestApplicationContext;
beforeAll(async () => {
  db = await createTestDatabase();
  const config = new Config(settings({ DATABASE_URL: db.url, LOG_LEVEL: 'silent' }));
  @Module({ imports: [PlatformModule.forRoot({ processName: 'test', entities: [], config }), IdentityModule] })
  class IdentityTestModule {}
  app = await NestFactory.createApplicationContext(IdentityTestModule, { logger: false, abortOnError: false });
  commands = app.get(IdentityCommands, { strict: false });
  queries = app.get(IdentityQueries, { strict: false });
  viewers = app.get(VIEWER_RESOLVER, { strict: false });
});
afterAll(async () => {
  await app.close();
  await db.close();
});

function value<T>(outcome: Outcome<T>): T {
  if (isRefused(outcome)) throw new Error(`refused: ${outcome.first.code}`);
  return outcome;
}

const codeOf = (outcome: unknown): string | undefined => (isRefused(outcome) ? outcome.first.code : undefined);

async function signedIn(name: string): Promise<SignedIn> {
  const { secret } = value(await commands.developerSignIn({ name }));
  return (await viewers.resolve({ authorization: `Bearer ${secret}` })) as SignedIn;
}

/** Every table of identity, to see that a refusal changed nothing. */
const everything = async (): Promise<string> => {
  const tables = ['contributor', 'contributor_platform_role', 'organisation', 'project', 'project_member', 'session'];
  const rows = await Promise.all(
    [...tables, 'api_token', 'event_outbox'].map((t) => db.dataSource.query(`SELECT t::text FROM ${t} t ORDER BY 1`)),
  );
  return JSON.stringify(rows);
};

async function refusesWith(code: string, act: () => Promise<unknown>): Promise<void> {
  const before = await everything();
  const outcome = await act();
  expect(codeOf(outcome)).toBe(code);
  expect(isRefused(outcome) && outcome.first.hint, 'says what would be right').toBeTruthy();
  expect(await everything(), 'changed nothing').toBe(before);
}

describe('developer sign-in', () => {
  it('finds the same person by e-mail, whatever the case of its letters', async () => {
    const first = value(await commands.developerSignIn({ name: 'Ada', email: 'Ada@Example.org' }));
    const again = value(await commands.developerSignIn({ name: 'Ada L.', email: 'ada@example.ORG' }));
    expect(again.contributorId).toBe(first.contributorId);
    expect(again.secret).not.toBe(first.secret);
    expect((await queries.contributor(first.contributorId))?.displayName).toBe('Ada');
  });

  it('makes one person of twenty sign-ins at once', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => commands.developerSignIn({ name: 'Crowd' })));
    expect(new Set(all.map((outcome) => value(outcome).contributorId)).size).toBe(1);
  });

  it("can't be switched on in production: the settings are refused by the variable's name", () => {
    expect(() => new Config(settings({ NODE_ENV: 'production' }))).toThrow(ConfigError);
    expect(() => new Config(settings({ NODE_ENV: 'production' }))).toThrow(/DEVELOPER_SIGN_IN/);
    // A machine that says nothing about its kind is taken for production.
    const { NODE_ENV: _, ...silent } = settings();
    expect(() => new Config(silent)).toThrow(/DEVELOPER_SIGN_IN/);
    expect(new Config(settings({ NODE_ENV: 'production', DEVELOPER_SIGN_IN: '0' })).developerSignIn).toBe(false);
    expect(new Config(settings({ NODE_ENV: 'production', DEVELOPER_SIGN_IN: '' })).developerSignIn).toBe(false);
  });

  it('refuses DEVELOPER_SIGN_IN_OFF where it is off', async () => {
    const off = new IdentityCommands(db.uow, new Config(settings({ DEVELOPER_SIGN_IN: '0' })));
    await refusesWith('DEVELOPER_SIGN_IN_OFF', () =>
      off.developerSignIn({ name: 'Mallory', platformRole: 'operator' }),
    );
  });

  it.each(['', '   ', 'x'.repeat(81)])('refuses TEXT_LENGTH for the name %j', (name) =>
    refusesWith('TEXT_LENGTH', () => commands.developerSignIn({ name })),
  );

  it.each(['a\0b', 'two\nlines', 'half \ud800 pair'])('refuses TEXT_CHARACTERS for the name %j', (name) =>
    refusesWith('TEXT_CHARACTERS', () => commands.developerSignIn({ name })),
  );

  it.each(['no-at', 'a@', '@b', 'a b@c', `${'x'.repeat(65)}@c`, 'a\0@b'])('refuses EMAIL_INVALID for %j', (email) =>
    refusesWith('EMAIL_INVALID', () => commands.developerSignIn({ name: 'Eve', email })),
  );

  it('gives the platform role that was asked for, once', async () => {
    for (let i = 0; i < 2; i += 1) value(await commands.developerSignIn({ name: 'Op', platformRole: 'operator' }));
    expect((await signedIn('Op')).platformRoles).toEqual(new Set(['operator']));
  });
});

describe('sessions', () => {
  it('open the door by bearer and by cookie, until signed out', async () => {
    const { secret, contributorId } = value(await commands.developerSignIn({ name: 'Sess' }));
    for (const credentials of [
      { authorization: `Bearer ${secret}` },
      { authorization: `bearer  ${secret}` },
      { cookie: `theme=dark; cw_session=${secret}; x=y` },
    ]) {
      expect(await viewers.resolve(credentials)).toMatchObject({ kind: 'contributor', contributorId, scopes: 'all' });
    }
    await commands.signOut(secret);
    await commands.signOut(secret);
    expect(await viewers.resolve({ authorization: `Bearer ${secret}` })).toEqual({ kind: 'anonymous' });
  });

  it('end after their time, and with the person', async () => {
    const { secret, contributorId } = value(await commands.developerSignIn({ name: 'Timed' }));
    await db.dataSource.query('UPDATE session SET expires_at = now() WHERE contributor_id = $1', [contributorId]);
    expect(await viewers.resolve({ authorization: `Bearer ${secret}` })).toEqual({ kind: 'anonymous' });
    const other = value(await commands.developerSignIn({ name: 'Gone' }));
    await db.dataSource.query(
      'UPDATE contributor SET erased_at = now(), display_name = NULL, email = NULL WHERE id = $1',
      [other.contributorId],
    );
    expect(await viewers.resolve({ authorization: `Bearer ${other.secret}` })).toEqual({ kind: 'anonymous' });
  });

  it.each([
    {},
    { authorization: '' },
    { authorization: 'Basic YTpi' },
    { authorization: 'Bearer' },
    { authorization: `Bearer cws_${'A'.repeat(43)}` },
    { authorization: `Bearer cwt_${'A'.repeat(43)}` },
    { authorization: "Bearer cws_' OR 1=1 --" },
    { cookie: 'cw_session=' },
    { cookie: `cw_session=cws_${'A'.repeat(43)}` },
    { cookie: `cw_session=${'A'.repeat(20_000)}` },
  ])('leave %j anonymous', async (credentials) => {
    expect(await viewers.resolve(credentials)).toEqual({ kind: 'anonymous' });
  });
});

describe('API tokens', () => {
  it('carry just their scopes, are stored hashed and shown once', async () => {
    const ada = await signedIn('Token owner');
    const { id, secret } = value(
      await commands.createApiToken(ada, { name: 'ci', scopes: ['pledge:write', 'pledge:write', 'node:write'] }),
    );
    const viewer = (await viewers.resolve({ authorization: `Bearer ${secret}` })) as SignedIn;
    expect(viewer).toMatchObject({ contributorId: ada.contributorId, pseudonym: ada.pseudonym });
    expect(viewer.scopes).toEqual(new Set(['pledge:write', 'node:write']));

    const [row] = await db.dataSource.query(
      'SELECT secret_sha256, row_to_json(t)::text AS all FROM api_token t WHERE id = $1',
      [id],
    );
    expect(row.secret_sha256).toEqual(createHash('sha256').update(secret).digest());
    expect(row.all).not.toContain(secret.slice(10));
    const { tokens } = await queries.self(ada);
    expect(JSON.stringify(tokens)).not.toContain(secret.slice(10));
    expect(tokens.find((token) => token.id === id)?.hint).toBe(secret.slice(0, 8));
  });

  it('note their last use once a minute, not once a request', async () => {
    const ada = await signedIn('Busy');
    const { id, secret } = value(await commands.createApiToken(ada, { name: 'busy', scopes: ['run:write'] }));
    const version = async () =>
      (await db.dataSource.query('SELECT xmin::text AS v, last_used_at FROM api_token WHERE id = $1', [id]))[0];
    expect((await version()).last_used_at).toBeNull();
    await viewers.resolve({ authorization: `Bearer ${secret}` });
    const used = await version();
    expect(used.last_used_at).toBeInstanceOf(Date);
    for (let i = 0; i < 5; i += 1) await viewers.resolve({ authorization: `Bearer ${secret}` });
    expect(await version()).toEqual(used);
    await db.dataSource.query("UPDATE api_token SET last_used_at = now() - interval '2 minutes' WHERE id = $1", [id]);
    await viewers.resolve({ authorization: `Bearer ${secret}` });
    expect(+(await version()).last_used_at).toBeGreaterThanOrEqual(+used.last_used_at);
  });

  it('are nobody once expired or revoked, and stay revoked', async () => {
    const ada = await signedIn('Ender');
    const soon = value(
      await commands.createApiToken(ada, {
        name: 'soon',
        scopes: ['run:write'],
        expiresAt: new Date(Date.now() + 300),
      }),
    );
    expect((await viewers.resolve({ authorization: `Bearer ${soon.secret}` })).kind).toBe('contributor');
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(await viewers.resolve({ authorization: `Bearer ${soon.secret}` })).toEqual({ kind: 'anonymous' });

    const token = value(await commands.createApiToken(ada, { name: 'revoked', scopes: ['run:write'] }));
    for (let i = 0; i < 2; i += 1) expect(await commands.revokeApiToken(ada, token.id)).toBe(token.id);
    expect(await viewers.resolve({ authorization: `Bearer ${token.secret}` })).toEqual({ kind: 'anonymous' });
  });

  it('never give more than their maker has: SCOPE_EXCEEDED', async () => {
    const ada = await signedIn('Escalator');
    const { secret } = value(await commands.createApiToken(ada, { name: 'profile', scopes: ['profile:write'] }));
    const asToken = (await viewers.resolve({ authorization: `Bearer ${secret}` })) as SignedIn;
    await refusesWith('SCOPE_EXCEEDED', () =>
      commands.createApiToken(asToken, { name: 'more', scopes: ['profile:write', 'pledge:write'] }),
    );
    expect(codeOf(await commands.createApiToken(asToken, { name: 'same', scopes: ['profile:write'] }))).toBeUndefined();
  });

  it('refuse SCOPE_UNKNOWN, EXPIRY_PAST, TEXT_LENGTH and API_TOKEN_NOT_FOUND', async () => {
    const ada = await signedIn('Refused');
    const bob = await signedIn('Bob');
    const bobs = value(await commands.createApiToken(bob, { name: 'his', scopes: [...SCOPES] }));
    for (const scopes of [[], ['all'], ['pledge:write', 'root']]) {
      await refusesWith('SCOPE_UNKNOWN', () => commands.createApiToken(ada, { name: 'x', scopes }));
    }
    await refusesWith('EXPIRY_PAST', () =>
      commands.createApiToken(ada, { name: 'x', scopes: ['run:write'], expiresAt: new Date(Date.now() - 1) }),
    );
    await refusesWith('TEXT_LENGTH', () => commands.createApiToken(ada, { name: ' ', scopes: ['run:write'] }));
    await refusesWith('API_TOKEN_NOT_FOUND', () => commands.revokeApiToken(ada, bobs.id));
    await refusesWith('API_TOKEN_NOT_FOUND', () => commands.revokeApiToken(ada, newId()));
  });
});

describe('projects and roles', () => {
  it('make their maker an owner and say so by an event', async () => {
    const ada = await signedIn('Founder');
    const id = value(await commands.createProject(ada, { name: 'Open weights!' }));
    expect(await queries.projectFor(ada.contributorId, id)).toMatchObject({
      name: 'Open weights!',
      organisationName: 'Open weights!',
      roles: ['owner'],
      slug: expect.stringMatching(/^open-weights-[0-9a-f]{6}$/),
    });
    const events = await db.dataSource.query('SELECT type FROM event_outbox WHERE aggregate_id = $1', [id]);
    expect(events).toEqual([{ type: 'project.created' }]);
  });

  it('let a role do what it may, an owner everything, nobody else anything', async () => {
    const [ada, bob, eve] = [await signedIn('Owner'), await signedIn('Maintainer'), await signedIn('Stranger')];
    const id = value(await commands.createProject(ada, { name: 'Roles' }));
    value(
      await commands.setProjectMember(ada, { projectId: id, contributorId: bob.contributorId, roles: ['maintainer'] }),
    );
    const may = (viewer: Viewer, roles: Parameters<typeof requireProjectRole>[3], project = id) =>
      db.uow.read((tx) => requireProjectRole(tx, viewer, project, roles));
    expect(await may(bob, ['maintainer', 'reviewer'])).toBeUndefined();
    expect(await may(ada, ['treasurer'])).toBeUndefined();
    const denied = await may(bob, ['treasurer']);
    expect(denied?.first).toMatchObject({
      code: 'PROJECT_ROLE_REQUIRED',
      detail: 'It takes one of: owner, treasurer.',
    });
    // Whether a project exists is not told to strangers.
    expect(await may(eve, ['auditor'])).toEqual(await may(eve, ['auditor'], newId()));
    expect(await may({ kind: 'anonymous' }, ['auditor'])).toBeDefined();
  });

  it('keep one owner: PROJECT_LAST_OWNER, also when two leave at once', async () => {
    const [ada, bob] = [await signedIn('First'), await signedIn('Second')];
    const id = value(await commands.createProject(ada, { name: 'Last' }));
    const set = (by: SignedIn, who: SignedIn, roles: string[]) =>
      commands.setProjectMember(by, { projectId: id, contributorId: who.contributorId, roles });
    await refusesWith('PROJECT_LAST_OWNER', () => set(ada, ada, ['maintainer']));
    await refusesWith('PROJECT_LAST_OWNER', () => set(ada, ada, []));
    value(await set(ada, bob, ['owner', 'auditor', 'owner']));
    const leaving = await Promise.all([set(ada, ada, []), set(bob, bob, ['auditor'])]);
    expect(leaving.filter((outcome) => !isRefused(outcome))).toHaveLength(1);
    const owners = await db.dataSource.query("SELECT 1 FROM project_member WHERE project_id = $1 AND role = 'owner'", [
      id,
    ]);
    expect(owners).toHaveLength(1);
  });

  it('refuse ROLE_UNKNOWN, PROJECT_ROLE_REQUIRED, CONTRIBUTOR_NOT_FOUND, TEXT_LENGTH', async () => {
    const [ada, eve] = [await signedIn('Keeper'), await signedIn('Outsider')];
    const id = value(await commands.createProject(ada, { name: 'Closed' }));
    const input = { projectId: id, contributorId: eve.contributorId, roles: ['owner'] };
    await refusesWith('ROLE_UNKNOWN', () => commands.setProjectMember(ada, { ...input, roles: ['king'] }));
    await refusesWith('PROJECT_ROLE_REQUIRED', () => commands.setProjectMember(eve, input));
    await refusesWith('PROJECT_ROLE_REQUIRED', () => commands.setProjectMember(ada, { ...input, projectId: newId() }));
    await refusesWith('CONTRIBUTOR_NOT_FOUND', () =>
      commands.setProjectMember(ada, { ...input, contributorId: newId() }),
    );
    await refusesWith('TEXT_LENGTH', () => commands.createProject(ada, { name: '' }));
    await refusesWith('TEXT_LENGTH', () =>
      commands.createProject(ada, { name: 'ok', organisationName: 'x'.repeat(121) }),
    );
  });
});
