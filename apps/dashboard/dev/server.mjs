// A look at the pages without an API: `node apps/dashboard/dev/server.mjs [port]` after `node apps/dashboard/build.mjs`.
// Runs the queries of the pages on made-up records, or with API=http://localhost:4000 on those of a running product. For the person who works on the dashboard only.
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { readFileSync } from 'node:fs';
import { join, dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSchema, graphql } from 'graphql';
import { WebSocketServer } from 'ws';
import { useServer } from 'graphql-ws/use/ws';
import * as fx from './fixtures.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '../../../dist/dashboard');
const schema = buildSchema(readFileSync(process.env.SCHEMA ?? join(here, '../../../schema.graphql'), 'utf8'));
const { createDashboard } = await import(join(out, 'server/entry-server.js'));
const clientManifest = JSON.parse(readFileSync(join(out, 'client/.vite/manifest.json'), 'utf8'));
const dashboard = createDashboard({ clientManifest, assetBase: '/assets/' });

const root = (session) => ({
  viewer: session
    ? {
        contributor: fx.people[0],
        email: 'ada@example.org',
        scopes: ['pledges:write', 'nodes:write'],
        platformRoles: [],
        projects: [{ id: 'p1', slug: 'whale', name: 'Pequod Collective', viewerRoles: ['owner'] }],
        apiTokens: [{ id: 'tok1', name: 'laptop', scopes: ['campaigns:read'], lastUsedAt: null, expiresAt: null }],
      }
    : null,
  signInMethods: { developer: true },
  node: ({ id }) =>
    id.startsWith('camp')
      ? fx.campaigns.find((c) => c.id === id)
      : id.startsWith('pl')
        ? fx.campaigns[0].pledges({ first: 1 }).edges[0].node
        : null,
  campaigns: (args) => fx.connect(process.env.DEV_EMPTY ? [] : fx.campaigns, args),
  campaign: ({ id }) => fx.campaigns.find((c) => c.id === id),
  campaignBySlug: ({ slug }) => fx.campaigns.find((c) => c.slug === slug),
  recipes: (args) => fx.connect([fx.recipe], args),
  computeBudget: () => fx.budget,
  notificationUnreadCount: 0,
  acceleratorClasses: [
    { class: 'cpu', label: 'CPU core' },
    { class: 'h100', label: 'NVIDIA H100' },
    { class: 'a100', label: 'NVIDIA A100' },
  ],
  myPledgePlans: [
    {
      id: 'plan1',
      state: 'ACTIVE',
      amount: { amountMinor: '1000', currency: 'USD' },
      endsAt: '2027-06-01T00:00:00Z',
      nextDueAt: '2026-12-01T00:00:00Z',
    },
  ],
  myUnappliedCash: [{ amountMinor: '70000', currency: 'USD' }],
  railQuote: ['CARD', 'BANK_TRANSFER'].map((rail) => ({
    rail,
    available: true,
    reason: null,
    charges: 1,
    fee: { amountMinor: '103', currency: 'USD' },
    settleBusinessDays: 2,
    canBeSaved: true,
  })),
  myPledges: {
    cash: () =>
      fx.connect(
        fx.campaigns[0].pledges({ first: 2 }).edges.map((e) => ({ ...e.node, campaign: fx.campaigns[0] })),
        {},
      ),
    compute: () =>
      fx.connect(
        fx.campaigns[0].computePledges({ first: 1 }).edges.map((e) => ({ ...e.node, campaign: fx.campaigns[0] })),
        {},
      ),
  },
  ledgerAccounts: (args) =>
    fx.connect(
      fx.accounts.filter((a) => a.code.startsWith(args.prefix ?? '') && (!args.unit || a.unit === args.unit)),
      args,
    ),
  ledgerAccount: ({ code }) => fx.accounts.find((a) => a.code === code),
  ledgerTransfers: (args) => fx.connect(fx.allTransfers, args),
  ledgerTrialBalance: fx.trial,
  nodes: (args) => fx.connect(fx.nodes, args),
  runs: (args) =>
    fx.connect(
      fx.runs.filter((r) => !args.campaignId || r.campaign.id === args.campaignId),
      args,
    ),
  run: ({ id }) => fx.runs.find((r) => r.id === id),
  log: fx.log,
  reports: (args) => fx.connect(fx.reports, args),
  report: ({ id }) => fx.reports.find((r) => r.id === id),
  invariants: fx.invariants,
  developerSignIn: () => ({ viewer: null, userErrors: [] }),
  signOut: () => ({ userErrors: [] }),
  apiTokenCreate: ({ input }) => ({
    token: 'cw_pat_4Jd82hsY7sQmV0x1bT9aPz',
    apiToken: { id: 't2', name: input.name, scopes: input.scopes },
    userErrors: [],
  }),
  pledgeComputeCreate: ({ input }) => ({
    pledge: {
      id: 'cp9',
      state: 'OFFERED',
      class: input.class,
      count: input.count,
      time: { milliseconds: input.milliseconds, class: input.class },
      availability: input.availability,
    },
    userErrors: [],
  }),
  nodeJoinTokenCreate: () => ({
    token: 'cwj_9sK2',
    command: 'npx commonweights agent join --server http://127.0.0.1:4000 --token cwj_9sK2mV7QxT',
    userErrors: [],
  }),
  pledgeCashCreate: () => ({
    pledge: { id: 'pl0', state: 'CREATED', amount: { amountMinor: '2500', currency: 'USD' } },
    payment: {
      clientSecret: 'pi_1_secret_2',
      publishableKey: 'pk_test_sandbox',
      apiBase: 'http://127.0.0.1:9',
      status: 'REQUIRES_PAYMENT_METHOD',
    },
    userErrors: [],
  }),
});
const api = process.env.API;
const passOn = async (req, res, body) => {
  const answer = await fetch(api + req.url, {
    method: req.method,
    headers: Object.fromEntries(
      Object.entries(req.headers).filter(([name]) => /^(accept|content-type|cookie)$/.test(name)),
    ),
    ...(body ? { body } : {}),
  });
  res.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
  res.end(Buffer.from(await answer.arrayBuffer()));
};
const run = async (source, variables, cookie) => {
  if (api) {
    const answer = await fetch(`${api}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(cookie ? { cookie } : {}) },
      body: JSON.stringify({ query: source, variables }),
    });
    const data = await answer.json();
    if (data.errors) console.error(data.errors[0].message, source.slice(0, 60));
    return { ...data, setCookies: answer.headers.getSetCookie() };
  }
  const session = /cw_session/.test(cookie ?? '');
  const answer = await graphql({ schema, source, rootValue: root(session), variableValues: variables });
  if (answer.errors) console.error(String(answer.errors[0]), '\n', source.slice(0, 80));
  return JSON.parse(
    JSON.stringify({
      ...answer,
      setCookies: source.includes('mutation SignIn')
        ? ['cw_session=dev; Path=/; HttpOnly']
        : source.includes('mutation SignOut')
          ? ['cw_session=; Path=/; Max-Age=0']
          : [],
    }),
  );
};
const types = { '.js': 'text/javascript', '.css': 'text/css', '.woff2': 'font/woff2' };
const port = Number(process.argv[2] ?? 4100);
const server = createServer(async (req, res) => {
  let body = '';
  for await (const chunk of req) body += chunk;
  const path = new URL(req.url, 'http://x').pathname;
  if (path.startsWith('/assets/')) {
    try {
      const file = readFileSync(join(out, 'client', path));
      res
        .writeHead(200, {
          'content-type': types[extname(path)] ?? 'application/octet-stream',
          'cache-control': 'public, max-age=31536000, immutable',
        })
        .end(file);
    } catch {
      res.writeHead(404).end();
    }
    return;
  }
  if (api && /^\/(graphql|reports\/|checkpoints\/|log\/)/.test(path)) return passOn(req, res, body);
  if (path === '/graphql' && body) {
    const { query, variables } = JSON.parse(body);
    res
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify(await run(query, variables, req.headers.cookie)));
    return;
  }
  const answer = await dashboard.handle(
    { method: req.method, url: req.url, headers: req.headers, body },
    { nonce: 'dev', graphql: (q, v, h) => run(q, v, h.cookie) },
  );
  res
    .writeHead(answer.status, {
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-dev'; img-src 'self' data:; font-src 'self'; connect-src 'self' ws: http://127.0.0.1:*; frame-src 'self'; form-action 'self'; base-uri 'none'",
      ...answer.headers,
    })
    .end(answer.body);
}).listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}`));

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
async function* ticking(key, read) {
  for (;;) {
    await pause(2000);
    yield { [key]: read() };
  }
}
if (api)
  server.on('upgrade', (req, socket) => {
    const { hostname, port: to, host } = new URL(api);
    const up = connect(Number(to), hostname, () => {
      const lines = Object.entries({ ...req.headers, host, origin: api }).map(
        ([name, value]) => `${name}: ${String(value)}`,
      );
      up.write(`GET ${req.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      up.pipe(socket).pipe(up);
    });
    up.on('error', () => socket.destroy());
    socket.on('error', () => up.destroy());
  });
else
  useServer(
    {
      schema,
      roots: {
        subscription: {
          campaignChanged: ({ campaignId }) =>
            ticking('campaignChanged', () => fx.campaigns.find((c) => c.id === campaignId)),
          runChanged: ({ runId }) => ticking('runChanged', () => fx.runs.find((r) => r.id === runId)),
        },
      },
    },
    new WebSocketServer({ server, path: '/graphql' }),
  );
