import type { ApolloDriverConfig } from '@nestjs/apollo';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import { newId } from '#kernel';
import { sessionSecret } from '#identity';
import {
  ANONYMOUS,
  type GraphQLContext,
  type Logger,
  type Metrics,
  type Viewer,
  type ViewerResolver,
  guardRootFields,
} from '#platform';
import type { Request, Response } from 'express';
import type { GraphQLSchema } from 'graphql';
import { capErrors, maskError } from './error-mask.js';
import { jitPlugin } from './jit.plugin.js';
import { LIMITS, limitsPlugin, limitsRule } from './limits.js';
import { unwrapPlainFields } from './plain-fields.js';
import { protocolPlugin } from './protocol.plugin.js';

/** How the schema is built; the schema printer uses the same. */
export const SCHEMA_OPTIONS = {
  autoSchemaFile: true,
  sortSchema: true,
  buildSchemaOptions: { noDuplicatedFields: true },
} as const;

export function graphqlOptions(viewers: ViewerResolver, logger: Logger, metrics: Metrics): ApolloDriverConfig {
  return {
    ...SCHEMA_OPTIONS,
    path: '/graphql',
    introspection: true,
    playground: false,
    includeStacktraceInErrorResponses: false,
    csrfPrevention: true,
    hideSchemaDetailsFromClientErrors: false,
    stopOnTerminationSignals: false,
    // Nest would set every status to 200 and word HTTP exceptions itself; protocolPlugin and the mask do that here.
    preserveHttpStatusForExecutionErrors: false,
    autoTransformHttpErrors: false,
    validationRules: [limitsRule],
    parseOptions: { maxTokens: LIMITS.tokens },
    transformSchema: (schema: GraphQLSchema) => guardRootFields(unwrapPlainFields(schema)),
    formatError: (formatted, original) => maskError(logger, formatted, original),
    context: ({ req, res }: { req: Request; res: Response }) => contextOf(viewers, req, res),
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // It would wrap the resolver of every field, which costs more than executing a compiled page; protocolPlugin says
      // the same in its header.
      ApolloServerPluginCacheControlDisabled(),
      limitsPlugin(),
      protocolPlugin(metrics),
      jitPlugin(logger),
      {
        requestDidStart: () =>
          Promise.resolve({
            willSendResponse: ({ response }) => {
              const { body } = response;
              if (body.kind === 'single' && body.singleResult.errors) {
                body.singleResult.errors = capErrors(body.singleResult.errors);
              }
              return Promise.resolve();
            },
          }),
      },
    ],
  };
}

async function contextOf(viewers: ViewerResolver, req: Request, res: Response): Promise<GraphQLContext> {
  const { authorization, cookie } = req.headers;
  const viewer =
    authorization === undefined && cookie === undefined ? ANONYMOUS : await viewers.resolve({ authorization, cookie });
  return makeContext(viewer, {
    requestId: (res.getHeader('x-request-id') as string | undefined) ?? newId(),
    secret: sessionSecretOf(authorization, cookie),
    setCookie: (value) => res.appendHeader('set-cookie', value),
  });
}

/** The context of one operation, whatever brought it here. */
export function makeContext(
  viewer: Viewer,
  from: { requestId: string; secret: string | undefined; setCookie: (cookie: string) => void },
): GraphQLContext {
  return {
    viewer,
    requestId: from.requestId,
    sessionSecret: from.secret,
    loaders: new Map(),
    setCookie: from.setCookie,
  };
}

/** A session's secret, from the cookie or as a bearer. */
export const sessionSecretOf = (authorization: string | undefined, cookie: string | undefined): string | undefined =>
  /^Bearer +(cws_\S+)$/i.exec(authorization ?? '')?.[1] ?? sessionSecret(cookie);
