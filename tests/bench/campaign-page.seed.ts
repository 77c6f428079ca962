import type { Client } from 'pg';

export const CAMPAIGNS = 2_000;
const PLEDGES_EACH = 15;
const BACKERS = 5_000;

/*
 * Campaigns with their pledges as months of use would leave them, by a few statements. Rows go through the constraints
 * of the schema. Ids are UUIDv7 in the order of creation; every tenth pledge is anonymous, every ninth was refused.
 */

/** UUIDv7 of a moment and a number that keeps ids apart. */
const ID_FUNCTION = `CREATE FUNCTION pg_temp.id_at(at timestamptz, n bigint, kind text) RETURNS uuid LANGUAGE sql AS $$
  SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') ||
          '8' || substr(md5(kind || n), 1, 15))::uuid $$`;

const STATEMENTS = [
  `INSERT INTO contributor (id, pseudonym, display_name, created_at)
   SELECT pg_temp.id_at('2026-01-01Z', n, 'person'), gen_random_uuid(), 'Backer ' || n, '2026-01-01Z'
     FROM generate_series(0, ${BACKERS} - 1) n`,
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
                         compute_goal_ms, gpu_class, auto_accept_compute, deadline, budget, created_by, created_at, live_at)
   SELECT pg_temp.id_at('2026-02-01Z'::timestamptz + n * interval '1 minute', n, 'campaign'), 'campaign-' || n,
          pg_temp.id_at('2026-01-01Z', 1, 'project'), pg_temp.id_at('2026-01-01Z', 1, 'recipe'), 'A model for town ' || n,
          'A small language model that the people of a town train together.', 'live', 'keep_it_all', 'USD', 500000, 3600000, 'cpu',
          false, '2036-01-01Z', '{}', pg_temp.id_at('2026-01-01Z', 0, 'person'),
          '2026-02-01Z'::timestamptz + n * interval '1 minute', '2026-02-01Z'::timestamptz + n * interval '1 minute'
     FROM generate_series(0, ${CAMPAIGNS} - 1) n`,
  `INSERT INTO cash_pledge (id, campaign_id, contributor_id, pseudonym, amount_minor, currency, state, is_anonymous,
                            idempotency_key, is_promised, payment_id, failure_code, fee_minor, created_at, captured_at, updated_at)
   SELECT pg_temp.id_at(at, n, 'pledge'), c.id, k.id, k.pseudonym, 500 + n * 37 % 20000, 'USD',
          CASE WHEN n % 9 = 0 THEN 'failed' ELSE 'captured' END, n % 10 = 0, 'seed-' || n, false,
          CASE WHEN n % 9 = 0 THEN NULL ELSE gen_random_uuid() END, CASE WHEN n % 9 = 0 THEN 'card_declined' END,
          CASE WHEN n % 9 = 0 THEN 0 ELSE 45 END, at, CASE WHEN n % 9 = 0 THEN NULL ELSE at END, at
     FROM (SELECT n, '2026-06-01Z'::timestamptz + n * interval '1 second' AS at, n % ${CAMPAIGNS} AS campaign
             FROM generate_series(0, ${CAMPAIGNS * PLEDGES_EACH} - 1) n) g
     JOIN campaign c ON c.slug = 'campaign-' || g.campaign
     JOIN contributor k ON k.id = pg_temp.id_at('2026-01-01Z', n * 7919 % ${BACKERS}, 'person')`,
  `INSERT INTO campaign_tally (campaign_id, captured_minor, fees_minor, cash_backers)
   SELECT campaign_id, coalesce(sum(amount_minor) FILTER (WHERE state = 'captured'), 0), sum(fee_minor),
          count(DISTINCT contributor_id) FILTER (WHERE state = 'captured')
     FROM cash_pledge GROUP BY campaign_id`,
];

export async function seedCampaigns(client: Client): Promise<void> {
  await client.query(ID_FUNCTION);
  for (const statement of STATEMENTS) await client.query(statement);
  for (const table of ['campaign', 'campaign_tally', 'cash_pledge', 'contributor'])
    await client.query(`VACUUM ANALYZE ${table}`);
}
