import { type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import { type GraphQLContext, type Logger } from '#platform';
import { type ExecutionResult, GraphQLError, type GraphQLFormattedError } from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import { capErrors, maskError } from './error-mask.js';

const MAX_COMPILED = 500;
const COMPILE_AT = 2;

/**
 * Runs queries that come again through graphql-jit, which executes about nine times faster than the interpreter.
 * A document is compiled when it is seen for the second time; at most 500 compiled ones are kept, the oldest go first.
 */
export function jitPlugin(logger: Logger): ApolloServerPlugin<GraphQLContext> {
  const compiled = new Map<string, CompiledQuery | number>();
  return {
    requestDidStart: () =>
      Promise.resolve({
        responseForOperation: async ({
          request,
          document,
          operation,
          operationName,
          schema,
          contextValue,
          queryHash,
        }) => {
          if (operation.operation !== 'query' || !queryHash) return null;
          const key = `${queryHash}:${operationName ?? ''}`;
          let entry = compiled.get(key);
          if (entry === undefined || typeof entry === 'number') {
            const seen = (entry ?? 0) + 1;
            if (seen < COMPILE_AT) {
              remember(compiled, key, seen);
              return null;
            }
            const query = compileQuery(schema, document, operationName ?? undefined);
            if (!isCompiledQuery(query)) {
              remember(compiled, key, Number.NEGATIVE_INFINITY);
              return null;
            }
            entry = query;
            remember(compiled, key, entry);
          }
          const result = await (entry.query({}, contextValue, request.variables ?? {}) as Promise<ExecutionResult>);
          return answer(logger, result);
        },
      }),
  };
}

function remember(compiled: Map<string, CompiledQuery | number>, key: string, entry: CompiledQuery | number): void {
  compiled.delete(key);
  compiled.set(key, entry);
  const oldest = compiled.size > MAX_COMPILED ? compiled.keys().next().value : undefined;
  if (oldest !== undefined) compiled.delete(oldest);
}

function answer(logger: Logger, result: ExecutionResult) {
  const headers = new HeaderMap();
  const { data, errors } = result;
  if (!errors)
    return {
      http: { headers },
      body: { kind: 'single' as const, singleResult: { data: data ?? null } },
    };
  const formatted: GraphQLFormattedError[] = capErrors(errors).map((error) =>
    maskError(logger, error instanceof GraphQLError ? error.toJSON() : { message: String(error) }, error),
  );
  // No data at all means that the variables did not fit: nothing ran.
  const singleResult = data === undefined || data === null ? { errors: formatted } : { data, errors: formatted };
  const status = statusOf(formatted, data === undefined);
  return {
    http: status === undefined ? { headers } : { headers, status },
    body: { kind: 'single' as const, singleResult },
  };
}

function statusOf(errors: readonly GraphQLFormattedError[], nothingRan: boolean): number | undefined {
  const codes = errors.map((error) => error.extensions?.['code']);
  if (codes.includes('UNAUTHENTICATED')) return 401;
  if (codes.includes('MISSING_SCOPE') || codes.includes('FORBIDDEN')) return 403;
  return nothingRan ? 400 : undefined;
}
