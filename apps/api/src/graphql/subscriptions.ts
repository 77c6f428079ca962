import type { Server } from 'node:http';
import { newId } from '#kernel';
import { type GraphQLContext, type Logger, type ViewerResolver } from '#platform';
import {
  type DocumentNode,
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  execute,
  parse,
  specifiedRules,
  subscribe,
  validate,
} from 'graphql';
import type { Context } from 'graphql-ws';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { maskError } from './error-mask.js';
import { makeContext, sessionSecretOf } from './graphql.options.js';
import { LIMITS, overLimit } from './limits.js';

const MAX_OPERATIONS = 20;

/**
 * Subscriptions (and other operations) over WebSocket at /graphql by the graphql-transport-ws protocol, with the same
 * viewer, limits and error mask as over HTTP. A browser page of another origin can't use the session's cookie.
 */
export function serveSubscriptions(
  server: Server,
  schema: GraphQLSchema,
  viewers: ViewerResolver,
  logger: Logger,
  publicOrigin: string,
): { close(): Promise<void> } {
  const wss = new WebSocketServer({ noServer: true, maxPayload: LIMITS.bodyBytes });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (!/^\/graphql(\?|$)/.test(request.url ?? '')) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws, request));
  });

  const contextOf = async (ctx: Connection): Promise<GraphQLContext> => {
    const { headers } = ctx.extra.request;
    const ownPage = headers.origin === undefined || isOwnOrigin(headers.origin, headers.host, publicOrigin);
    const given = ctx.connectionParams?.authorization;
    const authorization = typeof given === 'string' ? given : headers.authorization;
    const cookie = ownPage ? headers.cookie : undefined;
    return makeContext(await viewers.resolve({ authorization, cookie }), {
      requestId: newId(),
      secret: sessionSecretOf(authorization, cookie),
      setCookie: () => undefined,
    });
  };
  const mask = (error: GraphQLError | GraphQLFormattedError): GraphQLFormattedError =>
    maskError(logger, 'toJSON' in error ? error.toJSON() : error, error);

  const disposable = useServer<{ authorization?: string }>(
    {
      schema,
      execute,
      subscribe,
      onSubscribe: async (ctx, _id, payload) => {
        // The one being asked for is counted already.
        if (Object.keys(ctx.subscriptions).length > MAX_OPERATIONS) {
          const reason = `At most ${MAX_OPERATIONS} operations at a time`;
          ctx.extra.socket.close(TOO_MANY_OPERATIONS, reason);
          return [new GraphQLError(`${reason} on one connection.`, { extensions: { code: 'TOO_MANY_OPERATIONS' } })];
        }
        const document = readDocument(schema, payload.query);
        if (Array.isArray(document)) return document;
        return {
          schema,
          document,
          operationName: payload.operationName,
          variableValues: payload.variables,
          contextValue: await contextOf(ctx),
        };
      },
      onNext: (_ctx, _id, _payload, _args, { data, errors }): FormattedExecutionResult | void => {
        if (errors) return { ...(data === undefined ? {} : { data }), errors: errors.map(mask) };
      },
      onError: (_ctx, _id, _payload, errors) => errors.map(mask),
    },
    wss,
  );
  return {
    close: async () => {
      await disposable.dispose();
      wss.close();
    },
  };
}

type Connection = Context<{ authorization?: string }, Extra>;

/** Application's own close code: the client asked for more at a time than the server gives. */
const TOO_MANY_OPERATIONS = 4429;

/** The validated document, or why it is none. */
function readDocument(schema: GraphQLSchema, query: string): DocumentNode | GraphQLError[] {
  try {
    const document = parse(query, { maxTokens: LIMITS.tokens });
    const tooMuch = overLimit(document);
    if (tooMuch) return [tooMuch];
    const errors = validate(schema, document, specifiedRules, { maxErrors: 10 });
    return errors.length > 0 ? [...errors] : document;
  } catch (error) {
    return [error instanceof GraphQLError ? error : new GraphQLError('The document could not be read.')];
  }
}

function isOwnOrigin(origin: string, host: string | undefined, publicOrigin: string): boolean {
  if (origin === publicOrigin) return true;
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}
