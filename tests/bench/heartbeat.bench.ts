import { type KeyObject, createPublicKey } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import pg from 'pg';
import { newId } from '#kernel';
import {
  type NodeKey,
  generateNodeKey,
  keyThumbprint,
  readSignature,
  signRequest,
  verifyContentDigest,
} from '#protocol';
import {
  type BenchContext,
  type BenchResult,
  type Variant,
  inTurns,
  median,
  medianRatio,
  migrate,
  serveApi,
} from './bench.stage.ts';

const NODES = 1_000;
const SQL_BATCH = 500;
const CONNECTIONS = 128;
const ROUNDS = 5;
const WARM_UP_MS = 1_000;
/** The shortest heartbeat there is: every beat of the benchmark is new enough to be written. */
const HEARTBEAT_MS = '100';
/** Requests signed ahead of a slot for each second of it; more than can be answered. */
const PRESIGNED_PER_SECOND = 8_000;

interface BenchNode {
  readonly nodeId: string;
  readonly key: NodeKey;
  readonly publicKey: KeyObject;
  readonly bootId: string;
  seq: number;
}

/**
 * Heartbeats a second through the agent endpoint of the API as it runs in production: HTTP, JSON, Ed25519 signature by
 * RFC 9421, digest, nonce on record, liveness written, leases looked up. Beside it the least that PostgreSQL must do for
 * them, one UPDATE … FROM unnest of many rows, one UPDATE a beat, and the proof of the signature alone on one thread.
 * All take turns in the same database; the load comes from a thread of this process with requests signed beforehand, on
 * the same cores as server and database.
 */
export async function run(ctx: BenchContext): Promise<BenchResult[]> {
  await migrate(ctx.databaseUrl);
  const pool = new pg.Pool({ connectionString: ctx.databaseUrl, max: 8 });
  const nodes = await enrol(pool);
  const api = await serveApi(ctx.databaseUrl, { AGENT_HEARTBEAT_MS: HEARTBEAT_MS });
  try {
    const port = Number(new URL(api.url).port);
    const variants: Variant[] = [
      { name: 'endpoint', sample: (ms) => endpoint(port, nodes, ms) },
      { name: 'unnest', sample: (ms) => timed(ms, 1, () => updateMany(pool, nodes)) },
      { name: 'single', sample: (ms) => timed(ms, 8, () => updateOne(pool, nodes)) },
      { name: 'proof', sample: (ms) => Promise.resolve(prove(nodes, ms)) },
    ];
    const samples = await inTurns(variants, { seconds: ctx.seconds, rounds: ROUNDS, warmUpMs: WARM_UP_MS });
    const of = (name: string): number[] => samples.get(name) ?? [];
    ctx.log(`heartbeats through the agent endpoint: ${shown(of('endpoint'))}`);
    ctx.log(`one UPDATE ... FROM unnest of ${SQL_BATCH} rows: ${shown(of('unnest'))}`);
    ctx.log(`one UPDATE a beat, 8 connections: ${shown(of('single'))}`);
    ctx.log(`digest and signature proved, one thread: ${shown(of('proof'))}`);
    await verifyWritten(pool, nodes, ctx.log);
    const row = (peer: string, name: string, note: string): BenchResult => ({
      name: `heartbeats, endpoint beside ${name}`,
      ours: median(of('endpoint')),
      peer: median(of(peer)),
      unit: 'beats/s',
      ratio: medianRatio(of('endpoint'), of(peer)),
      note,
    });
    return [
      row(
        'unnest',
        'one multi-row UPDATE',
        `peer: ${SQL_BATCH} rows by UPDATE … FROM unnest, no HTTP, no signature, no nonce`,
      ),
      row(
        'single',
        'one UPDATE a beat',
        'peer: one UPDATE and commit a beat on 8 connections, no HTTP, no signature, no nonce',
      ),
      row('proof', 'the signature alone', 'peer: proof of digest and signature on one thread, nothing else'),
    ];
  } finally {
    await api.stop();
    await pool.end();
  }
}

const shown = (rates: readonly number[]): string =>
  `${median(rates).toFixed(0)}/s (${rates.map((rate) => rate.toFixed(0)).join(', ')})`;

/** Machines as a join would leave them, written by three statements. */
async function enrol(pool: pg.Pool): Promise<BenchNode[]> {
  const nodes = Array.from({ length: NODES }, (): BenchNode => {
    const key = generateNodeKey();
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key.x }, format: 'jwk' });
    return { nodeId: newId(), key, publicKey, bootId: newId(), seq: 0 };
  });
  const owner = newId();
  await pool.query(
    `INSERT INTO contributor (id, pseudonym, display_name, created_at) VALUES ($1, $2, 'Bench', now())`,
    [owner, newId()],
  );
  const ids = nodes.map((node) => node.nodeId);
  await pool.query(
    `INSERT INTO node_join_token (id, secret_sha256, owner_id, created_at, expires_at, used_at)
     SELECT id, sha256(id::text::bytea), $2, now(), now() + interval '1 day', now() FROM unnest($1::uuid[]) AS u(id)`,
    [ids, owner],
  );
  await pool.query(
    `INSERT INTO node (id, owner_id, join_token_id, name, gpu_class, device_count, public_key, key_thumbprint, agent_version, inventory,
                       state, state_actor, state_cause, state_since, joined_at)
     SELECT id, $2, id, 'Bench', 'cpu', 1, key, thumbprint, '0.1.0', '{"devices": []}', 'idle', 'bench', 'bench', now(), now()
       FROM unnest($1::uuid[], $3::text[], $4::text[]) AS u(id, key, thumbprint)`,
    [ids, owner, nodes.map((node) => node.key.x), nodes.map((node) => keyThumbprint(node.key.x))],
  );
  await pool.query(
    `INSERT INTO node_liveness (node_id, last_seen_at) SELECT id, now() FROM unnest($1::uuid[]) AS u(id)`,
    [ids],
  );
  await pool.query('VACUUM ANALYZE node_liveness, node');
  return nodes;
}

/** One request after the other on each connection: answers how many a second were answered with 200. */
const LOAD = `
const { connect } = require('node:net');
const { parentPort, workerData } = require('node:worker_threads');
const { port, requests, connections, ms } = workerData;
let next = 0, ok = 0, other = 0, open = connections;
const start = performance.now();
const done = () => { if (--open === 0) parentPort.postMessage({ ok, other, ms: performance.now() - start }); };
for (let n = 0; n < connections; n++) {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  let buffer = '';
  const send = () => {
    if (next >= requests.length || performance.now() - start >= ms) { socket.destroy(); return done(); }
    socket.write(requests[next++]);
  };
  socket.on('connect', send);
  socket.on('error', done);
  socket.on('data', (chunk) => {
    buffer += chunk.toString('latin1');
    const end = buffer.indexOf('\\r\\n\\r\\n');
    if (end < 0) return;
    const length = Number(/content-length: (\\d+)/i.exec(buffer)?.[1] ?? 0);
    if (buffer.length < end + 4 + length) return;
    if (buffer.startsWith('HTTP/1.1 200')) ok++; else other++;
    buffer = '';
    send();
  });
}`;

let turn = 0;
const nextNode = (nodes: readonly BenchNode[]): BenchNode => {
  const node = nodes[turn++ % nodes.length];
  if (!node) throw new Error('no node');
  return node;
};

async function endpoint(port: number, nodes: readonly BenchNode[], ms: number): Promise<number> {
  const count = Math.max(500, Math.ceil((ms / 1_000) * PRESIGNED_PER_SECOND));
  const requests = Array.from({ length: count }, () => signedBeat(nextNode(nodes)));
  const worker = new Worker(LOAD, { eval: true, workerData: { port, requests, connections: CONNECTIONS, ms } });
  const result = await new Promise<{ ok: number; other: number; ms: number }>((resolve, reject) => {
    worker.once('message', resolve).once('error', reject);
  });
  await worker.terminate();
  if (result.other > 0) throw new Error(`${result.other} heartbeats were refused`);
  return (result.ok / result.ms) * 1_000;
}

const PATH = '/agent/v1/heartbeat';

function beat(node: BenchNode): { body: Buffer; headers: Record<string, string> } {
  const message = { seq: ++node.seq, bootId: node.bootId, state: 'available', address: '127.0.0.1', leases: [] };
  const body = Buffer.from(JSON.stringify(message));
  const headers = signRequest({
    method: 'POST',
    target: PATH,
    body,
    keyId: node.nodeId,
    key: node.key,
    now: new Date(),
  });
  return { body, headers };
}

function signedBeat(node: BenchNode): string {
  const { body, headers } = beat(node);
  const fields = {
    host: '127.0.0.1',
    'content-type': 'application/json',
    'content-length': String(body.length),
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${PATH} HTTP/1.1\r\n${lines.join('')}\r\n${body.toString()}`;
}

/** What the endpoint can't do without: the digest of the body and the signature, with the product's own code. */
function prove(nodes: readonly BenchNode[], ms: number): number {
  const beats = Array.from({ length: 200 }, () => {
    const node = nextNode(nodes);
    return { node, ...beat(node) };
  });
  const start = performance.now();
  let done = 0;
  while (performance.now() - start < ms) {
    for (const { node, body, headers } of beats) {
      const read = readSignature({ method: 'POST', target: PATH, headers }, new Date());
      const digest = headers['content-digest'] ?? '';
      if (!read.ok || !read.claim.verify(node.publicKey) || !verifyContentDigest(digest, body)) {
        throw new Error('a signature did not prove');
      }
      done += 1;
    }
  }
  return (done / (performance.now() - start)) * 1_000;
}

async function timed(ms: number, lanes: number, step: () => Promise<number>): Promise<number> {
  const start = performance.now();
  let done = 0;
  const lane = async (): Promise<void> => {
    while (performance.now() - start < ms) done += await step();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return (done / (performance.now() - start)) * 1_000;
}

async function updateMany(pool: pg.Pool, nodes: readonly BenchNode[]): Promise<number> {
  const beats = Array.from({ length: SQL_BATCH }, () => nextNode(nodes));
  await pool.query({
    name: 'bench-unnest',
    text: `UPDATE node_liveness l SET boot_id = b.boot_id, seq = b.seq, address = '127.0.0.1', last_seen_at = now()
             FROM unnest($1::uuid[], $2::uuid[], $3::bigint[]) AS b(node_id, boot_id, seq) WHERE l.node_id = b.node_id`,
    values: [beats.map((node) => node.nodeId), beats.map((node) => node.bootId), beats.map((node) => ++node.seq)],
  });
  return beats.length;
}

async function updateOne(pool: pg.Pool, nodes: readonly BenchNode[]): Promise<number> {
  const node = nextNode(nodes);
  await pool.query({
    name: 'bench-single',
    text: `UPDATE node_liveness SET boot_id = $2, seq = $3, address = '127.0.0.1', last_seen_at = now() WHERE node_id = $1`,
    values: [node.nodeId, node.bootId, ++node.seq],
  });
  return 1;
}

/** Nothing was only counted: every node's liveness holds this run's boot and is fresh. */
async function verifyWritten(pool: pg.Pool, nodes: readonly BenchNode[], log: (line: string) => void): Promise<void> {
  const { rows } = await pool.query<{ fresh: string }>(
    `SELECT count(*) AS fresh FROM node_liveness l JOIN unnest($1::uuid[], $2::uuid[]) AS b(node_id, boot_id) USING (node_id, boot_id)
      WHERE l.last_seen_at > now() - interval '5 minutes'`,
    [nodes.map((node) => node.nodeId), nodes.map((node) => node.bootId)],
  );
  const fresh = Number(rows[0]?.fresh);
  if (fresh !== nodes.length) throw new Error(`${nodes.length - fresh} of ${nodes.length} nodes were not written`);
  log(`liveness of all ${fresh} nodes holds`);
}
