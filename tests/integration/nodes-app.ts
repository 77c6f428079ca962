import { Module, type Provider, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { newId } from '#kernel';
import { NodesModule } from '#nodes';
import { Config, PlatformModule } from '#platform';
import { type NodeKey, PROTOCOL_VERSION, generateNodeKey, keyThumbprint, type messages, signRequest } from '#protocol';
import type { TestDatabase } from '../../libs/testkit/src/index.js';

export interface NodesApp {
  readonly app: NestExpressApplication;
  readonly url: string;
  close(): Promise<void>;
}

export interface NodesAppOptions {
  heartbeatMs?: number;
  leaseTtlMs?: number;
  /** Machines have to show what they can do; else they are believed. */
  isChallenged?: boolean;
  port?: number;
  providers?: Provider[];
  controllers?: Type[];
}

/** Platform and nodes alone, over real HTTP and the given database. */
export async function startNodesApp(db: TestDatabase, options: NodesAppOptions = {}): Promise<NodesApp> {
  const config = new Config({
    NODE_ENV: 'test',
    DATABASE_URL: db.url,
    STRIPE_SECRET_KEY: 'sk_test_unused',
    STRIPE_WEBHOOK_SECRET: 'whsec_unused',
    AGENT_HEARTBEAT_MS: String(options.heartbeatMs ?? 2_000),
    AGENT_LEASE_TTL_MS: String(options.leaseTtlMs ?? 30_000),
    NODE_CHALLENGE: options.isChallenged ? 'required' : 'off',
    LOG_LEVEL: 'silent',
  });
  @Module({
    imports: [PlatformModule.forRoot({ processName: 'test', entities: [], config }), NodesModule],
    providers: options.providers ?? [],
    controllers: options.controllers ?? [],
  })
  class NodesTestModule {}

  const app = await NestFactory.create<NestExpressApplication>(NodesTestModule, { rawBody: true, logger: false });
  app.useBodyParser('json', { limit: '1mb' });
  await app.listen(options.port ?? 0, '127.0.0.1');
  return { app, url: await app.getUrl(), close: () => app.close() };
}

export async function insertContributor(db: TestDatabase): Promise<{ id: string; pseudonym: string }> {
  const [id, pseudonym] = [newId(), newId()];
  await db.dataSource.query(
    `INSERT INTO contributor (id, pseudonym, display_name, created_at) VALUES ($1, $2, 'Ada', now())`,
    [id, pseudonym],
  );
  return { id, pseudonym };
}

/** What an answer may hold; which of it depends on the endpoint. */
export interface AnswerBody {
  nodeId?: string;
  name?: string;
  heartbeatMs?: number;
  desiredState?: string;
  challenges?: messages.ChallengeDirective[];
  nonce?: string;
  reveal?: string;
  error?: messages.ErrorBody['error'];
}

export interface Sent {
  status: number;
  body: AnswerBody;
  headers: Record<string, string>;
}

export interface SendOptions {
  key: NodeKey;
  keyId: string;
  now?: Date;
  nonce?: string;
  /** Changes the request after it was signed. */
  tamper?: (request: { path: string; body: string; headers: Record<string, string> }) => void;
}

/** Signs and sends as an agent does, with room for mischief. */
export async function send(url: string, path: string, message: unknown, options: SendOptions): Promise<Sent> {
  const body = JSON.stringify(message);
  const { key, keyId, now = new Date(), nonce } = options;
  const signed = signRequest({
    method: 'POST',
    target: path,
    body: Buffer.from(body),
    keyId,
    key,
    now,
    ...(nonce ? { nonce } : {}),
  });
  const request = { path, body, headers: { 'content-type': 'application/json', ...signed } as Record<string, string> };
  options.tamper?.(request);
  const response = await fetch(`${url}${request.path}`, {
    method: 'POST',
    headers: request.headers,
    body: request.body,
  });
  return { status: response.status, body: (await response.json()) as AnswerBody, headers: request.headers };
}

export const cpuInventory: messages.Inventory = {
  source: 'cpu',
  class: 'cpu',
  count: 1,
  driverVersion: null,
  cudaVersion: null,
  devices: [
    { index: 0, vendor: 'cpu', model: 'Test CPU', class: 'cpu', uuid: null, memoryMiB: 2_048, powerLimitW: null },
  ],
  host: { os: 'Linux', arch: 'x64', cpuModel: 'Test CPU', cpuCores: 2, memoryMiB: 2_048, torch: null },
};

export const joinMessage = (joinToken: string, key: NodeKey): messages.JoinRequest => ({
  protocolVersion: PROTOCOL_VERSION,
  joinToken,
  publicKey: key.x,
  name: 'Test node',
  region: 'eu-west',
  agentVersion: '0.1.0',
  inventory: cpuInventory,
});

export interface TestNode {
  nodeId: string;
  key: NodeKey;
  bootId: string;
  seq: number;
}

export async function joinNode(url: string, token: string): Promise<TestNode> {
  const key = generateNodeKey();
  const { status, body } = await send(url, '/agent/v1/join', joinMessage(token, key), {
    key,
    keyId: keyThumbprint(key.x),
  });
  if (status !== 200 || body.nodeId === undefined) throw new Error(JSON.stringify(body));
  return { nodeId: body.nodeId, key, bootId: newId(), seq: 0 };
}

export const beatMessage = (
  node: TestNode,
  change: Partial<messages.HeartbeatRequest> = {},
): messages.HeartbeatRequest => ({
  seq: ++node.seq,
  bootId: node.bootId,
  state: 'available',
  address: '127.0.0.1',
  leases: [],
  ...change,
});

export const beat = (
  url: string,
  node: TestNode,
  change: Partial<messages.HeartbeatRequest> = {},
  options: Partial<SendOptions> = {},
): Promise<Sent> =>
  send(url, '/agent/v1/heartbeat', beatMessage(node, change), { key: node.key, keyId: node.nodeId, ...options });
