import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CatalogCommands, CatalogQueries } from '#catalog';
import { FundingStage, MOBY_DICK, type Person, TINY, codes, got } from './funding.stage.js';

let stage: FundingStage;
let catalog: CatalogCommands;
let owner: Person;
beforeAll(async () => {
  stage = await FundingStage.open();
  catalog = stage.app.get(CatalogCommands, { strict: false });
  owner = await stage.person('Ishmael');
});
afterAll(() => stage.close());

describe('datasets', () => {
  it('are registered once, by the hash of their bytes', async () => {
    const first = got(await catalog.registerDataset(owner, MOBY_DICK));
    expect(got(await catalog.registerDataset(owner, MOBY_DICK)).id).toBe(first.id);
    const conflict = await catalog.registerDataset(owner, { ...MOBY_DICK, licence: 'Mine' });
    expect(codes(conflict)).toEqual(['CATALOG_DATASET_CONFLICT']);
    const events = await stage.rows("SELECT payload FROM event_outbox WHERE type = 'dataset.registered'");
    expect(events).toHaveLength(1);
    expect(events[0]?.['payload']).toMatchObject({ datasetId: first.id, sha256: MOBY_DICK.sha256, bytes: '1200000' });
  });

  it.each([
    ['CATALOG_DIGEST_INVALID', { sha256: 'ABC' }],
    ['CATALOG_TEXT_INVALID', { name: ' ' }],
    ['CATALOG_TEXT_INVALID', { licence: '' }],
    ['CATALOG_NUMBER_INVALID', { bytes: 0n }],
    ['CATALOG_NUMBER_INVALID', { tokens: -1n }],
  ])('are refused with %s (case %#)', async (code, more) => {
    const sha256 = createHash('sha256').update(randomUUID()).digest('hex');
    expect(codes(await catalog.registerDataset(owner, { ...MOBY_DICK, sha256, ...more }))).toEqual([code]);
  });
});

describe('recipes', () => {
  it('are registered once, by the hash of their content, by maintainers only', async () => {
    const { projectId } = await stage.project(owner);
    const dataset = got(await catalog.registerDataset(owner, MOBY_DICK));
    const asked = { ...TINY, projectId, datasetId: dataset.id };
    const first = got(await catalog.registerRecipe(owner, asked));
    expect(got(await catalog.registerRecipe(owner, asked)).id).toBe(first.id);
    const stranger = await stage.person('Mallory');
    expect(codes(await catalog.registerRecipe(stranger, asked))).toEqual(['PROJECT_ROLE_REQUIRED']);
    expect(codes(await catalog.registerRecipe(owner, { ...asked, datasetId: randomUUID() }))).toEqual([
      'CATALOG_DATASET_NOT_FOUND',
    ]);
    expect(codes(await catalog.registerRecipe(owner, { ...asked, gpuClass: 'abacus' }))).toEqual([
      'CATALOG_CLASS_UNKNOWN',
    ]);
    const [event] = await stage.rows("SELECT payload FROM event_outbox WHERE payload->>'recipeId' = $1", [first.id]);
    expect(event?.['payload']).toMatchObject({
      digest: first.digest,
      parameters: '50000',
      tokens: '2000000',
      gpuClass: 'cpu',
      datasetId: dataset.id,
    });
  });

  it('never change under those who relied on them', async () => {
    await expect(stage.rows("UPDATE recipe SET name = 'Other'")).rejects.toThrow(/never changes/);
    await expect(stage.rows('DELETE FROM dataset')).rejects.toThrow(/never changes/);
  });
});

describe('the compute budget in GraphQL', () => {
  const query = `query B($input: ComputeBudgetInput!) {
    computeBudget(input: $input) { flop mfu gpuTime { milliseconds class } cash { amountMinor currency decimal } lines { code amount unit formula source } } }`;

  it('shows every term to anybody', async () => {
    const input = { parameters: '50000', tokens: '2000000', gpuClass: 'cpu' };
    const { data } = await stage.gql(query, { input });
    expect(data['computeBudget']).toMatchObject({
      flop: '600000000000',
      mfu: '0.0200',
      gpuTime: { milliseconds: '718750', class: 'cpu' },
      cash: { amountMinor: '1', currency: 'USD' },
    });
    expect(data['computeBudget'].lines).toHaveLength(10);
  });

  it('says what is wrong', async () => {
    const { errors } = await stage.gql(query, { input: { parameters: '50000', tokens: '0', gpuClass: 'cpu' } });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(errors?.[0]?.message).toMatch(/^CATALOG_NUMBER_INVALID: .*From 1 to/);
  });

  it('lists the classes with their peaks and sources', async () => {
    const { data } = await stage.gql('{ acceleratorClasses { class label peakFlopPerSecond source } }');
    const h100 = data['acceleratorClasses'].find((c: { class: string }) => c.class === 'h100-sxm-80');
    expect(h100.peakFlopPerSecond).toBe('989000000000000');
  });
});

describe('lists', () => {
  it('page through datasets and through the recipes of one project, newest first', async () => {
    const queries = stage.app.get(CatalogQueries, { strict: false });
    const { projectId } = await stage.project(owner);
    const dataset = got(await catalog.registerDataset(owner, MOBY_DICK));
    const made = [];
    for (const name of ['First', 'Second'])
      made.push(
        got(
          await catalog.registerRecipe(owner, {
            ...TINY,
            name: `${name} ${randomUUID()}`,
            projectId,
            datasetId: dataset.id,
          }),
        ).id,
      );
    const newest = await queries.recipePage({ first: 1, projectId });
    expect(newest.nodes.map((row) => row.id)).toEqual([made[1]]);
    expect(newest.hasNextPage).toBe(true);
    const next = await queries.recipePage({ first: 50, after: newest.cursors[0], projectId });
    expect(next.nodes[0]?.id).toBe(made[0]);
    expect(next.hasNextPage).toBe(false);
    expect((await queries.recipePage({ projectId: randomUUID() })).nodes).toEqual([]);
    const answer = await stage.gql<{
      recipes: { nodes: { dataset: { name: string } }[] };
      datasets: { nodes: object[] };
    }>('{ recipes(first: 1) { nodes { dataset { name } } } datasets(first: 1) { nodes { id } } }');
    expect(answer.data?.recipes.nodes[0]?.dataset.name).toBe(dataset.name);
    expect(answer.data?.datasets.nodes).toHaveLength(1);
  });
});
