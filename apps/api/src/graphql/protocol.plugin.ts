import type { ApolloServerPlugin } from '@apollo/server';
import type { GraphQLContext, Metrics } from '#platform';

/**
 * Status codes as GraphQL over HTTP has them: a client that takes only `application/json` gets 200 for a well-formed
 * request whatever its outcome, one that takes `application/graphql-response+json` gets 4xx when nothing ran.
 * Also measures each operation.
 */
export function protocolPlugin(metrics: Metrics): ApolloServerPlugin<GraphQLContext> {
  return {
    requestDidStart: ({ request }) => {
      const stop = metrics.graphqlSeconds.startTimer();
      return Promise.resolve({
        willSendResponse: ({ response, operation, errors }) => {
          const accept = request.http?.headers.get('accept') ?? '';
          const modern = accept.includes('application/graphql-response+json');
          const status = response.http.status;
          if (!modern && status !== undefined && status >= 400 && status < 500 && status !== 405) {
            const refused = response.body.kind === 'single' && response.body.singleResult.errors?.some(isMalformed);
            if (!refused) response.http.status = 200;
          }
          const failed = response.body.kind === 'single' && (response.body.singleResult.errors?.length ?? 0) > 0;
          stop({ kind: operation?.operation ?? 'none', outcome: failed || errors ? 'error' : 'ok' });
          return Promise.resolve();
        },
      });
    },
  };
}

const isMalformed = (error: { extensions?: Record<string, unknown> }): boolean =>
  error.extensions?.['code'] === 'BAD_REQUEST';
