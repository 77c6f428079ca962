import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel';
import { toGlobalId } from '#platform';
import { type NodeKey, generateNodeKey, signRequest } from '#protocol';
import { provenanceInvariants } from '#provenance';
import { trainingInvariants } from '#training';
import { CHECKPOINT_EDGES } from '../../libs/provenance/src/domain/checkpoint.machine.js';
import { type ApiStage, startApiStage } from '../contract/api.stage.js';
import { type FakeAgent, type Loose, safetensors, sha256 } from './training.agent.js';
import { HEARTBEAT_MS, TTL_MS, TrainingStage } from './training.stage.js';

/** An agent that speaks signed HTTP. */
class HttpAgent {
  readonly key: NodeKey = generateNodeKey();
  donor: FakeAgent;
  private seq = 0;
  leaseId = '';
  token = 0;
  phase: 'ready' | 'running' | 'exited' = 'ready';
  launch: Loose;

  constructor(private readonly url: string) {}

  async call(
    method: string,
    path: string,
    body: Buffer | object,
    signedBody?: Buffer,
  ): Promise<{ status: number; body: Loose }> {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const headers = signRequest({
      method,
      target: path,
      body: signedBody ?? bytes,
      keyId: this.donor.nodeId,
      key: this.key,
      now: new Date(),
    });
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { ...headers, 'content-type': Buffer.isBuffer(body) ? 'application/octet-stream' : 'application/json' },
      body: bytes as never,
    });
    const text = await response.text();
    return { status: response.status, body: text ? JSON.parse(text) : null };
  }

  async beat(): Promise<string[]> {
    const report = {
      token: this.token,
      phase: this.phase,
      rendezvousPort: 5_001,
      step: 1,
      busyMs: 10,
      energyMicroWh: 1,
    };
    const { status, body } = await this.call('POST', '/agent/v1/heartbeat', {
      seq: ++this.seq,
      bootId: this.donor.nodeId,
      state: 'available',
      address: '127.0.0.1',
      leases: this.leaseId
        ? [
            {
              leaseId: this.leaseId,
              ...report,
              energyMethod: 'estimate:cpu-tdp-share',
              ...(this.phase === 'exited' ? { exitCode: 0 } : {}),
            },
          ]
        : [],
    });
    expect([status, body.error]).toEqual([200, undefined]);
    const [lease] = body.leases;
    if (lease) {
      this.leaseId = lease.leaseId;
      this.token = lease.token;
      if (lease.launch) {
        this.launch = lease.launch;
        this.phase = 'running';
      }
    } else this.leaseId = '';
    return body.leases.map((l: { directive: string }) => l.directive);
  }

  declare(step: number, contents: Record<string, Buffer>, token = this.token) {
    const files = Object.entries(contents).map(([path, bytes]) => ({
      path,
      bytes: bytes.length,
      sha256: sha256(bytes),
    }));
    return this.call('POST', `/agent/v1/leases/${this.leaseId}/checkpoints`, {
      token,
      step,
      tokens: step * 10,
      loss: 2.5,
      files,
    });
  }

  complete(checkpointId: string) {
    return this.call('POST', `/agent/v1/checkpoints/${checkpointId}/complete`, { token: this.token });
  }

  /** Declares, sends and completes. */
  async checkpoint(step: number): Promise<{ id: string; contents: Record<string, Buffer> }> {
    const contents = {
      'model.safetensors': safetensors([step, 2, 3]),
      'opt/state.json': Buffer.from(`{"step":${step}}`),
    };
    const declared = await this.declare(step, contents);
    for (const { path, url } of declared.body.uploads) {
      expect((await this.call('PUT', url, contents[path as keyof typeof contents])).status).toBe(200);
    }
    expect((await this.complete(declared.body.checkpointId)).status).toBe(200);
    return { id: declared.body.checkpointId, contents };
  }
}

let api: ApiStage;
let stage: TrainingStage;
let agents: HttpAgent[];
let runId: string;
let first: HttpAgent;
let second: HttpAgent;
const campaignId = newId();

beforeAll(async () => {
  api = await startApiStage({ AGENT_HEARTBEAT_MS: String(HEARTBEAT_MS), AGENT_LEASE_TTL_MS: String(TTL_MS * 5) });
  stage = TrainingStage.beside(api.db);
  agents = [new HttpAgent(api.url), new HttpAgent(api.url)];
  for (const agent of agents) agent.donor = await stage.donor(campaignId, 600_000n, agent.key.x);
  runId = await stage.createRun(campaignId, await stage.recipe({ maxWorkers: 2 }));
  await stage.scheduler.round();
  for (let round = 0; round < 3; round += 1) for (const agent of agents) await agent.beat();
  first = agents.find((agent) => agent.launch?.rank === 0) as HttpAgent;
  second = agents.find((agent) => agent.launch?.rank === 1) as HttpAgent;
});
afterAll(() => api?.close());

const code = ({ status, body }: { status: number; body: Loose }) => [status, body?.error?.code];
const fileRows = (id: string) =>
  stage.sql('SELECT path, received_at FROM checkpoint_file WHERE checkpoint_id = $1', [id]);

describe('lease endpoints', () => {
  it('starts a gang over signed HTTP', () => {
    expect(first.launch).toMatchObject({
      worldSize: 2,
      masterAddr: '127.0.0.1',
      masterPort: 5_001,
      workload: 'tiny-lm',
    });
    expect(first.launch.config).toMatchObject({ steps: 100, layers: 1 });
    expect(second.launch.attemptId).toBe(first.launch.attemptId);
  });

  it('takes metrics and logs, each once, and only with the current token', async () => {
    const at = new Date().toISOString();
    const points = [{ step: 1, loss: 4.5, tokens: 10, at, stepMs: 12.5, hardwareFlop: '70000' }];
    const path = `/agent/v1/leases/${first.leaseId}/metrics`;
    expect((await first.call('POST', path, { token: first.token, points })).status).toBe(200);
    expect((await first.call('POST', path, { token: first.token, points: [{ ...points[0], loss: 9 }] })).status).toBe(
      200,
    );
    expect(code(await first.call('POST', path, { token: first.token + 1, points }))).toEqual([
      409,
      'LEASE_TOKEN_STALE',
    ]);
    expect(code(await second.call('POST', path, { token: first.token, points }))).toEqual([409, 'LEASE_TOKEN_STALE']);
    expect(code(await first.call('POST', path, { token: first.token, points: [{ step: -1 }] }))).toEqual([
      422,
      'AGENT_BODY_INVALID',
    ]);
    expect(await stage.sql('SELECT loss FROM metric_step WHERE run_id = $1', [runId])).toEqual([{ loss: 4.5 }]);

    const logs = `/agent/v1/leases/${first.leaseId}/logs`;
    const piece = { token: first.token, offset: 0, text: 'hello\u0000 wörld\n' };
    expect((await first.call('POST', logs, piece)).status).toBe(200);
    expect((await first.call('POST', logs, piece)).status).toBe(200);
    expect(code(await first.call('POST', logs, { ...piece, offset: 14, token: 999 }))).toEqual([
      409,
      'LEASE_TOKEN_STALE',
    ]);
    expect(code(await first.call('POST', '/agent/v1/leases/nonsense/logs', piece))).toEqual([409, 'LEASE_TOKEN_STALE']);
    expect(await stage.sql('SELECT content FROM lease_log WHERE lease_id = $1', [first.leaseId])).toHaveLength(1);
  });
});

describe('checkpoints', () => {
  it('refuses wrong bytes, sizes, paths and callers, and keeps nothing of them', async () => {
    const model = safetensors([1, 2, 3]);
    const other = Buffer.from(model);
    other[other.length - 1] = 7;
    const declared = await first.declare(5, { 'model.safetensors': model, 'a/state.json': Buffer.from('{}') });
    const id = declared.body.checkpointId as string;
    const url = (path: string, token = first.token) => `/agent/v1/checkpoints/${id}/files/${path}?token=${token}`;
    expect(declared.body.uploads).toEqual([
      { path: 'a/state.json', url: url('a/state.json') },
      { path: 'model.safetensors', url: url('model.safetensors') },
    ]);
    // Declaring again answers the same; other files under the same step do not.
    expect(
      (await first.declare(5, { 'model.safetensors': model, 'a/state.json': Buffer.from('{}') })).body.checkpointId,
    ).toBe(id);
    expect(code(await first.declare(5, { 'model.safetensors': other }))).toEqual([409, 'CHECKPOINT_CONFLICT']);
    expect(code(await first.declare(6, { 'm.safetensors': model }, first.token + 5))).toEqual([
      409,
      'LEASE_TOKEN_STALE',
    ]);
    expect(code(await first.declare(6, { '../m.safetensors': model }))).toEqual([422, 'AGENT_BODY_INVALID']);

    // Signed honestly but not the declared file; then signed as the declared file but sent otherwise.
    expect(code(await first.call('PUT', url('model.safetensors'), other))).toEqual([422, 'CHECKPOINT_HASH_MISMATCH']);
    expect(code(await first.call('PUT', url('model.safetensors'), other, model))).toEqual([
      422,
      'CHECKPOINT_HASH_MISMATCH',
    ]);
    const long = Buffer.concat([model, model]);
    expect(code(await first.call('PUT', url('model.safetensors'), long, model))).toEqual([
      422,
      'CHECKPOINT_SIZE_MISMATCH',
    ]);
    expect(code(await first.call('PUT', url('model.safetensors', first.token - 1), model))).toEqual([
      409,
      'LEASE_TOKEN_STALE',
    ]);
    expect(code(await second.call('PUT', url('model.safetensors'), model))).toEqual([409, 'LEASE_TOKEN_STALE']);
    expect(code(await first.call('PUT', url('a%2F..%2F..%2Fmodel.safetensors'), model))).toEqual([
      404,
      'CHECKPOINT_FILE_NOT_FOUND',
    ]);
    expect(code(await first.call('PUT', url('undeclared.bin'), model))).toEqual([404, 'CHECKPOINT_FILE_NOT_FOUND']);
    expect(code(await first.complete(id))).toEqual([422, 'CHECKPOINT_INCOMPLETE']);
    expect((await fileRows(id)).every((row) => row.received_at === null)).toBe(true);
    expect((await fetch(`${api.url}/checkpoints/${id}/files/model.safetensors`)).status).toBe(404);

    expect((await first.call('PUT', url('model.safetensors'), model)).status).toBe(200);
    expect((await first.call('PUT', url('model.safetensors'), model)).status).toBe(200);
    expect(code(await first.complete(id))).toEqual([422, 'CHECKPOINT_INCOMPLETE']);
  });

  it('rejects a file that no loader could read, and takes a better one of the same step', async () => {
    const lying = Buffer.from(safetensors([1, 2]));
    lying.writeBigUInt64LE(2n ** 40n);
    const declared = await first.declare(7, { 'model.safetensors': lying });
    expect((await first.call('PUT', declared.body.uploads[0].url, lying)).status).toBe(200);
    expect(code(await first.complete(declared.body.checkpointId))).toEqual([422, 'CHECKPOINT_UNREADABLE']);
    const [row] = await stage.sql('SELECT state FROM checkpoint WHERE id = $1', [declared.body.checkpointId]);
    expect(row.state).toBe('rejected');
    expect((await first.checkpoint(7)).id).not.toBe(declared.body.checkpointId);
  });

  it('promotes one restore point at a time and serves its files to anybody', async () => {
    const { id, contents } = await first.checkpoint(10);
    expect(await stage.sql("SELECT step FROM checkpoint WHERE run_id = $1 AND state = 'promoted'", [runId])).toEqual([
      { step: 10n },
    ]);
    expect(await stage.runRow(runId)).toMatchObject({ promoted_checkpoint_id: id, promoted_step: 10n });
    expect((await first.complete(id)).status).toBe(200);

    const model = contents['model.safetensors'] as Buffer;
    const url = `${api.url}/checkpoints/${id}/files/model.safetensors`;
    const whole = await fetch(url);
    expect(whole.status).toBe(200);
    expect(Buffer.from(await whole.arrayBuffer()).equals(model)).toBe(true);
    expect(whole.headers.get('etag')).toBe(`"${sha256(model)}"`);
    expect(whole.headers.get('content-disposition')).toBe('attachment; filename="step-10-model.safetensors"');
    expect((await fetch(url, { headers: { 'if-none-match': `"${sha256(model)}"` } })).status).toBe(304);
    const part = await fetch(url, { headers: { range: 'bytes=8-11' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 8-11/${model.length}`]);
    expect(Buffer.from(await part.arrayBuffer()).equals(model.subarray(8, 12))).toBe(true);
    expect((await fetch(url, { headers: { range: `bytes=${model.length}-` } })).status).toBe(416);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(model.length)]);
    const nested = await fetch(`${api.url}/checkpoints/${id}/files/opt/state.json`);
    expect(await nested.json()).toEqual({ step: 10 });
    expect((await fetch(`${api.url}/checkpoints/${id}/files/..%2f..%2fpackage.json`)).status).toBe(404);
    expect((await fetch(`${api.url}/checkpoints/${newId()}/files/model.safetensors`)).status).toBe(404);
  });

  it('takes an earlier step without moving the restore point back', async () => {
    const { id } = await first.checkpoint(8);
    const [row] = await stage.sql('SELECT state FROM checkpoint WHERE id = $1', [id]);
    expect(row.state).toBe('superseded');
    expect((await stage.runRow(runId)).promoted_step).toBe(10n);
  });

  it('lets nobody change what was declared, nor skip a state', async () => {
    await expect(stage.sql("UPDATE checkpoint SET manifest = '{}' WHERE run_id = $1", [runId])).rejects.toThrow(
      /never changes/,
    );
    await expect(
      stage.sql("UPDATE checkpoint SET state = 'promoted' WHERE run_id = $1 AND state = 'superseded'", [runId]),
    ).rejects.toThrow(/can't become/);
    await expect(stage.sql('DELETE FROM checkpoint')).rejects.toThrow();
    const edges = await stage.sql('SELECT from_state AS "from", to_state AS "to" FROM checkpoint_edge');
    expect(new Set(edges.map((e) => `${e.from}>${e.to}`))).toEqual(
      new Set(CHECKPOINT_EDGES.map((e) => `${e.from}>${e.to}`)),
    );
  });
});

describe('GraphQL', () => {
  it('shows the run with everything about it', async () => {
    const { body } = await api.ask(
      `query ($id: ID!) { run(id: $id) {
         id state step targetSteps firstLoss waitReason recipe { name } campaign { id }
         lossCurve(maxPoints: 10) { step loss tokens at attempt }
         attempts { number state members { rank state phase milliseconds node { name owner { pseudonym } } } }
         leases(first: 1) { nodes { rank } pageInfo { hasNextPage } }
         checkpoints(first: 5) { nodes { step state manifestSha256 flop files { path bytes sha256 downloadUrl } } }
         usage { leaseId } events(first: 5) { nodes { type } } } }`,
      { id: toGlobalId('Run', runId) },
    );
    expect(body.errors).toBeUndefined();
    const { run } = body.data;
    expect(run).toMatchObject({
      state: 'RUNNING',
      targetSteps: '100',
      firstLoss: 4.5,
      recipe: { name: 'Tiny' },
      campaign: null,
    });
    expect(run.lossCurve).toMatchObject([{ step: '1', loss: 4.5, attempt: 1 }]);
    expect(run.attempts[0].members.map((m: Loose) => [m.rank, m.state, m.node.name])).toEqual([
      [0, 'active', 'node'],
      [1, 'active', 'node'],
    ]);
    expect(run.leases.pageInfo.hasNextPage).toBe(true);
    const promoted = run.checkpoints.nodes.find((c: Loose) => c.state === 'PROMOTED');
    expect(promoted).toMatchObject({
      step: '10',
      flop: '600000',
      files: [{ path: 'model.safetensors' }, { path: 'opt/state.json' }],
    });
    expect(new URL(promoted.files[0].downloadUrl).pathname).toMatch(/^\/checkpoints\/.+\/files\/model.safetensors$/);
    expect(run.checkpoints.nodes.find((c: Loose) => c.state === 'UPLOADING').files[0].downloadUrl).toBeNull();
  });

  it('pushes the run when it makes a step', async () => {
    const client = createClient({ url: `${api.url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
    const changes = client.iterate<{ runChanged: { step: string } }>({
      query: 'subscription ($id: ID!) { runChanged(runId: $id) { step lastLoss } }',
      variables: { id: toGlobalId('Run', runId) },
    });
    expect((await changes.next()).value?.data?.runChanged.step).toBe('1');
    const point = { step: 2, loss: 4.25, tokens: 20, at: new Date().toISOString(), stepMs: 9 };
    await first.call('POST', `/agent/v1/leases/${first.leaseId}/metrics`, { token: first.token, points: [point] });
    expect((await changes.next()).value?.data?.runChanged).toEqual({ step: '2', lastLoss: 4.25 });
    await changes.return?.();
    await client.dispose();
  });

  it('shows a log to those whom it concerns', async () => {
    const query = 'query ($id: ID!) { leaseLog(leaseId: $id) { nodes { byteOffset text } } }';
    const ask = async (headers: Record<string, string>) => (await api.ask(query, { id: first.leaseId }, headers)).body;
    expect((await ask({})).errors[0].extensions.code).toBe('UNAUTHENTICATED');
    expect((await ask({ authorization: await api.signIn('Curious') })).data.leaseLog).toBeNull();
    const operator = await ask({ authorization: await api.signIn('Operator', 'OPERATOR') });
    expect(operator.data.leaseLog.nodes).toEqual([{ byteOffset: '0', text: 'hello\ufffd wörld\n' }]);
  });

  it('refuses strangers', async () => {
    const cancel = 'mutation ($input: RunCancelInput!) { runCancel(input: $input) { run { id } userErrors { code } } }';
    const input = { runId: toGlobalId('Run', runId) };
    expect((await api.ask(cancel, { input })).body.errors[0].extensions.code).toBe('UNAUTHENTICATED');
    const authorization = await api.signIn('Stranger');
    const refused = await api.ask(cancel, { input }, { authorization });
    expect(refused.body.data.runCancel.userErrors).toMatchObject([{ code: 'PROJECT_ROLE_REQUIRED' }]);
    const unknown = await api.ask(cancel, { input: { runId: toGlobalId('Run', newId()) } }, { authorization });
    expect(unknown.body.data.runCancel.userErrors).toMatchObject([{ code: 'RUN_NOT_FOUND' }]);
    const wrong = await api.ask(cancel, { input: { runId: 'nonsense' } }, { authorization });
    expect(wrong.body.data.runCancel.userErrors).toMatchObject([{ code: 'ID_INVALID' }]);
    const create = 'mutation ($input: RunCreateInput!) { runCreate(input: $input) { run { id } userErrors { code } } }';
    const none = await api.ask(create, { input: { campaignId: toGlobalId('Campaign', newId()) } }, { authorization });
    expect(none.body.data.runCreate.userErrors).toMatchObject([{ code: 'RUN_CAMPAIGN_NOT_FOUND' }]);
  });

  it('finds the run and the checkpoint behind their global ids', async () => {
    const [checkpoint] = await stage.sql("SELECT id FROM checkpoint WHERE state = 'promoted'");
    const { body } = await api.ask(
      'query ($r: ID!, $c: ID!) { r: node(id: $r) { ... on Run { step } } c: node(id: $c) { ... on Checkpoint { step run { id } } } }',
      { r: toGlobalId('Run', runId), c: toGlobalId('Checkpoint', checkpoint.id) },
    );
    expect(body.data).toMatchObject({ r: { step: '2' }, c: { step: '10', run: { id: toGlobalId('Run', runId) } } });
  });
});

it('keeps its promises after all of it', async () => {
  expect(await stage.violations([...trainingInvariants, ...provenanceInvariants])).toEqual([]);
});
