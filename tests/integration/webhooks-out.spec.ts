import { createHmac } from 'node:crypto';
import { type IncomingHttpHeaders, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NotificationsModule } from '#notifications';
import { toGlobalId } from '#platform';
import { eventually } from '../../libs/testkit/src/index.js';
import { FundingStage, type Person } from './funding.stage.js';

/** A program of the project's that listens. */
const heard: { headers: IncomingHttpHeaders; body: string }[] = [];
let status = 200;
let delayMs = 0;
const program: Server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
  request.on('end', () => {
    heard.push({ headers: request.headers, body });
    setTimeout(() => response.writeHead(status).end(), delayMs);
  });
});

const home = mkdtempSync(join(tmpdir(), 'commonweights-webhooks-'));
let stage: FundingStage;
let owner: Person;
let projectId: string;
let campaignId: string;
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => program.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(program.address() as AddressInfo).port}/hook`;
  stage = await FundingStage.open({}, { modules: [NotificationsModule], env: { COMMONWEIGHTS_HOME: home } });
  owner = await stage.person('Ishmael');
  campaignId = await stage.liveCampaign(owner);
  const [row] = await stage.rows<{ project_id: string }>('SELECT project_id FROM campaign WHERE id = $1', [campaignId]);
  projectId = toGlobalId('Project', row?.project_id ?? '');
  await stage.relay();
});
afterAll(async () => {
  await stage.close();
  program.close();
  rmSync(home, { recursive: true, force: true });
});

const FIELDS = `webhookEndpoint { id url enabled disabledReason eventTypes nextPosition failingSince recentAttempts { eventType status error } } secret userErrors { code }`;
const mutate = async (name: string, type: string, input: object, as: Person) => {
  const query = `mutation($input: ${type}!) { ${name}(input: $input) { ${FIELDS} } }`;
  const { data, errors } = await stage.gql(query, { input }, as);
  expect(errors).toBeUndefined();
  return data[name];
};
const create = (input: object, as = owner) =>
  mutate('webhookEndpointCreate', 'WebhookEndpointCreateInput', { projectId, url, ...input }, as);
const set = (input: object, as = owner) => mutate('webhookEndpointSet', 'WebhookEndpointSetInput', input, as);
const types = () => heard.map(({ body }) => (JSON.parse(body) as { type: string }).type);
async function update(title: string): Promise<void> {
  await stage.db.uow.run('test', (tx) => {
    const payload = { campaignId, title };
    tx.emit({
      type: 'campaign.update.published',
      aggregateType: 'campaign',
      aggregateId: campaignId,
      payload,
      isPublic: true,
    });
    return Promise.resolve(undefined);
  });
  await stage.relay();
}

let endpointId: string;
let secret: string;

it('is made by a maintainer, and its secret shown once', async () => {
  const stranger = await stage.person('Ahab');
  expect((await create({}, stranger)).userErrors).toEqual([{ code: 'PROJECT_ROLE_REQUIRED' }]);
  expect((await create({ url: 'ftp://x' })).userErrors).toEqual([{ code: 'WEBHOOK_URL_INVALID' }]);
  expect((await create({ eventTypes: ['No'] })).userErrors).toEqual([{ code: 'WEBHOOK_TYPES_INVALID' }]);
  const made = await create({});
  expect(made.userErrors).toEqual([]);
  expect(made.secret).toMatch(/^whsec_/);
  endpointId = made.webhookEndpoint.id;
  secret = made.secret;
  expect((await create({})).userErrors).toEqual([{ code: 'WEBHOOK_EXISTS' }]);
  const query = 'query($projectId: ID!) { webhookEndpoints(projectId: $projectId) { id } webhookPublicKey }';
  expect((await stage.gql(query, { projectId }, owner)).data.webhookEndpoints).toEqual([{ id: endpointId }]);
  expect((await stage.gql(query, { projectId }, stranger)).data.webhookEndpoints).toEqual([]);
  const [row] = await stage.rows<{ text: string }>('SELECT webhook_endpoint::text AS text FROM webhook_endpoint');
  expect(row?.text).not.toContain(secret.slice(6));
});

it('hears of each event of its project once, in order, signed', async () => {
  await update('one');
  await update('two');
  await stage.tick('notifications.webhooks');
  await stage.tick('notifications.webhooks');
  expect(heard.map(({ body }) => (JSON.parse(body) as { data: { title: string } }).data.title)).toEqual(['one', 'two']);
  for (const { headers, body } of heard) {
    const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
    const mac = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
      .update(content)
      .digest('base64');
    expect(String(headers['webhook-signature']).split(' ')).toContain(`v1,${mac}`);
  }
});

it('waits for the one before, and gets the same event again', async () => {
  heard.length = 0;
  status = 500;
  await update('three');
  await update('four');
  await stage.tick('notifications.webhooks');
  await stage.tick('notifications.webhooks');
  expect(types()).toHaveLength(1);
  status = 204;
  await stage.advance(6_000);
  await stage.tick('notifications.webhooks');
  expect(heard.map(({ body }) => (JSON.parse(body) as { data: { title: string } }).data.title)).toEqual([
    'three',
    'three',
    'four',
  ]);
  expect(heard[0]?.headers['webhook-id']).toBe(heard[1]?.headers['webhook-id']);
});

it('hears an event once, however many workers carry', async () => {
  heard.length = 0;
  for (const title of ['a', 'b', 'c']) await update(title);
  delayMs = 200;
  const first = stage.tick('notifications.webhooks');
  await eventually('the second event is on its way', () => Promise.resolve(heard.length === 2));
  await stage.tick('notifications.webhooks');
  await first;
  delayMs = 0;
  expect(heard.map(({ body }) => (JSON.parse(body) as { data: { title: string } }).data.title)).toEqual([
    'a',
    'b',
    'c',
  ]);
});

it('is switched off after five days of failures, and goes on where it stood', async () => {
  heard.length = 0;
  status = 410;
  await update('five');
  for (let day = 0; day < 6; day += 1) {
    await stage.tick('notifications.webhooks');
    await stage.advance(86_400_000);
  }
  await stage.tick('notifications.webhooks');
  const query = `query($projectId: ID!) { webhookEndpoints(projectId: $projectId) { enabled disabledReason recentAttempts { status error } } }`;
  const [endpoint] = (await stage.gql(query, { projectId }, owner)).data.webhookEndpoints;
  expect(endpoint).toMatchObject({
    enabled: false,
    recentAttempts: expect.arrayContaining([{ status: 410, error: 'answered 410' }]),
  });
  expect(endpoint.disabledReason).toMatch(/five days/);
  status = 200;
  heard.length = 0;
  expect((await set({ webhookEndpointId: endpointId, enabled: true })).webhookEndpoint.enabled).toBe(true);
  await stage.tick('notifications.webhooks');
  expect(heard.map(({ body }) => (JSON.parse(body) as { data: { title?: string } }).data.title)).toContain('five');
});

it('sends again from a position, only the types that are wanted, by a new secret', async () => {
  expect((await set({ webhookEndpointId: endpointId, fromPosition: '999999' })).userErrors).toEqual([
    { code: 'WEBHOOK_POSITION_INVALID' },
  ]);
  expect((await set({ webhookEndpointId: endpointId, enabled: false }, await stage.person('Ahab'))).userErrors).toEqual(
    [{ code: 'WEBHOOK_NOT_FOUND' }],
  );
  const rotated = await mutate(
    'webhookSecretRotate',
    'WebhookSecretRotateInput',
    { webhookEndpointId: endpointId },
    owner,
  );
  expect(rotated.secret).not.toBe(secret);
  heard.length = 0;
  await set({ webhookEndpointId: endpointId, fromPosition: '0', eventTypes: ['campaign.live'] });
  await stage.tick('notifications.webhooks');
  expect(types()).toEqual(['campaign.live']);
});
