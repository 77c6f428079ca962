import type { Server } from 'node:http';
import { newId } from '#kernel';
import { type GraphQLContext, type Logger, type ViewerResolver } from '#platform';
import { GraphQLError, type GraphQLSchema, execute, parse, specifiedRules, subscribe, validate } from 'graphql';
import { CloseCode } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { maskError } from './error-mask.js';
import { VALIDATION_RULES, makeContext, sessionSecretOf } from './graphql.options.js';
import { LIMITS } from './limits.js';

const MAX_SUBSCRIPTIONS = 20;

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
    if (new URL(request.url ?? '/', 'http://x').pathname !== '/graphql') {
      socket.destroy();
      return;
    }
    wss.handleUpgrade(request, socket, head, (ws) => wss.emit('connection', ws, request));
  });
  const open = new WeakMap<object, number>();
  const disposable = useServer<{ authorization?: string }>(
    {
      schema,
      execute,
      subscribe,
      onConnect: () => true,
      context: async (ctx): Promise<GraphQLContext> => {
        const { headers } = ctx.extra.request;
        const sameOrigin = headers.origin === undefined || isOwnOrigin(headers.origin, headers.host, publicOrigin);
        const authorization =
          typeof ctx.connectionParams?.authorization === 'string' ? ctx.connectionParams.authorization : undefined;
        const cookie = sameOrigin ? headers.cookie : undefined;
        return makeContext(await viewers.resolve({ authorization, cookie }), {
          requestId: newId(),
          secret: sessionSecretOf(authorization, cookie),
          setCookie: () => undefined,
        });
      },
      onSubscribe: (ctx, _id, payload) => {
        const held = (open.get(ctx.extra.socket) ?? 0) + 1;
        if (held > MAX_SUBSCRIPTIONS) {
          ctx.extra.socket.close(
            CloseCode.SubscriberAlreadyExists,
            `At most ${MAX_SUBSCRIPTIONS} operations at a time`,
          );
          return [new GraphQLError('Too many operations on this connection.')];
        }
        open.set(ctx.extra.socket, held);
        try {
          const document = parse(payload.query, { maxTokens: LIMITS.tokens });
          const errors = validate(schema, document, [...specifiedRules, ...VALIDATION_RULES], { maxErrors: 10 });
          return errors.length > 0 ? errors : undefined;
        } catch (error) {
          return [error instanceof GraphQLError ? error : new GraphQLError('The document could not be read.')];
        }
      },
      onComplete: (ctx) => {
        open.set(ctx.extra.socket, Math.max(0, (open.get(ctx.extra.socket) ?? 1) - 1));
      },
      onNext: (_ctx, _id, _payload, _args, result) =>
        result.errors
          ? { ...result, errors: result.errors.map((e) => new GraphQLError(maskError(logger, e.toJSON(), e).message)) }
          : undefined,
      onError: (_ctx, _id, _payload, errors) => errors.map((e) => maskError(logger, 'toJSON' in e ? e.toJSON() : e, e)),
    } as Parameters<typeof useServer<{ authorization?: string }>>[0],
    wss,
  );
  return {
    close: async () => {
      await disposable.dispose();
      wss.close();
    },
  };
}

function isOwnOrigin(origin: string, host: string | undefined, publicOrigin: string): boolean {
  if (origin === publicOrigin) return true;
  return host !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}
