import { type Client, createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel';
import { OutboxRelay, toGlobalId } from '#platform';
import { eventually } from '../../libs/testkit/src/index.js';
import { type ApiStage, startApiStage } from './api.stage.js';

let api: ApiStage;
let relay: OutboxRelay;
let campaign: { id: string; databaseId: string };
beforeAll(async () => {
  api = await startApiStage();
  relay = new OutboxRelay(api.db.uow, { append: () => Promise.resolve() }, () => []);
  campaign = await makeCampaign(await api.signIn('Organiser'));
  while ((await relay.pass()).relayed > 0);
});
afterAll(() => api.close());

async function mutate(authorization: string, name: string, kind: string, input: object, fields: string) {
  const query = `mutation ($input: ${kind}!) { ${name}(input: $input) { ${fields} userErrors { code message } } }`;
  const { body } = await api.ask(query, { input }, { authorization });
  if (body.errors || body.data[name].userErrors.length > 0) throw new Error(JSON.stringify(body));
  return body.data[name];
}

async function makeCampaign(authorization: string): Promise<{ id: string; databaseId: string }> {
  const { project } = await mutate(
    authorization,
    'projectCreate',
    'ProjectCreateInput',
    { name: 'Live' },
    'project { id }',
  );
  const data = {
    name: 'Text',
    licence: 'Public domain',
    source: 'https://example.org/t',
    sha256: 'ab'.repeat(32),
    bytes: '100',
    tokens: '100',
  };
  const { dataset } = await mutate(authorization, 'datasetRegister', 'DatasetRegisterInput', data, 'dataset { id }');
  const recipe = {
    projectId: project.id,
    name: 'Small',
    workload: 'tiny-lm',
    driver: 'process',
    hyperparameters: {
      layers: 1,
      dModel: 8,
      heads: 1,
      context: 8,
      batchSize: 4,
      steps: 10,
      learningRate: 0.01,
      seed: 1,
    },
    datasetId: dataset.id,
    gpuClass: 'cpu',
    parameters: '1000',
    tokens: '1000',
    minWorkers: 1,
    maxWorkers: 1,
    checkpointEverySteps: 5,
  };
  const made = await mutate(authorization, 'recipeRegister', 'RecipeRegisterInput', recipe, 'recipe { id }');
  const input = {
    projectId: project.id,
    recipeId: made.recipe.id,
    title: 'A live campaign',
    summary: 'To be looked at while it changes.',
    fundingModel: 'KEEP_IT_ALL',
    cashGoalMinor: '50000',
    currency: 'USD',
    computeGoalMilliseconds: '3000000',
    computeClass: 'cpu',
    deadline: new Date(Date.now() + 30 * 86_400_000).toISOString(),
  };
  const done = await mutate(authorization, 'campaignCreate', 'CampaignCreateInput', input, 'campaign { id }');
  await mutate(
    authorization,
    'campaignSubmit',
    'CampaignStepInput',
    { campaignId: done.campaign.id },
    'campaign { state }',
  );
  const operator = await api.signIn('Operator', 'OPERATOR');
  await mutate(
    operator,
    'campaignApprove',
    'CampaignStepInput',
    { campaignId: done.campaign.id },
    'campaign { state }',
  );
  const databaseId = Buffer.from(done.campaign.id, 'base64url').toString('utf8').split(':')[1] ?? '';
  return { id: done.campaign.id, databaseId };
}

/** Something happens to the campaign and is relayed. */
async function happen(): Promise<void> {
  await api.db.uow.run('test', async (tx) => {
    tx.emit({
      type: 'campaign.noticed',
      aggregateType: 'campaign',
      aggregateId: campaign.databaseId,
      payload: { campaignId: campaign.databaseId },
    });
  });
  while ((await relay.pass()).relayed > 0);
}

interface Live {
  readonly client: Client;
  readonly closed: Promise<{ code: number; reason: string }>;
}

function connect(options: { headers?: Record<string, string>; authorization?: string } = {}): Live {
  const { headers = {}, authorization } = options;
  class Socket extends WebSocket {
    constructor(url: string, protocols: string) {
      super(url, protocols, { headers });
    }
  }
  let tell: (event: { code: number; reason: string }) => void = () => undefined;
  const closed = new Promise<{ code: number; reason: string }>((resolve) => (tell = resolve));
  const client = createClient({
    url: `${api.url.replace('http', 'ws')}/graphql`,
    webSocketImpl: Socket,
    lazy: false,
    retryAttempts: 0,
    onNonLazyError: () => undefined,
    ...(authorization === undefined ? {} : { connectionParams: { authorization } }),
    on: { closed: (event) => tell(event as { code: number; reason: string }) },
  });
  return { client, closed };
}

interface Seen {
  // oxlint-disable-next-line typescript/no-explicit-any -- the schema says what it is
  readonly results: any[];
  errors: readonly { message: string; extensions?: { code?: string } }[] | undefined;
  done: boolean;
  stop(): void;
}

function watch(client: Client, query: string, variables: Record<string, unknown> = {}): Seen {
  const seen: Seen = { results: [], errors: undefined, done: false, stop: () => undefined };
  seen.stop = client.subscribe(
    { query, variables },
    {
      next: (result) => seen.results.push(result),
      error: (error) => (seen.errors = error as Seen['errors']),
      complete: () => (seen.done = true),
    },
  );
  return seen;
}

const CHANGED = 'subscription ($id: ID!) { campaignChanged(campaignId: $id) { id title state } }';
const WHO = '{ viewer { contributor { displayName } } }';

/** Readers of the API's live feed, by its own measure. */
async function listeners(): Promise<number> {
  const metrics = await (await fetch(`${api.url}/metrics`)).text();
  return Number(/^commonweights_live_readers (\d+)$/m.exec(metrics)?.[1]);
}

describe('live updates', () => {
  it('come at once, and again after every relayed event', async () => {
    const { client } = connect();
    const seen = watch(client, CHANGED, { id: campaign.id });
    await eventually('the first', async () => seen.results.length === 1);
    expect(seen.results[0].data.campaignChanged).toEqual({ id: campaign.id, title: 'A live campaign', state: 'LIVE' });
    for (let n = 2; n <= 4; n += 1) {
      await happen();
      await eventually(`update ${n}`, async () => seen.results.length === n, 2_000);
    }
    await client.dispose();
  });

  it('go on after the database ended the connection, without missing what happened meanwhile', async () => {
    const { client } = connect();
    const seen = watch(client, CHANGED, { id: campaign.id });
    await eventually('the first', async () => seen.results.length === 1);
    const ended = await api.db.dataSource.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'commonweights-feed'",
    );
    expect(ended).toHaveLength(1);
    await happen();
    await eventually('the update', async () => seen.results.length >= 2, 5_000);
    await happen();
    await eventually('the next update', async () => seen.results.length >= 3, 5_000);
    await client.dispose();
  });

  it('leave nothing behind when a client leaves a quiet topic, by word or by hanging up', async () => {
    await eventually('earlier clients are gone', async () => (await listeners()) === 0);
    const { client } = connect();
    const watched = Array.from({ length: 10 }, () => watch(client, CHANGED, { id: campaign.id }));
    await eventually('all open', async () => watched.every((seen) => seen.results.length === 1));
    expect(await listeners()).toBe(10);
    for (const seen of watched.slice(0, 5)) seen.stop();
    await eventually('five left', async () => (await listeners()) === 5, 2_000);
    client.terminate();
    await eventually('all left', async () => (await listeners()) === 0, 2_000);
  });

  it('end for an object that does not exist', async () => {
    const { client } = connect();
    const seen = watch(client, CHANGED, { id: toGlobalId('Campaign', newId()) });
    await eventually('the end', async () => seen.done);
    expect(seen.results).toEqual([]);
    await client.dispose();
  });
});

describe('who asks over a WebSocket', () => {
  const who = async (live: Live): Promise<unknown> => {
    const seen = watch(live.client, WHO);
    await eventually('an answer', async () => seen.done);
    await live.client.dispose();
    return seen.results[0]?.data.viewer?.contributor.displayName;
  };

  it('is told by the connection parameters', async () => {
    const authorization = await api.signIn('By parameter');
    expect(await who(connect({ authorization }))).toBe('By parameter');
    expect(await who(connect({ authorization: 'Bearer nonsense' }))).toBeUndefined();
    expect(await who(connect())).toBeUndefined();
  });

  it('is told by the cookie only to pages of our own', async () => {
    const secret = (await api.signIn('By cookie')).replace('Bearer ', '');
    const cookie = `cw_session=${secret}`;
    const { host } = new URL(api.url);
    expect(await who(connect({ headers: { cookie, origin: `http://${host}` } }))).toBe('By cookie');
    expect(await who(connect({ headers: { cookie } }))).toBe('By cookie');
    for (const origin of ['https://evil.example', 'null', `http://${host}.evil.example`, 'http://127.0.0.1:1']) {
      expect(await who(connect({ headers: { cookie, origin } }))).toBeUndefined();
    }
  });

  it('has no more rights than over HTTP', async () => {
    const { client } = connect();
    const refused = watch(client, 'mutation { projectCreate(input: { name: "x" }) { project { id } } }');
    await eventually('an answer', async () => refused.done);
    expect(refused.results[0].errors[0].extensions.code).toBe('UNAUTHENTICATED');
    await client.dispose();
  });

  it('ends with the session, at the next operation', async () => {
    const authorization = await api.signIn('Ending');
    const { client } = connect({ authorization });
    const first = watch(client, WHO);
    await eventually('an answer', async () => first.done);
    await api.ask('mutation { signOut { userErrors { code } } }', {}, { authorization });
    const second = watch(client, WHO);
    await eventually('an answer', async () => second.done);
    expect(second.results[0].data.viewer).toBeNull();
    await client.dispose();
  });
});

describe('limits over a WebSocket', () => {
  const refusal = async (query: string, variables: Record<string, unknown> = {}) => {
    const { client } = connect();
    const seen = watch(client, query, variables);
    await eventually('an error', async () => seen.errors);
    await client.dispose();
    return seen.errors?.[0];
  };

  it.each([
    ['nonsense', '{', /./],
    ['an unknown field', '{ nope }', /./],
    ['too deep', `query ${'{ a '.repeat(20)}${'}'.repeat(20)}`, /TOO_DEEP/],
    ['too many fields', `{ ${'__typename '.repeat(1_200)} }`, /TOO_MANY/],
    ['too many tokens', `{ ${'__typename '.repeat(4_001)} }`, /./],
    [
      'two subscriptions at once',
      `subscription { a: runChanged(runId: "x") { id } b: runChanged(runId: "x") { id } }`,
      /./,
    ],
  ])('%s', async (_name, query, code) => {
    const error = await refusal(query);
    expect(error?.extensions?.code).toMatch(code);
    expect(error?.extensions?.code).not.toBe('INTERNAL_SERVER_ERROR');
  });

  it('survives many refused operations on one connection', async () => {
    const { client } = connect();
    for (let i = 0; i < 60; i += 1) {
      const seen = watch(client, '{ nope }');
      await eventually('an error', async () => seen.errors);
    }
    const fine = watch(client, '{ __typename }');
    await eventually('an answer', async () => fine.done);
    expect(fine.results[0].data.__typename).toBe('Query');
    await client.dispose();
  });

  it('closes a connection that asks for more than twenty at a time', async () => {
    const { client, closed } = connect();
    for (let i = 0; i < 21; i += 1) watch(client, CHANGED, { id: campaign.id });
    expect(await closed).toMatchObject({ code: 4429, reason: expect.stringContaining('20') });
    expect((await fetch(`${api.url}/health/live`)).status).toBe(200);
  });

  it('closes on a message larger than a request may be, and on what is no message', async () => {
    for (const message of ['x'.repeat(300_000), 'not json', '{"type":"nonsense"}']) {
      const socket = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
      await new Promise((resolve) => socket.once('open', resolve));
      const code = new Promise<number>((resolve) => socket.once('close', resolve));
      socket.on('error', () => undefined);
      socket.send(message);
      expect(await code).toBeGreaterThanOrEqual(1009);
    }
    expect((await fetch(`${api.url}/health/live`)).status).toBe(200);
  });
});
