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

const CASES: { name: string; query: string; variables?: object; signedIn?: boolean }[] = [
  { name: 'a plain query', query: '{ signInMethods { developer } __typename }' },
  {
    name: 'fragments and aliases',
    query: '{ a: signInMethods { ...F } b: signInMethods { x: developer } } fragment F on SignInMethods { developer }',
  },
  { name: 'the same field asked twice', query: '{ signInMethods { developer } signInMethods { again: developer } }' },
  {
    name: 'skip and include',
    query: 'query ($y: Boolean!) { signInMethods @include(if: $y) { developer } viewer @skip(if: $y) { email } }',
    variables: { y: true },
  },
  {
    name: 'a default of a variable',
    query: 'query ($n: Int = 3) { campaigns(first: $n) { nodes { id } pageInfo { hasNextPage } } }',
  },
  {
    name: 'an interface',
    query: 'query ($id: ID!) { node(id: $id) { __typename id ... on Project { name } } }',
    variables: { id: toGlobalId('Project', newId()) },
  },
  {
    name: 'lists of objects',
    query:
      '{ viewer { contributor { id displayName } projects { id name organisation { name } viewerRoles } apiTokens { id } } }',
    signedIn: true,
  },
  { name: 'a missing variable', query: 'query ($id: ID!) { node(id: $id) { id } }' },
  {
    name: 'a variable of another kind',
    query: 'query ($id: ID!) { node(id: $id) { id } }',
    variables: { id: { x: 1 } },
  },
  { name: 'an unknown variable', query: 'query ($id: ID!) { node(id: $id) { id } }', variables: { id: 'x', other: 1 } },
  {
    name: 'a bad scalar in a variable',
    query: 'query ($i: ComputeBudgetInput!) { computeBudget(input: $i) { flop } }',
    variables: { i: { parameters: 'x', tokens: '1', gpuClass: 'cpu' } },
  },
  {
    name: 'a bad scalar in the document',
    query: '{ computeBudget(input: { parameters: "1.5", tokens: "1", gpuClass: "cpu" }) { flop } }',
  },
  { name: 'a refused root field', query: '{ myPledges(first: 1) { __typename } }' },
  {
    name: 'a refused root field beside an open one',
    query: '{ signInMethods { developer } myPledges(first: 1) { __typename } }',
  },
  {
    name: 'an error inside a resolver',
    query: `{ node(id: "${toGlobalId('Contributor', newId())}") { id } signInMethods { developer } }`,
  },
  {
    name: 'introspection',
    query: '{ __type(name: "Contributor") { name fields { name type { name kind ofType { name } } } } }',
  },
  { name: 'a page that starts after garbage', query: '{ campaigns(first: 2, after: "garbage!") { nodes { id } } }' },
];

const withoutIds = (text: string) => text.replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, '<id>');

describe('the interpreter and graphql-jit give the same answer', () => {
  for (const accept of ['application/json', 'application/graphql-response+json']) {
    it.each(CASES)(`$name (${accept})`, async ({ query, variables = {}, signedIn = false }) => {
      const headers = { accept, ...(signedIn ? { authorization: ada } : {}) };
      // A comment makes the document new to the API, so its first run is interpreted; from the second on it is compiled.
      const fresh = `# ${accept} ${newId()}\n${query}`;
      const answers = [];
      for (let i = 0; i < 3; i += 1) answers.push(await api.ask(fresh, variables, headers));
      const [interpreted, ...compiled] = answers.map(({ status, text }) => ({ status, text: withoutIds(text) }));
      for (const answer of compiled) expect(answer).toEqual(interpreted);
      expect(interpreted?.status).toBeLessThan(500);
    });
  }

  it('also for an object behind an interface', async () => {
    const headers = { authorization: ada };
    const made = await api.ask('mutation { projectCreate(input: { name: "Seen" }) { project { id } } }', {}, headers);
    const { id } = made.body.data.projectCreate.project;
    const query = `# ${newId()}\nquery ($id: ID!) { node(id: $id) { __typename id ... on Project { name viewerRoles organisation { name } } ... on Contributor { pseudonym } } }`;
    const answers = [];
    for (let i = 0; i < 3; i += 1) answers.push((await api.ask(query, { id }, headers)).text);
    expect(JSON.parse(answers[0] ?? '').data.node).toMatchObject({
      __typename: 'Project',
      name: 'Seen',
      viewerRoles: ['owner'],
    });
    expect(new Set(answers).size).toBe(1);
  });

  it('also when the database fails under it', async () => {
    const query = `# ${newId()}\n{ node(id: "${toGlobalId('Contributor', newId())}") { id } signInMethods { developer } }`;
    await api.db.dataSource.query('ALTER TABLE contributor RENAME TO contributor_away');
    const answers = [];
    for (let i = 0; i < 3; i += 1) answers.push(await api.ask(query));
    await api.db.dataSource.query('ALTER TABLE contributor_away RENAME TO contributor');
    const [interpreted, ...compiled] = answers.map(({ status, text }) => ({ status, text: withoutIds(text) }));
    expect(JSON.parse(interpreted?.text ?? '').errors[0].extensions.code).toBe('INTERNAL_SERVER_ERROR');
    for (const answer of compiled) expect(answer).toEqual(interpreted);
  });
});
