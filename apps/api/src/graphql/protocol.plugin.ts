import type { ApolloServerPlugin } from '@apollo/server';
import type { GraphQLContext, Metrics } from '#platform';
import type { GraphQLFormattedError } from 'graphql';

/**
 * Status codes as GraphQL over HTTP has them, for every executor alike:
 * an answer with data is 200 whatever errors stand beside it; a client that takes only `application/json` gets 200 for
 * every well-formed request; one that takes `application/graphql-response+json` gets 4xx when nothing ran, and 401 or
 * 403 when it was not allowed to. Also measures each operation.
 */
export function protocolPlugin(metrics: Metrics): ApolloServerPlugin<GraphQLContext> {
  return {
    requestDidStart: ({ request }) => {
      const stop = metrics.graphqlSeconds.startTimer();
      return Promise.resolve({
        willSendResponse: ({ response, operation }) => {
          // Answers depend on who asks.
          response.http.headers.set('cache-control', 'no-store');
          if (response.body.kind !== 'single') return Promise.resolve();
          const { data, errors = [] } = response.body.singleResult;
          const modern = (request.http?.headers.get('accept') ?? '').includes('application/graphql-response+json');
          const status = response.http.status ?? 200;
          // 405 (a mutation by GET) is about the request, not about its outcome.
          if (status !== 405 && status < 500) {
            const settled = (data !== undefined && data !== null) || errors.length === 0;
            response.http.status = settled ? 200 : modern ? refusalStatus(errors, status) : plainStatus(errors);
          }
          stop({ kind: operation?.operation ?? 'none', outcome: errors.length > 0 ? 'error' : 'ok' });
          return Promise.resolve();
        },
      });
    },
  };
}

const codesOf = (errors: readonly GraphQLFormattedError[]): unknown[] => errors.map((e) => e.extensions?.['code']);

function refusalStatus(errors: readonly GraphQLFormattedError[], status: number): number {
  const codes = codesOf(errors);
  if (codes.includes('UNAUTHENTICATED')) return 401;
  if (codes.includes('MISSING_SCOPE') || codes.includes('FORBIDDEN')) return 403;
  return status;
}

/** 200, unless the request was not one of GraphQL over HTTP at all. */
const plainStatus = (errors: readonly GraphQLFormattedError[]): number =>
  codesOf(errors).includes('BAD_REQUEST') ? 400 : 200;
