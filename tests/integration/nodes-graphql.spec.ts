import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel';
import { toGlobalId } from '#platform';
import { type ApiStage, startApiStage } from '../contract/api.stage.js';
import { type TestNode, beat, joinNode } from './nodes-app.js';

/** Nodes as people meet them: the real API with its guards, masks and limits. */
let api: ApiStage;
let ada: { authorization: string };
let bob: { authorization: string };

const JOIN_TOKEN = `mutation ($input: NodeJoinTokenCreateInput!) {
  nodeJoinTokenCreate(input: $input) { token command expiresAt userErrors { code path } } }`;
const DRAIN = `mutation ($input: NodeDrainInput!) { nodeDrain(input: $input) { node { state } userErrors { code path hint } } }`;
const HOURS = `mutation ($input: NodeHoursSetInput!) {
  nodeHoursSet(input: $input) { node { hours { rrule durationMinutes } } userErrors { code path hint } } }`;
const NODES = `query ($first: Int, $after: String) { nodes(first: $first, after: $after) {
  nodes { id name state class count region lastSeenAt inventory owner { displayName } } pageInfo { hasNextPage endCursor } } }`;

const newNode = async (who: { authorization: string }, name: string): Promise<TestNode> => {
  const { body } = await api.ask(JOIN_TOKEN, { input: { name } }, who);
  const node = await joinNode(api.url, body.data.nodeJoinTokenCreate.token as string);
  await beat(api.url, node);
  return node;
};
const idOf = (node: TestNode): string => toGlobalId('GpuNode', node.nodeId);

beforeAll(async () => {
  api = await startApiStage();
  ada = { authorization: await api.signIn('Ada') };
  bob = { authorization: await api.signIn('Bob') };
});
afterAll(() => api?.close());

describe('join tokens', () => {
  it('are for those who are signed in and whose token may; the answer holds the command', async () => {
    const { body } = await api.ask(JOIN_TOKEN, { input: {} }, ada);
    const { token, command, userErrors } = body.data.nodeJoinTokenCreate;
    expect([token, command, userErrors]).toEqual([
      expect.stringMatching(/^cwj_/),
      expect.stringContaining(`--token ${token}`),
      [],
    ]);
    const anonymous = await api.ask(JOIN_TOKEN, { input: {} });
    expect(anonymous.body.errors[0].extensions.code).toBe('UNAUTHENTICATED');
    const weak = await api.ask(
      'mutation { apiTokenCreate(input: { name: "t", scopes: ["pledge:write"] }) { token userErrors { code } } }',
      {},
      ada,
    );
    const lacking = await api.ask(
      JOIN_TOKEN,
      { input: {} },
      { authorization: `Bearer ${weak.body.data.apiTokenCreate.token}` },
    );
    expect(lacking.body.errors[0].extensions.code).toBe('MISSING_SCOPE');
  });

  it.each([
    [{ name: '' }, 'NODE_JOIN_TOKEN_NAME_INVALID'],
    [{ name: 'x'.repeat(81) }, 'NODE_JOIN_TOKEN_NAME_INVALID'],
    [{ computePledgeId: 'nonsense' }, 'ID_INVALID'],
    [{ computePledgeId: toGlobalId('Campaign', newId()) }, 'ID_INVALID'],
  ])('refuse %j', async (input, code) => {
    const { body } = await api.ask(JOIN_TOKEN, { input }, ada);
    expect(body.data.nodeJoinTokenCreate).toMatchObject({ token: null, command: null, userErrors: [{ code }] });
  });
});

describe('nodes', () => {
  it('are listed page by page for anybody, and found by id, without what identifies the hardware', async () => {
    const nodes = [await newNode(ada, 'One'), await newNode(ada, 'Two'), await newNode(bob, 'Three')];
    const first = await api.ask(NODES, { first: 2 });
    expect(first.body.data.nodes.nodes.map((node: { name: string }) => node.name)).toEqual(['Three', 'Two']);
    const next = await api.ask(NODES, { first: 2, after: first.body.data.nodes.pageInfo.endCursor });
    expect(next.body.data.nodes).toMatchObject({
      nodes: [
        {
          id: idOf(nodes[0]!),
          name: 'One',
          state: 'idle',
          class: 'cpu',
          count: 1,
          region: 'eu-west',
          owner: { displayName: 'Ada' },
        },
      ],
      pageInfo: { hasNextPage: false },
    });
    expect(next.body.data.nodes.nodes[0].inventory.devices[0]).not.toHaveProperty('uuid');
    const found = await api.ask('query ($id: ID!) { node(id: $id) { id ... on GpuNode { name } } }', {
      id: idOf(nodes[1]!),
    });
    expect(found.body.data.node).toEqual({ id: idOf(nodes[1]!), name: 'Two' });
  });

  it('drain when their owner or an operator says so', async () => {
    const node = await newNode(ada, 'Drained');
    const drain = async (who: { authorization: string }, nodeId: string) =>
      (await api.ask(DRAIN, { input: { nodeId } }, who)).body.data.nodeDrain;
    expect(await drain(bob, idOf(node))).toMatchObject({
      node: null,
      userErrors: [{ code: 'NODE_NOT_YOURS', path: ['input', 'nodeId'] }],
    });
    expect(await drain(ada, toGlobalId('GpuNode', newId()))).toMatchObject({
      userErrors: [{ code: 'NODE_NOT_FOUND' }],
    });
    expect(await drain(ada, 'nonsense')).toMatchObject({ userErrors: [{ code: 'ID_INVALID' }] });
    const operator = { authorization: await api.signIn('Olga', 'OPERATOR') };
    expect(await drain(operator, idOf(node))).toEqual({ node: { state: 'draining' }, userErrors: [] });
    expect((await beat(api.url, node)).body.desiredState).toBe('draining');
  });

  it('take hours from their owner', async () => {
    const node = await newNode(ada, 'Weekends');
    const windows = [{ rrule: 'FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=8', durationMinutes: 600 }];
    const set = async (who: { authorization: string }, input: object) =>
      (await api.ask(HOURS, { input: { nodeId: idOf(node), windows, ...input } }, who)).body.data.nodeHoursSet;
    expect(await set(ada, {})).toEqual({ node: { hours: windows }, userErrors: [] });
    expect(await set(bob, {})).toMatchObject({ userErrors: [{ code: 'NODE_NOT_YOURS' }] });
    expect(await set(ada, { windows: [{ rrule: 'FREQ=DAILY', durationMinutes: 1 }] })).toMatchObject({
      userErrors: [{ code: 'NODE_HOURS_INVALID', path: ['input', 'windows', '0'] }],
    });
    expect(await set(ada, { windows: [] })).toEqual({ node: { hours: [] }, userErrors: [] });
  });
});

describe('agent endpoints of the real API', () => {
  it('refuse a body that is too large or no JSON with a status that an agent does not repeat', async () => {
    const post = (body: string) =>
      fetch(`${api.url}/agent/v1/heartbeat`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const [large, broken] = [await post(JSON.stringify({ pad: 'x'.repeat(10_000_000) })), await post('{"seq": ')];
    expect([large.status, broken.status]).toEqual([413, 400]);
  });
});
