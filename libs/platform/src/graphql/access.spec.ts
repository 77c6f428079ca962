import { type ExecutionResult, type GraphQLSchema, buildSchema, graphql, parse, subscribe } from 'graphql';
import { describe, expect, it } from 'vitest';
import { ANONYMOUS, type PlatformRole, type Scope, type Viewer } from '../viewer.js';
import { type AccessRule, denial, guardRootFields } from './access.js';

const person = (scopes: ReadonlySet<Scope> | 'all', roles: PlatformRole[] = []): Viewer => ({
  kind: 'contributor',
  contributorId: 'c',
  pseudonym: 'p',
  displayName: 'Ada',
  scopes,
  platformRoles: new Set(roles),
});

const session = person('all');
const token = (...scopes: Scope[]) => person(new Set(scopes));
const operator = person('all', ['operator']);

describe('an access rule', () => {
  const cases: [rule: AccessRule | undefined, viewer: Viewer, code: string | undefined][] = [
    ['public', ANONYMOUS, undefined],
    ['signedIn', ANONYMOUS, 'UNAUTHENTICATED'],
    ['signedIn', token('node:write'), undefined],
    [{ scope: 'run:write' }, ANONYMOUS, 'UNAUTHENTICATED'],
    [{ scope: 'run:write' }, session, undefined],
    [{ scope: 'run:write' }, token('run:write'), undefined],
    [{ scope: 'run:write' }, token('node:write', 'pledge:write'), 'MISSING_SCOPE'],
    [{ scope: 'run:write' }, token(), 'MISSING_SCOPE'],
    [{ platformRole: 'operator' }, session, 'FORBIDDEN'],
    [{ platformRole: 'operator' }, person('all', ['regulator']), 'FORBIDDEN'],
    [{ platformRole: 'operator' }, operator, undefined],
    [{ scope: 'campaign:review', platformRole: 'operator' }, session, 'FORBIDDEN'],
    [{ scope: 'campaign:review', platformRole: 'operator' }, operator, undefined],
    [{ scope: 'campaign:review', platformRole: 'operator' }, person(new Set(), ['operator']), 'MISSING_SCOPE'],
    // No rule: nobody, not even an operator.
    [undefined, ANONYMOUS, 'FORBIDDEN'],
    [undefined, operator, 'FORBIDDEN'],
  ];

  it.each(cases)('%j', (rule, viewer, code) => expect(denial(rule, viewer)?.extensions['code']).toBe(code));
});

describe('guarded root fields', () => {
  function build(): { schema: GraphQLSchema; ran: string[] } {
    const schema = buildSchema(`
      type Query { open: Int  closed: Int  silent: Int }
      type Mutation { change: Int }
      type Subscription { watch: Int  hush: Int }
    `);
    const ran: string[] = [];
    const rules: Record<string, AccessRule> = {
      open: 'public',
      closed: 'signedIn',
      change: { scope: 'run:write' },
      watch: 'signedIn',
    };
    for (const type of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
      for (const field of Object.values(type?.getFields() ?? {})) {
        const rule = rules[field.name];
        if (rule) field.extensions = { access: rule };
        field.resolve = (source: unknown) => {
          ran.push(field.name);
          return source ?? 1;
        };
        if (type?.name === 'Subscription') {
          field.subscribe = async function* () {
            ran.push(`subscribe ${field.name}`);
            yield 7;
          };
        }
      }
    }
    return { schema: guardRootFields(schema), ran };
  }

  it('run no resolver for somebody who may not', async () => {
    const { schema, ran } = build();
    const ask = (source: string, viewer: Viewer) => graphql({ schema, source, contextValue: { viewer } });
    const answer = await ask('{ open closed silent }', ANONYMOUS);
    expect(answer.data).toEqual({ open: 1, closed: null, silent: null });
    expect(answer.errors?.map((error) => error.extensions['code'])).toEqual(['UNAUTHENTICATED', 'FORBIDDEN']);
    await ask('mutation { change }', token('node:write'));
    expect(ran).toEqual(['open']);
    expect((await ask('mutation { change }', token('run:write'))).data).toEqual({ change: 1 });
    expect((await ask('{ silent }', operator)).data).toEqual({ silent: null });
  });

  it('start no subscription for somebody who may not, and check once, at its start', async () => {
    const { schema, ran } = build();
    const open = (query: string, viewer: Viewer) =>
      subscribe({ schema, document: parse(query), contextValue: { viewer } });
    for (const [query, viewer] of [
      ['subscription { watch }', ANONYMOUS],
      ['subscription { hush }', operator],
    ] as const) {
      expect((await open(query, viewer)) as ExecutionResult).toHaveProperty('errors');
    }
    expect(ran).toEqual([]);
    const stream = (await open('subscription { watch }', session)) as AsyncIterableIterator<ExecutionResult>;
    expect((await stream.next()).value).toEqual({ data: { watch: 7 } });
  });
});
