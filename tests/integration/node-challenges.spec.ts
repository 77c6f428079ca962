import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { NodesCommands, nodesInvariants } from '#nodes';
import { type Viewer, UnitOfWork } from '#platform';
import { type ChallengePlan, ChallengeProver, challengeSeed, type messages } from '#protocol';
import { NodeChallengeClock } from '../../libs/nodes/src/challenges/challenge.clock.js';
import { ChallengesCommands } from '../../libs/nodes/src/challenges/challenges.commands.js';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';
import { type NodesApp, type TestNode, beat, insertContributor, joinNode, send, startNodesApp } from './nodes-app.js';

/** Nodes that answer their hardware challenges over HTTP, rightly and not. */
let db: TestDatabase;
let nodes: NodesApp;
let owner: Viewer & { kind: 'contributor' };
let operator: Viewer & { kind: 'contributor' };

const viewer = async (roles: ('operator' | 'regulator')[]): Promise<Viewer & { kind: 'contributor' }> => {
  const { id, pseudonym } = await insertContributor(db);
  const rest = { scopes: null, platformRoles: new Set(roles), sessionId: null };
  return { kind: 'contributor', contributorId: id, pseudonym, ...rest } as unknown as Viewer & { kind: 'contributor' };
};

beforeAll(async () => {
  db = await createTestDatabase();
  nodes = await startNodesApp(db, { isChallenged: true });
  owner = await viewer([]);
  operator = await viewer(['operator']);
});
afterAll(async () => {
  await nodes?.close();
  await db?.close();
});

const must = <T>(outcome: T): Exclude<T, { refusals: unknown }> => {
  if (isRefused(outcome as never)) throw new Error(JSON.stringify(outcome));
  return outcome as Exclude<T, { refusals: unknown }>;
};
const newNode = async (): Promise<TestNode> => {
  const { token } = must(await nodes.app.get(NodesCommands).createJoinToken(owner, {}));
  return joinNode(nodes.url, token);
};
const tick = (): Promise<void> => nodes.app.get(NodeChallengeClock).tick();
const commands = (): ChallengesCommands => nodes.app.get(ChallengesCommands);
const post = (node: TestNode, challengeId: string, what: string, message: object) =>
  send(nodes.url, `/agent/v1/challenges/${challengeId}/${what}`, message, { key: node.key, keyId: node.nodeId });
const told = async (node: TestNode): Promise<messages.ChallengeDirective[]> =>
  (await beat(nodes.url, node)).body.challenges ?? [];
const theOne = async (node: TestNode): Promise<messages.ChallengeDirective> => {
  const [directive, ...others] = await told(node);
  if (!directive || others.length > 0) throw new Error(`${others.length} challenges, or none`);
  return directive;
};
const stateOf = async (node: TestNode) => {
  const [row] = await db.dataSource.query(
    'SELECT state, state_cause AS cause, verified_at AS "verifiedAt" FROM node WHERE id = $1',
    [node.nodeId],
  );
  return row as { state: string; cause: string; verifiedAt: Date | null };
};
const lastOf = async (node: TestNode) =>
  (
    await db.dataSource.query(
      'SELECT state, fault, detail, cause, opening FROM node_challenge WHERE node_id = $1 ORDER BY id DESC LIMIT 1',
      [node.nodeId],
    )
  )[0];
const countOf = async (node: TestNode): Promise<number> =>
  (await db.dataSource.query('SELECT count(*)::int AS n FROM node_challenge WHERE node_id = $1', [node.nodeId]))[0].n;
const eventsOf = async (node: TestNode): Promise<string[]> =>
  (
    await db.dataSource.query('SELECT type FROM event_outbox WHERE aggregate_id = $1 AND is_public ORDER BY seq', [
      node.nodeId,
    ])
  ).map((row: { type: string }) => row.type);
/** What the platform does once that much time has gone by. */
const later = (ms: number): Promise<number> =>
  new ChallengesCommands(new UnitOfWork(db.dataSource, { now: () => new Date(Date.now() + ms) })).endOverdue();
/** Time goes by for one challenge, without anybody's doing anything. */
const runOut = (challengeId: string): Promise<unknown> =>
  db.dataSource.query(
    `UPDATE node_challenge SET answer_by = answer_by - interval '1 hour' WHERE id = $1 AND state IN ('issued', 'started')`,
    [challengeId],
  );

/** Answers as an honest node does, but for the work itself, which is the caller's. */
async function answer(
  node: TestNode,
  { challengeId, plan }: messages.ChallengeDirective,
  work: (seed: Buffer, plan: ChallengePlan) => ChallengeProver & { root: Buffer } = honestly,
): Promise<void> {
  const started = await post(node, challengeId, 'start', {});
  expect(started.status).toBe(200);
  const nonce = Buffer.from(started.body.nonce ?? '', 'hex');
  const prover = work(challengeSeed(nonce, Buffer.from(node.key.x, 'base64url'), challengeId), plan);
  const committed = await post(node, challengeId, 'commitment', { commitment: prover.root.toString('hex') });
  expect(committed.status).toBe(200);
  const opening = prover.open(Buffer.from(committed.body.reveal ?? '', 'hex'));
  expect((await post(node, challengeId, 'opening', { opening })).status).toBe(200);
}
const honestly = (seed: Buffer, plan: ChallengePlan) => {
  const prover = new ChallengeProver(seed, plan);
  return Object.assign(prover, { root: prover.commit() });
};
/** Matrices of nothing instead of products. */
const idly = (seed: Buffer, plan: ChallengePlan) => {
  const prover = new ChallengeProver(seed, plan);
  const nothing = Array.from({ length: plan.segments }, () => new Int8Array(plan.side ** 2));
  return Object.assign(prover, { root: prover.commitTo(nothing) });
};

describe('a node that joins', () => {
  it('gives nothing until it has shown what it can do, and then does', async () => {
    const node = await newNode();
    const directive = await theOne(node);
    expect(directive).toMatchObject({ device: 0, plan: { side: 256, columns: 6 } });
    expect((await stateOf(node)).state).toBe('attesting');
    expect(await theOne(node)).toEqual(directive);

    await answer(node, directive);
    expect((await stateOf(node)).state).toBe('benchmarking');
    expect(await told(node)).toEqual([]);
    await tick();
    expect(await stateOf(node)).toMatchObject({
      state: 'idle',
      cause: 'challenge passed',
      verifiedAt: expect.any(Date),
    });
    expect(await lastOf(node)).toMatchObject({ state: 'passed', cause: 'join', fault: null, opening: null });
    expect(await eventsOf(node)).toEqual(['node.joined', 'node.verified']);
    expect(await told(node)).toEqual([]);
    expect((await stateOf(node)).state).toBe('idle');
    for (const check of nodesInvariants)
      expect(await nodes.app.get(UnitOfWork).read((tx) => check.run(tx)), check.name).toMatchObject({ ok: true });
  });

  it('may ask twice, and is answered the same; but commits once, opens after it has, and answers its own only', async () => {
    const [node, other] = [await newNode(), await newNode()];
    const { challengeId } = await theOne(node);
    await theOne(other);
    const code = async (who: TestNode, what: string, message: object) =>
      (await post(who, challengeId, what, message)).body.error?.code;
    const commitment = randomBytes(32).toString('hex');

    expect(await code(other, 'start', {})).toBe('NODE_CHALLENGE_UNKNOWN');
    expect(await code(node, 'commitment', { commitment })).toBe('NODE_CHALLENGE_OVER');
    expect(await code(node, 'opening', { opening: [] })).toBe('NODE_CHALLENGE_OVER');
    const { nonce } = (await post(node, challengeId, 'start', {})).body;
    expect((await post(node, challengeId, 'start', {})).body.nonce).toBe(nonce);
    expect(await code(node, 'opening', { opening: [] })).toBe('NODE_CHALLENGE_OVER');
    expect(await code(node, 'commitment', { commitment: 'deadbeef' })).toBe('AGENT_BODY_INVALID');
    expect(await code(other, 'commitment', { commitment })).toBe('NODE_CHALLENGE_UNKNOWN');
    const { reveal } = (await post(node, challengeId, 'commitment', { commitment })).body;
    expect((await post(node, challengeId, 'commitment', { commitment })).body.reveal).toBe(reveal);
    expect(await code(node, 'commitment', { commitment: randomBytes(32).toString('hex') })).toBe(
      'NODE_CHALLENGE_COMMITTED',
    );
    expect(await code(node, 'start', {})).toBe('NODE_CHALLENGE_OVER');
  });

  it('is challenged on each of its devices', async () => {
    const node = await newNode();
    await db.dataSource.query('UPDATE node SET device_count = 3 WHERE id = $1', [node.nodeId]);
    const directives = await told(node);
    expect(directives.map((d) => d.device)).toEqual([0, 1, 2]);
    for (const directive of directives.slice(0, 2)) await answer(node, directive);
    await tick();
    expect((await stateOf(node)).state).toBe('benchmarking');
    await answer(node, directives[2] as messages.ChallengeDirective);
    await tick();
    expect((await stateOf(node)).state).toBe('idle');
  });
});

describe('a node that cheats', () => {
  it('goes to quarantine at once, says why it should not, and is challenged anew when an operator agrees', async () => {
    const node = await newNode();
    await answer(node, await theOne(node), idly);
    await tick();
    expect(await stateOf(node)).toMatchObject({
      state: 'quarantined',
      cause: expect.stringMatching(/^device 0: (rows|chain): /),
      verifiedAt: null,
    });
    expect(await eventsOf(node)).toEqual(['node.joined', 'node.quarantined']);
    expect(await told(node)).toEqual([]);
    expect((await stateOf(node)).state).toBe('quarantined');

    const refused = async (outcome: Promise<unknown>): Promise<string> => {
      const answered = await outcome;
      return isRefused(answered as never) ? (answered as { first: { code: string } }).first.code : 'not refused';
    };
    const { nodeId } = node;
    const statement = 'The card had a broken fan; it has been changed.';
    const decide = (who: typeof owner, lift: boolean, reason = 'A photo of the new fan was sent.') =>
      commands().decideAppeal(who, { nodeId, lift, reason });
    expect(await refused(decide(operator, true))).toBe('NODE_APPEAL_NONE');
    expect(await refused(commands().appeal(operator, nodeId, statement))).toBe('NODE_NOT_YOURS');
    expect(await refused(commands().appeal(owner, nodeId, 'Please!'))).toBe('NODE_APPEAL_STATEMENT_INVALID');
    must(await commands().appeal(owner, nodeId, statement));
    expect(await refused(commands().appeal(owner, nodeId, statement))).toBe('NODE_APPEAL_PENDING');
    expect(await refused(decide(owner, true))).toBe('NODE_APPEAL_OWN');
    expect(await refused(decide(operator, true, 'ok'))).toBe('NODE_APPEAL_REASON_INVALID');

    must(await decide(operator, false, 'The claim could not be followed.'));
    expect((await stateOf(node)).state).toBe('quarantined');
    must(await commands().appeal(owner, nodeId, statement));
    must(await decide(operator, true));
    expect(await stateOf(node)).toMatchObject({ state: 'attesting', cause: expect.stringContaining('new fan') });
    await answer(node, await theOne(node));
    await tick();
    expect((await stateOf(node)).state).toBe('idle');
    expect(await lastOf(node)).toMatchObject({ cause: 'appeal', state: 'passed' });
    expect(await refused(commands().appeal(owner, nodeId, statement))).toBe('NODE_NOT_QUARANTINED');
  });
});

describe('a node that is late or silent', () => {
  it('is refused, gets two more tries, and then goes to quarantine', async () => {
    const node = await newNode();
    const first = await theOne(node);
    await post(node, first.challengeId, 'start', {});
    await runOut(first.challengeId);
    const late = await post(node, first.challengeId, 'commitment', { commitment: randomBytes(32).toString('hex') });
    expect(late.body.error?.code).toBe('NODE_CHALLENGE_LATE');
    await tick();
    expect(await countOf(node)).toBe(2);
    expect((await stateOf(node)).state).toBe('benchmarking');

    await runOut((await theOne(node)).challengeId);
    await tick();
    expect(await countOf(node)).toBe(3);
    await runOut((await theOne(node)).challengeId);
    await tick();
    expect(await countOf(node)).toBe(3);
    expect(await stateOf(node)).toMatchObject({
      state: 'quarantined',
      cause: 'device 0: silent: it did not get ready',
    });
  });

  it('may commit and say no more: that is silence too', async () => {
    const node = await newNode();
    const { challengeId } = await theOne(node);
    await post(node, challengeId, 'start', {});
    await post(node, challengeId, 'commitment', { commitment: randomBytes(32).toString('hex') });
    await later(59_000);
    expect((await lastOf(node)).state).toBe('committed');
    await later(61_000);
    const [{ state, fault, detail }] = await db.dataSource.query(
      'SELECT state, fault, detail FROM node_challenge WHERE id = $1',
      [challengeId],
    );
    expect([state, fault, detail]).toEqual(['expired', 'silent', 'it committed and did not open']);
  });
});

describe('a node that has passed', () => {
  it('is challenged again when nobody expects it, and gives nothing until it has passed anew', async () => {
    const node = await newNode();
    await answer(node, await theOne(node));
    await tick();
    // Its next challenge has a date, which nobody is told.
    const [{ due }] = await db.dataSource.query('SELECT challenge_due_at AS due FROM node WHERE id = $1', [
      node.nodeId,
    ]);
    expect(due).toBeInstanceOf(Date);
    await db.dataSource.query('UPDATE node SET challenge_due_at = now() WHERE id = $1', [node.nodeId]);
    await tick();
    expect(await stateOf(node)).toMatchObject({ state: 'attesting', cause: 'challenged again', verifiedAt: null });
    await answer(node, await theOne(node));
    await tick();
    expect((await stateOf(node)).state).toBe('idle');
    expect(await lastOf(node)).toMatchObject({ cause: 'repeat', state: 'passed' });
  });

  it('keeps what it has shown when it leaves and comes back', async () => {
    const node = await newNode();
    await answer(node, await theOne(node));
    await tick();
    const leave = { key: node.key, keyId: node.nodeId };
    await send(nodes.url, '/agent/v1/leave', {}, leave);
    expect((await stateOf(node)).state).toBe('offline');
    await beat(nodes.url, node);
    expect((await stateOf(node)).state).toBe('idle');
  });

  it('can’t have what it was challenged with changed', async () => {
    const node = await newNode();
    await answer(node, await theOne(node));
    await tick();
    const change = (what: string) =>
      db.dataSource.query(`UPDATE node_challenge SET ${what} WHERE node_id = $1`, [node.nodeId]);
    await expect(change(`state = 'failed', fault = 'chain'`)).rejects.toThrow('has ended does not change');
  });
});
