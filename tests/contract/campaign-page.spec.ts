import {
  type IntrospectionQuery,
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  isLeafType,
  isObjectType,
} from 'graphql';
import type { GraphQLObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seedCampaigns } from '../bench/campaign.seed.js';
import { type ApiStage, startApiStage } from './api.stage.js';

/*
 * The page's statement reads just the columns of what was asked for. So each field is asked for alone here, and has to
 * answer what it answers in company: a column that somebody forgot shows.
 */

let api: ApiStage;
let campaign: GraphQLObjectType;
let pledge: GraphQLObjectType;

beforeAll(async () => {
  api = await startApiStage();
  await seedCampaigns(api.db.url, { campaigns: 3, pledgesEach: 12, backers: 5 });
  const { body } = await api.ask(getIntrospectionQuery());
  const schema = buildClientSchema(body.data as IntrospectionQuery);
  campaign = schema.getType('Campaign') as GraphQLObjectType;
  pledge = schema.getType('CashPledge') as GraphQLObjectType;
});
afterAll(() => api.close());

/** Each leaf below the type as a path of field names. Lists of other things are pages of their own. */
function leaves(type: GraphQLObjectType, without: readonly string[], depth = 3): string[][] {
  return Object.values(type.getFields()).flatMap((field): string[][] => {
    const of = getNamedType(field.type);
    if (without.includes(field.name)) return [];
    if (isLeafType(of)) return [[field.name]];
    if (!isObjectType(of) || of.name.endsWith('Connection') || depth === 0) return [];
    return leaves(of, without, depth - 1).map((below) => [field.name, ...below]);
  });
}

const asText = (path: readonly string[]): string =>
  path.reduceRight((below, name) => (below ? `${name} { ${below} }` : name), '');
const valuesAt = (value: unknown, [head, ...rest]: readonly string[]): unknown => {
  if (head === undefined || value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((each) => valuesAt(each, [head, ...rest]));
  return valuesAt((value as Record<string, unknown>)[head], rest);
};

const nodesOf = async (selection: string): Promise<unknown[]> => {
  const { body } = await api.ask(`{ campaigns(first: 2) { nodes { ${selection} } } }`);
  expect(body.errors).toBeUndefined();
  return body.data.campaigns.nodes as unknown[];
};
const pledgesOf = (selection: string) => nodesOf(`pledges(first: 11) { nodes { ${selection} } }`);

describe('a campaign page', () => {
  it('answers each field of a campaign alone as among all', async () => {
    const paths = leaves(campaign, []);
    expect(paths.length).toBeGreaterThan(60);
    const all = await nodesOf(paths.map(asText).join(' '));
    for (const path of paths) {
      expect(valuesAt(await nodesOf(asText(path)), path), path.join('.')).toEqual(valuesAt(all, path));
    }
  }, 60_000);

  it('answers each field of a pledge alone as among all', async () => {
    const paths = leaves(pledge, ['campaign', 'refunds', 'dispute']);
    const under = (path: readonly string[]) => ['pledges', 'nodes', ...path];
    const all = await pledgesOf([...paths.map(asText), 'refunds { state }', 'dispute { state }'].join(' '));
    for (const path of paths) {
      expect(valuesAt(await pledgesOf(asText(path)), under(path)), path.join('.')).toEqual(valuesAt(all, under(path)));
    }
    const names = valuesAt(all, under(['contributor', 'displayName'])) as string[][];
    expect(names.flat()).toContain('Anonymous');
    expect(names.flat().some((name) => name.startsWith('Backer '))).toBe(true);
    expect(valuesAt(await pledgesOf('campaign { id }'), under(['campaign', 'id']))).toEqual(
      (await nodesOf('id')).map((node) => Array.from({ length: 11 }, () => (node as { id: string }).id)),
    );
  }, 60_000);

  it('knows whether there is more when it is asked, whatever else is', async () => {
    const more = async (first: number, pledges: number) => {
      const { body } = await api.ask(
        `{ campaigns(first: ${first}) { pageInfo { hasNextPage } nodes { pledges(first: ${pledges}) { pageInfo { hasNextPage endCursor } edges { cursor } } } } }`,
      );
      const [node] = body.data.campaigns.nodes;
      expect(node.pledges.edges.at(-1).cursor).toBe(node.pledges.pageInfo.endCursor);
      return [body.data.campaigns.pageInfo.hasNextPage, node.pledges.edges.length, node.pledges.pageInfo.hasNextPage];
    };
    expect([await more(2, 11), await more(3, 12)]).toEqual([
      [true, 11, true],
      [false, 12, false],
    ]);
  });
});
