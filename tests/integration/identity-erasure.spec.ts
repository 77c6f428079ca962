import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Ledger } from '#ledger';
import { isRefused, newId } from '#kernel';
import { INVARIANTS } from '../../apps/invariants.js';
import { type ApiStage, startApiStage } from '../contract/api.stage.js';

let api: ApiStage;
beforeAll(async () => {
  api = await startApiStage();
});
afterAll(() => api.close());

interface Person {
  readonly authorization: string;
  readonly id: string;
  readonly pseudonym: string;
}
async function somebody(name: string, role?: 'OPERATOR'): Promise<Person> {
  const authorization = await api.signIn(name, role);
  const { body } = await api.ask('{ viewer { contributor { id pseudonym } } }', {}, { authorization });
  return { authorization, ...body.data.viewer.contributor };
}
const by = async (
  person: { authorization: string },
  mutation: string,
  input: object,
  selection: string,
  type?: string,
) => {
  const input_ = type ?? `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
  const query = `mutation ($input: ${input_}!) { ${mutation}(input: $input) { ${selection} userErrors { code detail } } }`;
  const answer = await api.ask(query, { input }, { authorization: person.authorization });
  return answer.body.data?.[mutation] ?? answer.body;
};
const erase = (person: { authorization: string }, contributorId?: string) =>
  by(
    person,
    'contributorErase',
    contributorId === undefined ? {} : { contributorId },
    'contributor { id displayName pseudonym }',
  );
const rows = <T>(sql: string, parameters: unknown[] = []) => api.db.dataSource.query<T[]>(sql, parameters);

/** Tables in which a text stands, whatever the column. */
async function whereIs(text: string): Promise<string[]> {
  const tables = await rows<{ name: string }>(
    `SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
  );
  const found = [];
  for (const { name } of tables) {
    const [row] = await rows<{ n: bigint }>(`SELECT count(*) AS n FROM ${name} t WHERE t::text ILIKE $1`, [
      `%${text}%`,
    ]);
    if (row && row.n > 0n) found.push(name);
  }
  return found;
}

describe('erasing a contributor', () => {
  it('leaves nothing that names him, and ledger and events as they were', async () => {
    const zora = await somebody('Zora Quillfeather');
    await api.ask('mutation ($input: DeveloperSignInInput!) { developerSignIn(input: $input) { token } }', {
      input: { name: 'Zora Quillfeather' },
    });
    const made = await by(zora, 'apiTokenCreate', { name: "Quillfeather's laptop", scopes: ['node:write'] }, 'token');
    // What he gave: under his pseudonym, in the books and for the log.
    const ledger = new Ledger();
    const posted = await api.db.uow.run('test.gift', async (tx) => {
      await ledger.openAccounts(tx, [
        { code: 'test:a', unit: 'USD', limit: 'none' },
        { code: 'test:b', unit: 'USD', limit: 'none' },
      ]);
      tx.emit({
        type: 'pledge.cash.created',
        aggregateType: 'pledge',
        aggregateId: newId(),
        payload: { contributor: zora.pseudonym, amountMinor: '2500' },
        isPublic: true,
      });
      return ledger.post(tx, [
        {
          key: 'test:gift',
          kind: 'posted',
          debit: 'test:a',
          credit: 'test:b',
          amount: 2500n,
          reason: 'test',
          refs: { contributor: zora.pseudonym },
        },
      ]);
    });
    expect(isRefused(posted)).toBe(false);
    expect((await whereIs('quillfeather')).sort()).toEqual(['api_token', 'contributor']);
    const given = () =>
      rows(
        `SELECT 'transfer' AS what, t::text FROM ledger_transfer t UNION ALL SELECT 'account', a::text FROM ledger_account a
         UNION ALL SELECT 'event', e::text FROM event_outbox e WHERE is_public ORDER BY 1, 2`,
      );
    const before = await given();
    expect(before.length).toBeGreaterThanOrEqual(4);

    const gone = await erase(zora);
    expect(gone).toEqual({
      contributor: { id: zora.id, displayName: 'Erased contributor', pseudonym: zora.pseudonym },
      userErrors: [],
    });

    expect(await whereIs('quillfeather')).toEqual([]);
    expect(await given()).toEqual(before);
    for (const check of INVARIANTS) {
      const { violations } = await api.db.uow.read((tx) => check.run(tx));
      expect(violations, check.name).toEqual([]);
    }
    for (const authorization of [zora.authorization, `Bearer ${made.token}`]) {
      expect((await api.ask('{ viewer { email } }', {}, { authorization })).body.data.viewer).toBeNull();
    }
    const [event] = await rows<{ payload: object; is_public: boolean }>(
      `SELECT payload, is_public FROM event_outbox WHERE type = 'contributor.erased'`,
    );
    expect(event).toEqual({ payload: { pseudonym: zora.pseudonym }, is_public: false });
    // The same e-mail is somebody new.
    const again = await somebody('Zora Quillfeather');
    expect([again.id, again.pseudonym]).not.toContain(zora.id);
    expect(again.pseudonym).not.toBe(zora.pseudonym);
  });

  it('drops his roles, and is refused while a project has no other owner', async () => {
    const [ada, bob] = [await somebody('Ada'), await somebody('Bob')];
    const { project } = await by(ada, 'projectCreate', { name: 'Whales' }, 'project { id slug }');
    expect((await erase(ada)).userErrors).toEqual([
      { code: 'PROJECT_LAST_OWNER', detail: expect.stringContaining(project.slug) },
    ]);
    expect(
      (await api.ask('{ viewer { email } }', {}, { authorization: ada.authorization })).body.data.viewer.email,
    ).toBe('ada@developer.invalid');
    await by(
      ada,
      'projectMemberSet',
      { projectId: project.id, contributorId: bob.id, roles: ['owner'] },
      'project { id }',
    );
    expect((await erase(ada)).userErrors).toEqual([]);
    expect(
      await rows(
        `SELECT role FROM project_member m JOIN contributor c ON c.id = m.contributor_id WHERE c.pseudonym = $1`,
        [ada.pseudonym],
      ),
    ).toEqual([]);
    expect((await erase(bob)).userErrors).toMatchObject([{ code: 'PROJECT_LAST_OWNER' }]);
    // An erased person can't be given a role.
    const set = { projectId: project.id, contributorId: ada.id, roles: ['auditor'] };
    expect((await by(bob, 'projectMemberSet', set, 'project { id }')).userErrors).toMatchObject([
      { code: 'CONTRIBUTOR_NOT_FOUND' },
    ]);
  });

  it('keeps one owner when two go at once', async () => {
    const [cleo, dan] = [await somebody('Cleo'), await somebody('Dan')];
    const { project } = await by(cleo, 'projectCreate', { name: 'Pair' }, 'project { id }');
    await by(
      cleo,
      'projectMemberSet',
      { projectId: project.id, contributorId: dan.id, roles: ['owner'] },
      'project { id }',
    );
    const both = await Promise.all([erase(cleo), erase(dan)]);
    expect(both.flatMap((each) => each.userErrors.map((error: { code: string }) => error.code))).toEqual([
      'PROJECT_LAST_OWNER',
    ]);
  });

  it('is for oneself, in a session; for others by an operator', async () => {
    const [eve, fay, op] = [await somebody('Eve'), await somebody('Fay'), await somebody('Op', 'OPERATOR')];
    const nobody = await api.ask('mutation { contributorErase(input: {}) { userErrors { code } } }');
    expect(nobody.body.errors[0].extensions.code).toBe('UNAUTHENTICATED');
    expect((await erase(eve, fay.id)).userErrors).toMatchObject([{ code: 'ERASE_NOT_ALLOWED' }]);
    expect((await erase(eve, 'zzz')).userErrors).toMatchObject([{ code: 'ID_INVALID' }]);
    const token = await by(op, 'apiTokenCreate', { name: 'all', scopes: ['profile:write'] }, 'token');
    expect((await erase({ authorization: `Bearer ${token.token}` }, fay.id)).userErrors).toMatchObject([
      { code: 'ERASE_SESSION_REQUIRED' },
    ]);
    expect((await erase(op, fay.id)).contributor.displayName).toBe('Erased contributor');
    const [first] = await rows<{ at: Date }>('SELECT erased_at AS at FROM contributor WHERE pseudonym = $1', [
      fay.pseudonym,
    ]);
    expect((await erase(op, fay.id)).userErrors).toEqual([]);
    expect(await rows('SELECT erased_at AS at FROM contributor WHERE pseudonym = $1', [fay.pseudonym])).toEqual([
      first,
    ]);
    expect(
      (await api.ask('{ viewer { email } }', {}, { authorization: fay.authorization })).body.data.viewer,
    ).toBeNull();
    expect(
      (await api.ask('{ viewer { email } }', {}, { authorization: eve.authorization })).body.data.viewer,
    ).not.toBeNull();
  });
});
