import pg from 'pg';
import { type CampaignPlan, campaignChart } from '#campaigns';
import type { PublishedBudget } from '#catalog';
import { isRefused, systemClock } from '#kernel';
import { Ledger } from '#ledger';
import { UnitOfWork, createDataSource } from '#platform';
import { ROOT } from './bench.stage.ts';

export interface Seed {
  readonly campaigns: number;
  /** Settled pledges of each campaign, without their payments. */
  readonly pledgesEach: number;
  readonly backers: number;
}

/*
 * Campaigns with their pledges as months of use would leave them, by a few statements. Rows go through the constraints
 * of the schema. Ids are UUIDv7 in the order of creation; every tenth pledge is anonymous, every ninth was refused.
 */

const BUDGET = JSON.stringify({
  parameters: '1000000',
  activeParameters: null,
  tokens: '1000000',
  gpuClass: 'cpu',
  mfu: '0.4',
  overheadPercent: 10,
  pricePerGpuHourMinor: '10',
  flop: '6000000000000',
  peakFlopPerSecond: '100000000000',
  milliseconds: '165000',
  cashMinor: '1',
  currency: 'USD',
  lines: [
    {
      code: 'flop',
      label: 'Work',
      amount: '6000000000000',
      unit: 'FLOP',
      formula: '6 x N x D',
      source: 'Kaplan et al. 2020',
    },
  ],
} satisfies PublishedBudget);

const PLAN = JSON.stringify({
  cashOptimumMinor: null,
  hardCapMinor: null,
  stretchGoals: [],
  shortfall: { rule: 'none' },
  surplus: 'reserve',
  budgetLines: [{ kind: 'compute', amountMinor: '500000', note: '' }],
  tranches: [],
  approvalsRequired: 1,
  approvers: [],
  extension: null,
  windows: {
    settlementWindowSeconds: 604_800,
    retryEverySeconds: 172_800,
    safetyWindowSeconds: 1_209_600,
    reserveDays: { card: 120, us_bank_account: 60, sepa_debit: 56, bank_transfer: 0 },
  },
} satisfies CampaignPlan);

/** UUIDv7 of a moment and a number that keeps ids apart. */
const ID_FUNCTION = `CREATE FUNCTION pg_temp.id_at(at timestamptz, n bigint, kind text) RETURNS uuid LANGUAGE sql AS $$
  SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') ||
          '8' || substr(md5(kind || n), 1, 15))::uuid $$`;

const statements = ({ campaigns, pledgesEach, backers }: Seed): string[] => [
  `INSERT INTO contributor (id, pseudonym, display_name, created_at)
   SELECT pg_temp.id_at('2026-01-01Z', n, 'person'), gen_random_uuid(), 'Backer ' || n, '2026-01-01Z'
     FROM generate_series(0, ${backers} - 1) n`,
  `INSERT INTO organisation (id, slug, name, created_at)
   VALUES (pg_temp.id_at('2026-01-01Z', 1, 'organisation'), 'bench', 'Bench', '2026-01-01Z')`,
  `INSERT INTO project (id, organisation_id, slug, name, created_at)
   VALUES (pg_temp.id_at('2026-01-01Z', 1, 'project'), pg_temp.id_at('2026-01-01Z', 1, 'organisation'), 'bench', 'Bench', '2026-01-01Z')`,
  `INSERT INTO dataset (id, name, licence, source, sha256, bytes, tokens, registered_by, created_at)
   VALUES (pg_temp.id_at('2026-01-01Z', 1, 'dataset'), 'Text', 'CC0-1.0', 'https://example.org/text', repeat('a', 64), 1000, 250,
           pg_temp.id_at('2026-01-01Z', 0, 'person'), '2026-01-01Z')`,
  `INSERT INTO recipe (id, digest, content, project_id, dataset_id, name, workload, driver, gpu_class, parameters, tokens,
                       min_workers, max_workers, checkpoint_every_steps, hyperparameters, registered_by, created_at)
   VALUES (pg_temp.id_at('2026-01-01Z', 1, 'recipe'), encode(sha256(convert_to('{}', 'UTF8')), 'hex'), '{}',
           pg_temp.id_at('2026-01-01Z', 1, 'project'), pg_temp.id_at('2026-01-01Z', 1, 'dataset'), 'Small model', 'tiny-lm',
           'process', 'cpu', 1000000, 1000000, 1, 4, 50, '{}', pg_temp.id_at('2026-01-01Z', 0, 'person'), '2026-01-01Z')`,
  `INSERT INTO campaign (id, slug, project_id, recipe_id, title, summary, state, funding_model, currency, cash_goal_minor,
                         compute_goal_ms, gpu_class, auto_accept_compute, deadline, budget, plan, terms_version, created_by,
                         created_at, live_at)
   SELECT pg_temp.id_at('2026-02-01Z'::timestamptz + n * interval '1 minute', n, 'campaign'), 'campaign-' || n,
          pg_temp.id_at('2026-01-01Z', 1, 'project'), pg_temp.id_at('2026-01-01Z', 1, 'recipe'), 'A model for town ' || n,
          'A small language model that the people of a town train together.', 'live', 'keep_it_all', 'USD', 500000, 3600000, 'cpu',
          false, '2036-01-01Z', '${BUDGET}', '${PLAN}', 1, pg_temp.id_at('2026-01-01Z', 0, 'person'),
          '2026-02-01Z'::timestamptz + n * interval '1 minute', '2026-02-01Z'::timestamptz + n * interval '1 minute'
     FROM generate_series(0, ${campaigns} - 1) n`,
  `INSERT INTO cash_pledge (id, campaign_id, contributor_id, pseudonym, amount_minor, counted_minor, currency, rail,
                            is_deferred, terms_version, state, is_anonymous, idempotency_key, is_promised, failure_code,
                            collected_minor, fee_minor, created_at, collected_at, updated_at)
   SELECT pg_temp.id_at(at, n, 'pledge'), c.id, k.id, k.pseudonym, 500 + n * 37 % 20000, 500 + n * 37 % 20000, 'USD',
          'card', false, 1, CASE WHEN n % 9 = 0 THEN 'errored' ELSE 'collected' END, n % 10 = 0, 'seed-' || n, false,
          CASE WHEN n % 9 = 0 THEN 'card_declined' END, CASE WHEN n % 9 = 0 THEN 0 ELSE 500 + n * 37 % 20000 END,
          CASE WHEN n % 9 = 0 THEN 0 ELSE 45 END, at, CASE WHEN n % 9 = 0 THEN NULL ELSE at END, at
     FROM (SELECT n, '2026-06-01Z'::timestamptz + n * interval '1 second' AS at, n % ${campaigns} AS campaign
             FROM generate_series(0, ${campaigns * pledgesEach} - 1) n) g
     JOIN campaign c ON c.slug = 'campaign-' || g.campaign
     JOIN contributor k ON k.id = pg_temp.id_at('2026-01-01Z', n * 7919 % ${backers}, 'person')`,
  `INSERT INTO campaign_tally (campaign_id, captured_minor, fees_minor, cash_backers)
   SELECT c.id, coalesce(sum(p.amount_minor) FILTER (WHERE p.state = 'collected'), 0), coalesce(sum(p.fee_minor), 0),
          count(DISTINCT p.contributor_id) FILTER (WHERE p.state = 'collected')
     FROM campaign c LEFT JOIN cash_pledge p ON p.campaign_id = c.id GROUP BY c.id`,
];

/** Fills a migrated database. Answers the campaigns' ids. */
export async function seedCampaigns(databaseUrl: string, seed: Seed): Promise<string[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(ID_FUNCTION);
    for (const statement of statements(seed)) await client.query(statement);
    const { rows } = await client.query<{ id: string }>('SELECT id FROM campaign');
    const ids = rows.map((row) => row.id);
    await openAccounts(databaseUrl, ids);
    for (const table of ['campaign', 'campaign_tally', 'cash_pledge', 'contributor', 'ledger_account']) {
      await client.query(`VACUUM ANALYZE ${table}`);
    }
    return ids;
  } finally {
    await client.end();
  }
}

/** The accounts that a campaign has from its beginning. */
async function openAccounts(databaseUrl: string, campaignIds: readonly string[]): Promise<void> {
  const source = await createDataSource({ url: databaseUrl, poolSize: 2, packageRoot: ROOT }).initialize();
  const uow = new UnitOfWork(source, systemClock);
  const ledger = new Ledger();
  const gpu = campaignChart.gpuUnit('cpu');
  const guarded = (code: string, unit: string) => ({ code, unit, limit: 'debits_must_not_exceed_credits' as const });
  for (let start = 0; start < campaignIds.length; start += 250) {
    const charts = campaignIds.slice(start, start + 250).map((id) => campaignChart.of(id, 'cpu'));
    const opened = await uow.run('bench.open', async (tx) => {
      await ledger.openAccounts(tx, [
        { code: campaignChart.memoPledged, unit: 'USD', limit: 'none' },
        ...charts.flatMap((of) => [
          ...[of.escrow, of.refundsPayable, of.pledged].map((code) => guarded(code, 'USD')),
          ...[of.computeOffered, of.computeCommitted].map((code) => guarded(code, gpu)),
        ]),
      ]);
    });
    if (isRefused(opened)) throw new Error(opened.first.message);
  }
  await source.destroy();
}
