import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '#platform';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';

/** The whole API in this process, over real HTTP, on a database of its own. */
export interface ApiStage {
  readonly url: string;
  readonly db: TestDatabase;
  /** Posts to /graphql; `headers` win over the usual ones. */
  ask(query: string, variables?: object, headers?: Record<string, string>): Promise<Answer>;
  /** A session of somebody new, as the value of an Authorization header. */
  signIn(name: string, platformRole?: 'OPERATOR' | 'REGULATOR'): Promise<string>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- the schema says what it is
  readonly body: any;
}

export async function startApiStage(env: Record<string, string> = {}): Promise<ApiStage> {
  const db = await createTestDatabase();
  const home = mkdtempSync(join(tmpdir(), 'commonweights-api-'));
  const before = { ...process.env };
  Object.assign(process.env, apiEnv(db.url, home, await freePort()), env);
  const { startApi } = await import('../../apps/api/src/server.js');
  const api = await startApi();
  const ask = (query: string, variables: object = {}, headers: Record<string, string> = {}) =>
    send(`${api.url}/graphql`, JSON.stringify({ query, variables }), headers);
  return {
    url: api.url,
    db,
    ask,
    signIn: async (name, platformRole) => {
      const { body } = await ask(SIGN_IN, { input: { name, ...(platformRole ? { platformRole } : {}) } });
      return `Bearer ${body.data.developerSignIn.token}`;
    },
    close: async () => {
      await api.close();
      await db.close();
      rmSync(home, { recursive: true, force: true });
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
    },
  };
}

export const SIGN_IN =
  'mutation ($input: DeveloperSignInInput!) { developerSignIn(input: $input) { token contributor { id } userErrors { code } } }';

/** Settings with which an API or a worker starts on its own. */
export const apiEnv = (databaseUrl: string, home: string, port: number): Record<string, string> => ({
  NODE_ENV: 'test',
  PORT: String(port),
  DATABASE_URL: databaseUrl,
  COMMONWEIGHTS_HOME: home,
  DEVELOPER_SIGN_IN: '1',
  STRIPE_SECRET_KEY: 'sk_test_unused',
  STRIPE_PUBLISHABLE_KEY: 'pk_test_unused',
  STRIPE_WEBHOOK_SECRET: 'whsec_unused',
  STRIPE_API_BASE: 'http://127.0.0.1:9',
  // Scripted nodes work nothing out; node-challenges.spec.ts is about those that do.
  NODE_CHALLENGE: 'off',
  LOG_LEVEL: 'silent',
});

export async function send(
  url: string,
  body: string | Uint8Array | undefined,
  headers: Record<string, string> = {},
  method = 'POST',
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    ...(body === undefined ? {} : { body: body as never }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}
