import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { Extensions, GqlExecutionContext } from '@nestjs/graphql';
import {
  GraphQLError,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
  defaultFieldResolver,
} from 'graphql';
import type { PlatformRole, Scope, Viewer } from '../viewer.js';
import type { GraphQLContext } from './context.js';
import { checkPages } from './pages.js';

/**
 * Who may call a root field:
 * `public` anyone; `signedIn` any contributor; `scope` a contributor whose session or token has it; `platformRole`
 * a contributor with that role (and the scope, when given). Roles in a project are checked by the command, which has
 * the project at hand; `projectRoles` states them here for the reader and the schema test.
 */
export type AccessRule =
  | 'public'
  | 'signedIn'
  | { readonly scope: Scope; readonly projectRoles?: readonly string[]; readonly platformRole?: PlatformRole }
  | { readonly platformRole: PlatformRole };

/** States who may call a root field. A root field without it is refused to everybody and fails a test. */
export const Access = (rule: AccessRule): MethodDecorator => Extensions({ access: rule });

/** The viewer of the request, in a resolver's parameters. */
export const CurrentViewer = createParamDecorator(
  (_: unknown, context: ExecutionContext): Viewer =>
    GqlExecutionContext.create(context).getContext<GraphQLContext>().viewer,
);

/** Undefined when the viewer may; else the error that says what is missing. */
export function denial(rule: AccessRule | undefined, viewer: Viewer): GraphQLError | undefined {
  if (rule === 'public') return undefined;
  if (rule === undefined) return error('FORBIDDEN', 'This field states no access rule, so nobody may call it.', 403);
  if (viewer.kind === 'anonymous') {
    return error('UNAUTHENTICATED', 'Sign in first, or send a personal API token as "Authorization: Bearer …".', 401);
  }
  if (rule === 'signedIn') return undefined;
  if ('scope' in rule && viewer.scopes !== 'all' && !viewer.scopes.has(rule.scope)) {
    return error('MISSING_SCOPE', `The token lacks the scope "${rule.scope}"; make one that has it.`, 403);
  }
  if (rule.platformRole !== undefined && !viewer.platformRoles.has(rule.platformRole)) {
    return error('FORBIDDEN', `Only a platform ${rule.platformRole} may do this.`, 403);
  }
  return undefined;
}

/**
 * Wraps every root field so that its access rule is checked before its resolver runs, whatever transport and executor
 * are used. Deny by default: the check is in the schema, not in a guard that a way of registering could skip. Arguments
 * of lists are checked at every depth, and after access: who may not ask is told nothing else.
 */
export function guardRootFields(schema: GraphQLSchema): GraphQLSchema {
  checkPages(schema);
  for (const type of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    if (type) for (const field of Object.values(type.getFields())) guardField(field, type);
  }
  return schema;
}

function guardField(field: GraphQLField<unknown, GraphQLContext>, type: GraphQLObjectType): void {
  const rule = field.extensions['access'] as AccessRule | undefined;
  if (rule === 'public') return;
  const guarded =
    (next: GraphQLFieldResolver<unknown, GraphQLContext>): GraphQLFieldResolver<unknown, GraphQLContext> =>
    (source, args, context, info) => {
      const refused = denial(rule, context.viewer);
      if (refused) throw refused;
      return next(source, args, context, info) as unknown;
    };
  if (type.name === 'Subscription' && field.subscribe) field.subscribe = guarded(field.subscribe);
  else field.resolve = guarded(field.resolve ?? defaultFieldResolver);
}

const error = (code: string, message: string, status: 401 | 403) =>
  new GraphQLError(message, { extensions: { code, http: { status } } });
