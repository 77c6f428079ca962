import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  buildClientSchema,
  getIntrospectionQuery,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  lexicographicSortSchema,
  printSchema,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '#kernel';
import { toGlobalId } from '#platform';
import { buildApiSchema } from '../../apps/api/src/schema.js';
import { type ApiStage, startApiStage } from './api.stage.js';

let api: ApiStage;
let schema: GraphQLSchema;
let operator: string;
/** A project of the operator, so that what is checked after the project gets its turn too. */
let projectId = '';
beforeAll(async () => {
  api = await startApiStage();
  operator = await api.signIn('Operator', 'OPERATOR');
  const made = await api.ask(
    'mutation { projectCreate(input: { name: "Real" }) { project { id } } }',
    {},
    { authorization: operator },
  );
  projectId = made.body.data.projectCreate.project.id;
  const { body } = await api.ask(getIntrospectionQuery());
  schema = buildClientSchema(body.data);
});
afterAll(() => api.close());

interface Hostile {
  readonly name: string;
  readonly text: string;
  readonly id: (typeName: string) => string;
  readonly integer: string;
  readonly int: number;
}

const cursor = (text: string) => Buffer.from(text).toString('base64url');
const SETS: Hostile[] = [
  { name: 'garbage', text: 'garbage!', id: () => 'garbage!', integer: '-1', int: -1 },
  { name: 'a cursor to nowhere', text: cursor('nowhere'), id: () => cursor('Nowhere:at:all'), integer: '0', int: 0 },
  { name: 'SQL', text: "'; DROP TABLE contributor; --", id: (t) => cursor(`${t}:' OR 1=1`), integer: '1', int: 1 },
  {
    name: 'a cursor of SQL',
    text: cursor("x' OR '1'='1"),
    id: (t) => toGlobalId(t, newId()),
    integer: '9'.repeat(30),
    int: 2_147_483_647,
  },
  {
    name: 'a cursor of a huge number',
    text: cursor('9'.repeat(40)),
    id: (t) => toGlobalId(t, newId()),
    integer: '9'.repeat(19),
    int: 100,
  },
  { name: 'a NUL', text: 'a\0b', id: (t) => cursor(`${t}:\0`), integer: '1', int: 5 },
  { name: 'a cursor of a NUL', text: cursor('\0'), id: (t) => toGlobalId(t, newId()), integer: '1', int: 5 },
  { name: 'half a surrogate', text: '\ud800', id: () => '\ud800', integer: '1', int: 5 },
  { name: 'nothing', text: '', id: () => '', integer: '9223372036854775807', int: 1 },
  { name: 'length', text: 'x'.repeat(20_000), id: () => 'A'.repeat(20_000), integer: '9223372036854775808', int: 1 },
  { name: 'another object', text: newId(), id: (t) => toGlobalId(t, newId()), integer: String(10n ** 18n), int: 10 },
];

function valueFor(type: GraphQLInputType, name: string, hostile: Hostile): unknown {
  if (isNonNullType(type)) return valueFor(type.ofType, name, hostile);
  if (isListType(type)) return [valueFor(type.ofType, name, hostile)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) {
    return Object.fromEntries(
      Object.values(type.getFields()).map((field) => [field.name, valueFor(field.type, field.name, hostile)]),
    );
  }
  switch (type.name) {
    case 'Int':
      return hostile.int;
    case 'Boolean':
      return true;
    case 'BigInt':
      return hostile.integer;
    case 'DateTime':
      return '9999-12-31T23:59:59Z';
    case 'URL':
      return 'https://example.org/';
    case 'JSON':
      return { [hostile.text]: [hostile.text, 1e308, { deep: hostile.text }] };
    case 'ID':
      if (name === 'projectId' && !/^(garbage|SQL|nothing|length)$/.test(hostile.name)) return projectId;
      return hostile.id(name.replace(/Id$/, '').replace(/^./, (c) => c.toUpperCase()) || 'Node');
    default:
      return hostile.text;
  }
}

/** Every scalar without arguments, and one level of the objects below. */
function selectionOf(type: GraphQLOutputType, depth = 3): string {
  const named = getNamedType(type);
  if (isScalarType(named) || isEnumType(named)) return '';
  if (!isObjectType(named)) return '{ __typename }';
  const fields = Object.values(named.getFields()).flatMap((field) => {
    if (field.args.some((arg) => isNonNullType(arg.type))) return [];
    const below = getNamedType(field.type);
    if (isScalarType(below) || isEnumType(below)) return [field.name];
    return depth > 1 && isObjectType(below) ? [`${field.name} ${selectionOf(field.type, depth - 1)}`] : [];
  });
  return `{ __typename ${fields.join(' ')} }`;
}

function operationFor(kind: string, field: GraphQLField<unknown, unknown>, hostile: Hostile) {
  const declared = field.args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(', ');
  const passed = field.args.map((arg) => `${arg.name}: $${arg.name}`).join(', ');
  const variables = Object.fromEntries(field.args.map((arg) => [arg.name, valueFor(arg.type, arg.name, hostile)]));
  const head = declared ? `${kind} (${declared})` : kind;
  const call = passed ? `${field.name}(${passed})` : field.name;
  return { query: `${head} { ${call} ${selectionOf(field.type, 2)} }`, variables };
}

describe('the schema that is served', () => {
  it('is the one that is printed', async () => {
    expect(printSchema(lexicographicSortSchema(schema))).toBe(printSchema(await buildApiSchema()));
  });
});

describe.each(SETS)('$name in every argument', (hostile) => {
  it.each(['query', 'mutation'] as const)('of every %s gets an answer or a typed error', async (kind) => {
    const type = kind === 'query' ? schema.getQueryType() : schema.getMutationType();
    const failures: string[] = [];
    for (const field of Object.values(type?.getFields() ?? {})) {
      if (field.name === 'signOut' || field.args.length === 0) continue;
      const { query, variables } = operationFor(kind, field, hostile);
      const answer = await api.ask(query, variables, { authorization: operator });
      const [error] = answer.body?.errors ?? [];
      if (answer.status >= 500 || error?.extensions?.code === 'INTERNAL_SERVER_ERROR') {
        failures.push(`${field.name}: ${answer.text.slice(0, 200)}`);
      }
      if (/GRAPHQL_VALIDATION_FAILED|GRAPHQL_PARSE_FAILED/.test(answer.text)) {
        failures.push(`${field.name}: the test's own document is wrong: ${answer.text.slice(0, 200)}`);
      }
    }
    expect(failures).toEqual([]);
  });
});
