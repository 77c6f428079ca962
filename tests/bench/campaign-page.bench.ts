import {
  type BenchContext,
  type BenchResult,
  type Load,
  type Served,
  type Variant,
  ask,
  inTurns,
  listenIn,
  median,
  medianRatio,
  migrate,
  requests,
  serve,
  serveApi,
} from './bench.stage.ts';
import { seedCampaigns } from './campaign.seed.ts';

const SEED = { campaigns: 2_000, pledgesEach: 15, backers: 5_000 };
const CONNECTIONS = 8;
const ROUNDS = 7;
const WARM_UP_MS = 2_500;

const OURS = `{ campaigns(first: 20) { nodes { id title state progress { cashCaptured { amountMinor } }
  pledges(first: 10) { nodes { amount { amountMinor } contributor { displayName } } } } } }`;
const POSTGRAPHILE = `{ allCampaigns(first: 20, orderBy: PRIMARY_KEY_DESC) { nodes { rowId title state
  campaignTallyByCampaignId { capturedMinor }
  cashPledgesByCampaignId(first: 10, orderBy: PRIMARY_KEY_DESC) { nodes { amountMinor isAnonymous
    contributorByContributorId { displayName } } } } } }`;

/**
 * Campaign pages a second over HTTP, anonymous, 20 campaigns with 10 pledges each, from the API as it runs in
 * production. Limit: the statement that the API itself sends, read off the wire, over bare node:http with the same
 * bytes as answer. Peer: PostGraphile 5 over the same tables. Each server is a process of its own with a pool of 8; the
 * load comes from this process over 8 connections.
 */
export async function run(ctx: BenchContext): Promise<BenchResult[]> {
  await migrate(ctx.databaseUrl);
  await seedCampaigns(ctx.databaseUrl, SEED);
  ctx.log(`${SEED.campaigns} campaigns with ${SEED.pledgesEach} pledges each`);
  const statement = await statementOfApi(ctx.databaseUrl);
  const servers: Served[] = [];
  const start = async (begin: Promise<Served>): Promise<Served> => {
    const server = await begin;
    servers.push(server);
    return server;
  };
  try {
    const env = { DATABASE_URL: ctx.databaseUrl };
    const api = await start(serveApi(ctx.databaseUrl));
    const limit = await start(serve('tests/bench/page-limit.server.ts', { ...env, PAGE_STATEMENT: statement }));
    const peer = await start(serve('tests/bench/page-postgraphile.server.ts', env));
    const load = (server: Served, query: string): Load => ({
      url: `${server.url}/graphql`,
      body: JSON.stringify({ query }),
      connections: CONNECTIONS,
    });
    const loads = { ours: load(api, OURS), limit: load(limit, OURS), peer: load(peer, POSTGRAPHILE) };
    await proveEqual(loads.ours, loads.limit, loads.peer, ctx.log);
    const variants: (Variant & { server: Served; cpu: number[] })[] = [
      measured('ours', api, loads.ours),
      measured('limit', limit, loads.limit),
      measured('peer', peer, loads.peer),
    ];
    const samples = await inTurns(variants, { seconds: ctx.seconds, rounds: ROUNDS, warmUpMs: WARM_UP_MS });
    const [ours, bare, graphile] = ['ours', 'limit', 'peer'].map((name) => samples.get(name) ?? []);
    if (!ours || !bare || !graphile) throw new Error('a variant was not measured');
    const label: Record<string, string> = { ours: 'API', limit: 'bare node:http', peer: 'PostGraphile 5' };
    for (const { name, cpu } of variants) {
      const rates = samples.get(name) ?? [];
      ctx.log(
        `${label[name]}: ${median(rates).toFixed(0)} pages/s (${rates.map((r) => r.toFixed(0)).join(', ')}), ` +
          `${median(cpu.slice(1)).toFixed(2)} ms CPU of the server a page`,
      );
    }
    const row = (name: string, theirs: readonly number[], goal: number, note: string): BenchResult => ({
      name,
      ours: median(ours),
      peer: median(theirs),
      unit: 'pages/s',
      ratio: medianRatio(ours, theirs),
      goal,
      note,
    });
    return [
      row(
        'campaign page, beside the same SQL over bare node:http',
        bare,
        0.5,
        'same statement, same bytes, no GraphQL',
      ),
      row(
        'campaign page, beside PostGraphile 5',
        graphile,
        1.3,
        'same tables and fields; PostGraphile without guards, masks or limits',
      ),
    ];
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** Notes besides the rate what CPU time each page took of the server: it survives a busy machine. */
function measured(name: string, server: Served, load: Load): Variant & { server: Served; cpu: number[] } {
  const cpu: number[] = [];
  const sample = async (ms: number): Promise<number> => {
    const before = await server.cpuMs();
    const { perSecond } = await requests(load, ms);
    cpu.push(((await server.cpuMs()) - before) / ((perSecond * ms) / 1000));
    return perSecond;
  };
  return { name, server, cpu, sample };
}

/** The page's statement as the API sends it, taken from its conversation with the database. */
async function statementOfApi(databaseUrl: string): Promise<string> {
  const tap = await listenIn(databaseUrl);
  const api = await serveApi(tap.url);
  try {
    for (let n = 0; n < 3; n += 1)
      await ask({ url: `${api.url}/graphql`, body: JSON.stringify({ query: OURS }), connections: 1 });
  } finally {
    await api.stop();
    await tap.close();
  }
  const found = [...new Set(tap.statements.filter((sql) => sql.includes('FROM campaign c')))];
  if (found.length !== 1 || !found[0])
    throw new Error(`the page took ${found.length} statements of campaigns, not one`);
  return found[0];
}

interface Graphile {
  data: {
    allCampaigns: {
      nodes: {
        rowId: string;
        title: string;
        state: string;
        campaignTallyByCampaignId: { capturedMinor: string };
        cashPledgesByCampaignId: {
          nodes: { amountMinor: string; isAnonymous: boolean; contributorByContributorId: { displayName: string } }[];
        };
      }[];
    };
  };
}

/** A fast wrong answer counts for nothing: the same bytes from the limit, the same content from the peer. */
async function proveEqual(ours: Load, limit: Load, peer: Load, log: (line: string) => void): Promise<void> {
  // Thrice: the first answer of the API is interpreted, the later ones are compiled.
  const bodies = [await ask(ours), await ask(ours), await ask(ours), await ask(limit)];
  if (new Set(bodies).size !== 1) throw new Error(`answers differ:\n${bodies.map((b) => b.slice(0, 400)).join('\n')}`);
  const theirs = JSON.parse(await ask(peer)) as Graphile;
  const asOurs = theirs.data.allCampaigns.nodes.map((node) => ({
    id: Buffer.from(`Campaign:${node.rowId}`).toString('base64url'),
    title: node.title,
    state: node.state.toUpperCase(),
    progress: { cashCaptured: { amountMinor: node.campaignTallyByCampaignId.capturedMinor } },
    pledges: {
      nodes: node.cashPledgesByCampaignId.nodes.map((pledge) => ({
        amount: { amountMinor: pledge.amountMinor },
        contributor: { displayName: pledge.isAnonymous ? 'Anonymous' : pledge.contributorByContributorId.displayName },
      })),
    },
  }));
  const wanted = JSON.parse(bodies[0] ?? '') as { data: { campaigns: { nodes: unknown[] } } };
  if (JSON.stringify(asOurs) !== JSON.stringify(wanted.data.campaigns.nodes))
    throw new Error('PostGraphile answers other content');
  log(
    `equal: ${bodies[0]?.length} bytes from API and bare node:http, ${JSON.stringify(theirs).length} from PostGraphile with the same content`,
  );
}
