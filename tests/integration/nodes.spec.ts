import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isRefused, newId, refuse } from '#kernel';
import { DONOR_PLEDGES, type DonorPledges, Fleet, NodesCommands } from '#nodes';
import { Handlers, UnitOfWork, type Viewer } from '#platform';
import { generateNodeKey, keyThumbprint } from '#protocol';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';
import {
  type AnswerBody,
  type NodesApp,
  type Sent,
  beat,
  beatMessage,
  insertContributor,
  joinMessage,
  joinNode,
  send,
  startNodesApp,
} from './nodes-app.js';

const ENDED_PLEDGE = newId();
type SignedIn = Viewer & { kind: 'contributor' };
let db: TestDatabase;
let nodes: NodesApp;
let owner: SignedIn;
let commands: NodesCommands;

const viewerOf = (person: { id: string; pseudonym: string }): SignedIn => ({
  kind: 'contributor',
  contributorId: person.id,
  pseudonym: person.pseudonym,
  displayName: 'Ada',
  scopes: 'all',
  platformRoles: new Set(),
});

beforeAll(async () => {
  db = await createTestDatabase();
  // Whoever keeps pledges is another room; this one asks it and nothing else. Its own answers: pledges-compute.spec.ts.
  const pledges: DonorPledges = {
    deliveryRefusal: (_, pledgeId) =>
      Promise.resolve(
        pledgeId === ENDED_PLEDGE ? refuse({ code: 'PLEDGE_STATE_INVALID', message: 'It has ended.' }) : undefined,
      ),
  };
  nodes = await startNodesApp(db, { providers: [{ provide: DONOR_PLEDGES, useValue: pledges }] });
  owner = viewerOf(await insertContributor(db));
  commands = nodes.app.get(NodesCommands);
});
afterAll(async () => {
  await nodes?.close();
  await db?.close();
});

const newToken = async (input: { name?: string; computePledgeId?: string } = {}): Promise<string> => {
  const made = await commands.createJoinToken(owner, input);
  if (isRefused(made)) throw new Error(made.first.code);
  return made.token;
};
const newNode = async () => joinNode(nodes.url, await newToken());
const rowOf = async (nodeId: string) =>
  (
    await db.dataSource.query(
      'SELECT n.*, l.seq, l.last_seen_at, l.xmin::text AS version FROM node n JOIN node_liveness l ON l.node_id = n.id WHERE id = $1',
      [nodeId],
    )
  )[0];
const eventsOf = async (nodeId: string): Promise<string[]> =>
  (
    await db.dataSource.query('SELECT type FROM event_outbox WHERE aggregate_id = $1 AND is_public ORDER BY seq', [
      nodeId,
    ])
  ).map((row: { type: string }) => row.type);
const silentFor = (nodeId: string, ms: number) =>
  db.dataSource.query(
    `UPDATE node_liveness SET last_seen_at = now() - $2::double precision * interval '1 millisecond' WHERE node_id = $1`,
    [nodeId, ms],
  );
const tick = async () => {
  const clock = nodes.app
    .get(Handlers)
    .clocks()
    .find((candidate) => candidate.name === 'node-liveness');
  await clock?.tick();
};
const refusal = (sent: Sent) => [sent.status, sent.body.error?.code];

describe('joining', () => {
  it('enrols the machine, says so in public, and keeps only the hash of the token', async () => {
    const pledgeId = newId();
    const token = await newToken({ name: 'Attic', computePledgeId: pledgeId });
    const node = await joinNode(nodes.url, token);
    expect(await rowOf(node.nodeId)).toMatchObject({
      name: 'Attic',
      state: 'registered',
      gpu_class: 'cpu',
      device_count: 1,
      compute_pledge_id: pledgeId,
      region: 'eu-west',
    });
    const [event] = await db.dataSource.query('SELECT payload FROM event_outbox WHERE aggregate_id = $1', [
      node.nodeId,
    ]);
    expect(event.payload).toEqual({
      nodeId: node.nodeId,
      owner: owner.pseudonym,
      name: 'Attic',
      class: 'cpu',
      count: 1,
      region: 'eu-west',
    });
    const [{ stored }] = await db.dataSource.query('SELECT string_agg(t::text, $1) AS stored FROM node_join_token t', [
      '',
    ]);
    expect(stored).not.toContain(token);
  });

  it('makes no token for a pledge that the room of pledges refuses', async () => {
    const tokens = () => db.dataSource.query('SELECT count(*) AS n FROM node_join_token');
    const before = await tokens();
    const refused = await commands.createJoinToken(owner, { computePledgeId: ENDED_PLEDGE });
    expect(isRefused(refused) && refused.first.code).toBe('PLEDGE_STATE_INVALID');
    expect(await tokens()).toEqual(before);
  });

  it('answers the same node when the same key shows the same token again, and refuses another key', async () => {
    const token = await newToken({ name: 'Attic' });
    const key = generateNodeKey();
    const options = { key, keyId: keyThumbprint(key.x) };
    const first = await send(nodes.url, '/agent/v1/join', joinMessage(token, key), options);
    const again = await send(nodes.url, '/agent/v1/join', joinMessage(token, key), options);
    expect([first.status, again.body.nodeId]).toEqual([200, first.body.nodeId]);
    expect([first.body.name, again.body.name]).toEqual(['Attic', 'Attic']);
    await expect(joinNode(nodes.url, token)).rejects.toThrow('AGENT_JOIN_TOKEN_USED');
    const known = await send(nodes.url, '/agent/v1/join', joinMessage(await newToken(), key), options);
    expect(refusal(known)).toEqual([409, 'AGENT_KEY_KNOWN']);
  });

  it('lets one of many that race with one token in', async () => {
    const token = await newToken();
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => joinNode(nodes.url, token)));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  });

  it('refuses unknown and expired tokens, foreign versions and malformed messages, and changes nothing', async () => {
    const key = generateNodeKey();
    const options = { key, keyId: keyThumbprint(key.x) };
    const expired = await newToken();
    await db.dataSource.query(
      `UPDATE node_join_token SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day' WHERE used_at IS NULL`,
    );
    const join = (message: unknown) => send(nodes.url, '/agent/v1/join', message, options);
    const before = await db.dataSource.query('SELECT count(*) FROM node');
    expect(refusal(await join(joinMessage(expired, key)))).toEqual([403, 'AGENT_JOIN_TOKEN_EXPIRED']);
    expect(refusal(await join(joinMessage('cwj_'.padEnd(47, 'x'), key)))).toEqual([403, 'AGENT_JOIN_TOKEN_UNKNOWN']);
    expect(refusal(await join({ ...joinMessage(expired, key), protocolVersion: 99 }))).toEqual([
      426,
      'AGENT_PROTOCOL_UNSUPPORTED',
    ]);
    const impossible = {
      ...joinMessage(expired, key),
      inventory: { ...joinMessage(expired, key).inventory, count: 512 },
    };
    expect(await join(impossible)).toMatchObject({
      status: 422,
      body: { error: { code: 'AGENT_BODY_INVALID', detail: expect.stringContaining('inventory.count') } },
    });
    const other = generateNodeKey();
    expect(refusal(await join({ ...joinMessage(expired, other) }))).toEqual([401, 'AGENT_SIGNATURE_INVALID']);
    expect(await db.dataSource.query('SELECT count(*) FROM node')).toEqual(before);
  });
});

describe('signatures', () => {
  it('refuses what this node did not sign for this request, and changes nothing', async () => {
    const node = await newNode();
    const before = await rowOf(node.nodeId);
    const cases = {
      AGENT_SIGNATURE_MISSING: await beat(
        nodes.url,
        node,
        {},
        { tamper: (request) => delete request.headers['signature'] },
      ),
      AGENT_SIGNATURE_MALFORMED: await beat(
        nodes.url,
        node,
        {},
        { tamper: (request) => (request.headers['signature-input'] = 'cw=garbage') },
      ),
      AGENT_DIGEST_MISMATCH: await beat(
        nodes.url,
        node,
        {},
        { tamper: (request) => (request.body = request.body.replace('available', 'draining')) },
      ),
      AGENT_SIGNATURE_LATE: await beat(nodes.url, node, {}, { now: new Date(Date.now() - 61_000) }),
      AGENT_UNKNOWN_NODE: await beat(nodes.url, node, {}, { keyId: newId() }),
      AGENT_SIGNATURE_INVALID: await beat(nodes.url, node, {}, { key: generateNodeKey() }),
    };
    for (const [code, sent] of Object.entries(cases)) expect([code, sent.body.error?.code]).toEqual([code, code]);
    const elsewhere = await beat(nodes.url, node, {}, { tamper: (request) => (request.path = '/agent/v1/leave') });
    expect(refusal(elsewhere)).toEqual([401, 'AGENT_SIGNATURE_INVALID']);
    const future = await beat(nodes.url, node, {}, { now: new Date(Date.now() + 365 * 86_400_000) });
    expect(future.body.error).toMatchObject({
      code: 'AGENT_SIGNATURE_LATE',
      serverTime: expect.any(String),
      hint: expect.any(String),
    });
    expect(await rowOf(node.nodeId)).toEqual(before);
  });

  it('accepts a signature once, also when copies of it race', async () => {
    const node = await newNode();
    const message = beatMessage(node);
    const first = await send(nodes.url, '/agent/v1/heartbeat', message, { key: node.key, keyId: node.nodeId });
    const resend = () =>
      fetch(`${nodes.url}/agent/v1/heartbeat`, {
        method: 'POST',
        headers: first.headers,
        body: JSON.stringify(message),
      });
    await silentFor(node.nodeId, 60_000);
    const before = await rowOf(node.nodeId);
    const replay = await resend();
    expect([first.status, replay.status, ((await replay.json()) as AnswerBody).error?.code]).toEqual([
      200,
      401,
      'AGENT_REPLAYED',
    ]);
    expect(await rowOf(node.nodeId), 'a copy of a beat is no sign of life').toEqual(before);

    const options = { key: node.key, keyId: node.nodeId, nonce: 'the-same-nonce-for-all-of-them' };
    const racers = await Promise.all(
      Array.from({ length: 12 }, () => send(nodes.url, '/agent/v1/heartbeat', message, options)),
    );
    expect(racers.filter((sent) => sent.status === 200)).toHaveLength(1);
    expect(racers.filter((sent) => sent.body.error?.code === 'AGENT_REPLAYED')).toHaveLength(11);
  });
});

describe('heartbeats', () => {
  it('of many nodes share statements, and each is answered', async () => {
    const fleet = await Promise.all(Array.from({ length: 40 }, () => newNode()));
    const run = vi.spyOn(nodes.app.get(UnitOfWork), 'run');
    const answers = await Promise.all(fleet.map((node) => beat(nodes.url, node)));
    const writes = run.mock.calls.filter(([name]) => name === 'heartbeats').length;
    run.mockRestore();
    expect(answers.every((sent) => sent.status === 200 && sent.body.heartbeatMs === 2_000)).toBe(true);
    expect(writes).toBeLessThan(30);
    const states = await db.dataSource.query('SELECT DISTINCT state FROM node WHERE id = ANY($1)', [
      fleet.map((node) => node.nodeId),
    ]);
    expect(states).toEqual([{ state: 'idle' }]);
  });

  it('persist only what is new: not within half a beat, not an older one', async () => {
    const node = await newNode();
    await beat(nodes.url, node);
    const first = await rowOf(node.nodeId);
    await beat(nodes.url, node);
    expect((await rowOf(node.nodeId)).version).toBe(first.version);
    await silentFor(node.nodeId, 5_000);
    const silent = await rowOf(node.nodeId);
    await beat(nodes.url, node, { seq: 0 });
    expect((await rowOf(node.nodeId)).version).toBe(silent.version);
    await beat(nodes.url, node);
    expect((await rowOf(node.nodeId)).version).not.toBe(silent.version);
  });

  it('refuse a message of another form and name the field', async () => {
    const node = await newNode();
    const sent = await beat(nodes.url, node, { state: 'dancing' as never });
    expect(sent).toMatchObject({
      status: 422,
      body: { error: { code: 'AGENT_BODY_INVALID', detail: expect.stringContaining('state') } },
    });
  });
});

describe('coming and going', () => {
  it('drain, leave, return and retire are public, once each', async () => {
    const node = await newNode();
    const post = (path: string, message: object) =>
      send(nodes.url, path, message, { key: node.key, keyId: node.nodeId });
    await beat(nodes.url, node);
    await post('/agent/v1/drain', {});
    await beat(nodes.url, node, { state: 'draining' });
    await post('/agent/v1/leave', {});
    await post('/agent/v1/leave', {});
    expect((await rowOf(node.nodeId)).state).toBe('offline');
    await beat(nodes.url, node);
    expect((await rowOf(node.nodeId)).state).toBe('idle');
    await post('/agent/v1/leave', { retire: true });
    expect(await eventsOf(node.nodeId)).toEqual([
      'node.joined',
      'node.draining',
      'node.left',
      'node.joined',
      'node.left',
    ]);
    expect(refusal(await beat(nodes.url, node))).toEqual([403, 'AGENT_NODE_RETIRED']);
  });

  it('a silent node is suspect, then lost when no lease can be live, and comes back', async () => {
    const node = await newNode();
    await beat(nodes.url, node);
    await silentFor(node.nodeId, 7_000);
    await tick();
    expect((await rowOf(node.nodeId)).state).toBe('suspect');
    await beat(nodes.url, node);
    expect((await rowOf(node.nodeId)).state).toBe('idle');
    await silentFor(node.nodeId, 33_500);
    await tick();
    await tick();
    expect((await rowOf(node.nodeId)).state).toBe('lost');
    await beat(nodes.url, node);
    expect(await eventsOf(node.nodeId)).toEqual(['node.joined', 'node.lost', 'node.joined']);
  });

  it('the clock forgets nonces only when no signature with them can be accepted any more', async () => {
    await db.dataSource.query(
      `INSERT INTO node_nonce VALUES ('k', 'old', now() - interval '1 second'), ('k', 'young', now() + interval '1 minute')`,
    );
    await tick();
    expect(await db.dataSource.query(`SELECT nonce FROM node_nonce WHERE key_id = 'k'`)).toEqual([{ nonce: 'young' }]);
  });

  it('an owner asks for a drain and the agent hears of it; a stranger may not', async () => {
    const node = await newNode();
    await beat(nodes.url, node);
    const stranger = viewerOf(await insertContributor(db));
    const refused = await commands.requestDrain(stranger, node.nodeId);
    expect(isRefused(refused) && refused.first.code).toBe('NODE_NOT_YOURS');
    const unknown = await commands.requestDrain(owner, newId());
    expect(isRefused(unknown) && unknown.first.code).toBe('NODE_NOT_FOUND');
    expect(isRefused(await commands.requestDrain(owner, node.nodeId))).toBe(false);
    expect((await beat(nodes.url, node)).body.desiredState).toBe('draining');
    await send(nodes.url, '/agent/v1/leave', {}, { key: node.key, keyId: node.nodeId });
    const offline = await commands.requestDrain(owner, node.nodeId);
    expect(isRefused(offline) && offline.first.code).toBe('NODE_NOT_RUNNING');
    expect((await beat(nodes.url, node)).body.desiredState).toBe('available');
  });
});

describe('the fleet', () => {
  it('shows who is there, and loses a node for an expired lease only when it is silent', async () => {
    const fleet = nodes.app.get(Fleet);
    const node = await newNode();
    await beat(nodes.url, node, { address: '10.0.0.7' });
    const seen = await db.uow.read((tx) => fleet.snapshot(tx));
    expect(seen.find((candidate) => candidate.nodeId === node.nodeId)).toMatchObject({
      owner: owner.pseudonym,
      class: 'cpu',
      count: 1,
      state: 'available',
      address: '10.0.0.7',
    });
    await db.uow.run('t', (tx) => fleet.markLost(tx, node.nodeId));
    expect((await rowOf(node.nodeId)).state).toBe('idle');
    await silentFor(node.nodeId, 10_000);
    await db.uow.run('t', (tx) => fleet.markLost(tx, node.nodeId));
    await db.uow.run('t', (tx) => fleet.markLost(tx, node.nodeId));
    expect(await eventsOf(node.nodeId)).toEqual(['node.joined', 'node.lost']);
    const left = await db.uow.read((tx) => fleet.snapshot(tx));
    expect(left.some((candidate) => candidate.nodeId === node.nodeId)).toBe(false);
  });
});

describe('hours', () => {
  it('keep new work away outside them, and only their owner sets them', async () => {
    const fleet = nodes.app.get(Fleet);
    const node = await newNode();
    await beat(nodes.url, node);
    const seen = async () =>
      (await db.uow.read((tx) => fleet.snapshot(tx))).find((candidate) => candidate.nodeId === node.nodeId);
    const tomorrow = ['SU', 'MO', 'TU', 'WE', 'TH', 'FR', 'SA'][(new Date().getUTCDay() + 1) % 7];
    const set = (rrule: string, viewer = owner) =>
      commands.setHours(viewer, node.nodeId, [{ rrule, durationMinutes: 60 }]);
    await set(`FREQ=WEEKLY;BYDAY=${tomorrow};BYHOUR=12`);
    expect(await seen()).toMatchObject({ state: 'away', availableUntil: null });
    const stranger = await set('FREQ=DAILY', viewerOf(await insertContributor(db)));
    const wrong = await set('FREQ=HOURLY');
    expect([stranger, wrong].map((outcome) => isRefused(outcome) && outcome.first.code)).toEqual([
      'NODE_NOT_YOURS',
      'NODE_HOURS_INVALID',
    ]);
    expect((await seen())?.state).toBe('away');
    await commands.setHours(owner, node.nodeId, [{ rrule: 'FREQ=DAILY', durationMinutes: 1440 }]);
    expect(await seen()).toMatchObject({ state: 'available', availableUntil: null });
  });
});
