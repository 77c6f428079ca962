import { Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Worker } from 'node:worker_threads';
import pg from 'pg';
import { newId } from '#kernel';
import { NodesModule } from '#nodes';
import { Config, PlatformModule } from '#platform';
import { type NodeKey, generateNodeKey, keyThumbprint, signRequest } from '#protocol';

export interface BenchResult {
  readonly name: string;
  readonly ours: number;
  readonly peer: number;
  readonly limit?: number;
  readonly unit: string;
  readonly ratio: number;
  readonly note: string;
}

const NODES = 2_000;
const SQL_BATCH = 500;
const CONNECTIONS = 128;
const ROUNDS = 3;
/** The shortest heartbeat there is: every beat of the benchmark is new enough to be written. */
const HEARTBEAT_MS = '100';
/** Requests signed ahead of a slot for each second of it; more than can be answered. */
const PRESIGNED_PER_SECOND = 8_000;

interface BenchNode {
  readonly nodeId: string;
  readonly key: NodeKey;
  readonly bootId: string;
  seq: number;
}

/**
 * Heartbeats a second through the agent endpoint (HTTP, JSON, Ed25519 signature, digest, nonce on record, liveness
 * written) beside the least that PostgreSQL must do for them: one UPDATE … FROM unnest of many rows, and one UPDATE a
 * beat. The three take turns in the same database; each figure is the median of its rounds. The load comes from a
 * thread of this process with requests signed beforehand, on the same cores as server and database.
 */
export async function run(ctx: {
  databaseUrl: string;
  seconds: number;
  log: (line: string) => void;
}): Promise<BenchResult[]> {
  const app = await startApi(ctx.databaseUrl);
  const pool = new pg.Pool({ connectionString: ctx.databaseUrl, max: 8 });
  try {
    const nodes = await enrol(pool);
    const port = Number(new URL(await app.getUrl()).port);
    const variants = {
      endpoint: (ms: number) => endpoint(port, nodes, ms),
      unnest: (ms: number) => timed(ms, 1, () => updateMany(pool, nodes)),
      single: (ms: number) => timed(ms, 8, () => updateOne(pool, nodes)),
    };
    const samples: Record<keyof typeof variants, number[]> = { endpoint: [], unnest: [], single: [] };
    const slotMs = (ctx.seconds * 1_000) / (ROUNDS * 3);
    await variants.endpoint(slotMs / 4);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const name of ['endpoint', 'unnest', 'single'] as const) samples[name].push(await variants[name](slotMs));
    }
    const median = (values: number[]): number =>
      values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
    const [ours, limit, peer] = [median(samples.endpoint), median(samples.unnest), median(samples.single)];
    ctx.log(`heartbeats through the agent endpoint: ${Math.round(ours)}/s`);
    ctx.log(`one UPDATE ... FROM unnest of ${SQL_BATCH} rows: ${Math.round(limit)} rows/s`);
    ctx.log(`one UPDATE a beat, 8 connections: ${Math.round(peer)}/s`);
    await verifyWritten(pool, nodes, ctx.log);
    const note = 'signed HTTP request, nonce and liveness in PostgreSQL';
    return [
      {
        name: 'heartbeats, endpoint beside one multi-row UPDATE',
        ours,
        peer: limit,
        unit: 'beats/s',
        ratio: ours / limit,
        note: `${note}; peer: ${SQL_BATCH} rows by UPDATE … FROM unnest, no HTTP, no signature`,
      },
      {
        name: 'heartbeats, endpoint beside one UPDATE a beat',
        ours,
        peer,
        limit,
        unit: 'beats/s',
        ratio: ours / peer,
        note: `${note}; peer: one UPDATE and commit a beat, no HTTP, no signature`,
      },
    ];
  } finally {
    await pool.end();
    await app.close();
  }
}

async function startApi(databaseUrl: string): Promise<NestExpressApplication> {
  const config = new Config({
    NODE_ENV: 'test',
    DATABASE_URL: databaseUrl,
    STRIPE_SECRET_KEY: 'sk_test_unused',
    STRIPE_WEBHOOK_SECRET: 'whsec_unused',
    AGENT_HEARTBEAT_MS: HEARTBEAT_MS,
    LOG_LEVEL: 'silent',
  });
  class BenchModule {}
  // Called, not written as a decorator: this file also runs by type stripping alone.
  Module({ imports: [PlatformModule.forRoot({ processName: 'bench', entities: [], config }), NodesModule] })(
    BenchModule,
  );
  const app = await NestFactory.create<NestExpressApplication>(BenchModule as Type, { rawBody: true, logger: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

/** Machines as a join would leave them, written by three statements. */
async function enrol(pool: pg.Pool): Promise<BenchNode[]> {
  const nodes = Array.from({ length: NODES }, (): BenchNode => ({
    nodeId: newId(),
    key: generateNodeKey(),
    bootId: newId(),
    seq: 0,
  }));
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

function signedBeat(node: BenchNode): string {
  const path = '/agent/v1/heartbeat';
  const body = JSON.stringify({
    seq: ++node.seq,
    bootId: node.bootId,
    state: 'available',
    address: '127.0.0.1',
    leases: [],
  });
  const headers = signRequest({
    method: 'POST',
    target: path,
    body: Buffer.from(body),
    keyId: node.nodeId,
    key: node.key,
    now: new Date(),
  });
  const fields = {
    host: '127.0.0.1',
    'content-type': 'application/json',
    'content-length': String(body.length),
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
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
