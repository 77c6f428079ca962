import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor, newId } from '#kernel';
import { Ledger } from '#ledger';
import { toGlobalId } from '#platform';
import { buildApiSchema } from '../../apps/api/src/schema.js';
import { type ApiStage, startApiStage } from './api.stage.js';

let api: ApiStage;
let ada: string;
beforeAll(async () => {
  api = await startApiStage();
  ada = await api.signIn('Ada');
  await api.db.uow.run('test.account', (tx) =>
    new Ledger().openAccounts(tx, [{ code: 'test:a', unit: 'USD', limit: 'none' }]),
  );
});
afterAll(() => api.close());

/** The same answer from the interpreter (first run of a document) and from the compiled query (from the second on). */
async function ask(query: string, variables: object = {}) {
  const fresh = `# ${newId()}\n${query}`;
  const answers = [];
  for (let i = 0; i < 3; i += 1) answers.push(await api.ask(fresh, variables, { authorization: ada }));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  const { status, body } = answers[0] as (typeof answers)[number];
  return {
    status,
    data: body.data,
    errors: (body.errors ?? []) as { message: string; path: unknown; extensions: { code: string } }[],
  };
}
const codes = async (query: string, variables: object = {}) =>
  (await ask(query, variables)).errors.map((error) => error.extensions.code);

describe('a list', () => {
  const uuid = encodeCursor(newId());
  const position = encodeCursor('12');
  const entry = encodeCursor('2026-01-02T03:04:05.678Z|9');
  const rootLists: [list: string, cursors: string[]][] = [
    ['campaigns', [uuid]],
    ['datasets', [uuid]],
    ['recipes', [uuid]],
    ['nodes', [uuid]],
    ['runs', [uuid]],
    ['reports', [uuid]],
    ['logEntries', [position]],
    ['ledgerAccounts', [encodeCursor('campaign:x:escrow:USD')]],
    ['ledgerTransfers', [position, entry]],
  ];

  it.each(rootLists)('%s takes its own cursors and refuses others', async (list, cursors) => {
    const query = `query ($after: String) { ${list}(first: 1, after: $after) { pageInfo { hasNextPage } } }`;
    for (const after of [undefined, null, ...cursors]) expect(await codes(query, { after })).toEqual([]);
    for (const after of ['', 'garbage!', 'Zm9v=', encodeCursor('é ?'), encodeCursor('-1')]) {
      expect(await codes(query, { after }), after).toEqual(['BAD_USER_INPUT']);
    }
  });

  it('takes sizes from 1 to 100, and says so of others', async () => {
    const query = 'query ($first: Int) { campaigns(first: $first) { nodes { id } } }';
    for (const first of [undefined, null, 1, 100]) expect(await codes(query, { first })).toEqual([]);
    for (const first of [0, -1, 101, 2_147_483_647]) expect(await codes(query, { first })).toEqual(['BAD_USER_INPUT']);
    const { errors, status } = await ask(query, { first: 101 });
    expect(status).toBe(200);
    expect(errors[0]).toMatchObject({ message: expect.stringContaining('1 to 100'), path: ['campaigns'] });
  });

  it('inside another object does too, and the rest of the answer comes', async () => {
    const nested = (args: string) =>
      `{ ledgerAccounts(first: 2) { nodes { code transfers(${args}) { nodes { key } } } } }`;
    expect(await codes(nested(`first: 1, after: "${entry}"`))).toEqual([]);
    expect(await codes(nested('first: 0'))).toEqual(['BAD_USER_INPUT']);
    const { errors } = await ask(nested(`first: 1, after: "${uuid}"`));
    expect(errors[0]).toMatchObject({
      message: expect.stringContaining('endCursor'),
      path: ['ledgerAccounts', 'nodes', 0, 'transfers'],
    });
  });

  it('that may not be read says that first', async () => {
    const { body } = await api.ask('{ leaseLog(leaseId: "x", first: 0) { nodes { text } } }');
    expect(body.errors[0].extensions.code).toBe('UNAUTHENTICATED');
    expect(await codes(`{ leaseLog(leaseId: "${newId()}", first: 0) { nodes { text } } }`)).toEqual(['BAD_USER_INPUT']);
    expect(await codes(`{ leaseLog(leaseId: "${newId()}", after: "${position}") { nodes { text } } }`)).toEqual([]);
  });
});

describe('an id in a query', () => {
  const typed = [
    ['campaign', 'id', 'Campaign'],
    ['run', 'id', 'Run'],
    ['checkpoint', 'id', 'Checkpoint'],
    ['report', 'id', 'Report'],
    ['matchPool', 'id', 'MatchPool'],
  ] as const;
  /** Answered to by something else than an object or a connection. */
  const others = [
    ['matchEstimate', 'campaignId', 'Campaign', ', amountMinor: "1000"', '{ __typename }'],
    ['webhookEndpoints', 'projectId', 'Project', '', '{ __typename }'],
    ['pledgeInvoice', 'pledgeId', 'CashPledge', '', '{ __typename }'],
  ] as const;
  const filters = [
    ['runs', 'campaignId', 'Campaign'],
    ['reports', 'campaignId', 'Campaign'],
    ['reports', 'runId', 'Run'],
    ['recipes', 'projectId', 'Project'],
  ] as const;

  it.each([...typed, ...filters])('%s(%s:) is one of a %s, or an error', async (field, argument, type) => {
    const query = `query ($id: ID!) { ${field}(${argument}: $id) { __typename } }`;
    for (const id of ['zzz', '', newId(), toGlobalId('Contributor', newId()), toGlobalId(type, 'zzz')]) {
      const { status, errors } = await ask(query, { id });
      expect(status).toBe(200);
      expect(
        errors.map((error) => error.extensions.code),
        id,
      ).toEqual(['ID_INVALID']);
      expect(errors[0]?.message).toContain(type);
    }
  });

  it.each(others)('%s(%s:) is one of a %s, or an error', async (field, argument, type, more, fields) => {
    const query = `query ($id: ID!) { ${field}(${argument}: $id${more}) ${fields} }`;
    for (const id of ['zzz', toGlobalId('Contributor', newId()), toGlobalId(type, 'zzz')]) {
      expect(await codes(query, { id })).toEqual(['ID_INVALID']);
    }
    expect(await codes(query, { id: toGlobalId(type, newId()) })).toEqual([]);
  });

  it.each(typed)('%s(%s:) of nobody is null', async (field, argument, type) => {
    const { data, errors } = await ask(`query ($id: ID!) { ${field}(${argument}: $id) { id } }`, {
      id: toGlobalId(type, newId()),
    });
    expect([data[field], errors]).toEqual([null, []]);
  });

  it.each(filters)('%s(%s:) of nobody is an empty list', async (field, argument, type) => {
    const { data, errors } = await ask(`query ($id: ID!) { ${field}(${argument}: $id) { nodes { id } } }`, {
      id: toGlobalId(type, newId()),
    });
    expect([data[field].nodes, errors]).toEqual([[], []]);
  });

  it('of no type is null from node(id:)', async () => {
    for (const id of ['zzz', '', toGlobalId('Nothing', newId())]) {
      const { data, errors } = await ask('query ($id: ID!) { node(id: $id) { id } }', { id });
      expect([data.node, errors]).toEqual([null, []]);
    }
  });

  it('is held to that by every query there is', async () => {
    const fields = (await buildApiSchema()).getQueryType()?.getFields() ?? {};
    const asked = Object.values(fields).flatMap((field) =>
      field.args.filter((arg) => /ID/.test(String(arg.type))).map((arg) => `${field.name}(${arg.name}:)`),
    );
    const known = [...typed, ...filters, ...others].map(([field, argument]) => `${field}(${argument}:)`);
    // Of any type; ids of the public record, which are bare UUIDs; a slug or an id; for operators, who are asked first.
    known.push('node(id:)', 'leaseLog(leaseId:)', 'logProof(eventId:)', 'matchRound(id:)', 'reconciliationCase(id:)');
    expect(asked.sort()).toEqual(known.sort());
  });
});
