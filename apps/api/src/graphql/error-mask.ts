import { newId } from '#kernel';
import { type Logger, currentRequestId } from '#platform';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';

/** Codes whose messages were written for the client; everything else is a bug and goes out masked. */
const EXPECTED = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'MISSING_SCOPE',
  'NOT_FOUND',
  'TOO_DEEP',
  'TOO_MANY_FIELDS',
  'TOO_MANY_OPERATIONS',
  'TOO_MANY_ALIASES',
  'TOO_MANY_NODES',
  'TOO_MANY_ROOT_FIELDS',
  'ID_INVALID',
]);

/** What PostgreSQL says of text that it can't hold, in a text column and in a jsonb one. */
const UNSTORABLE = new Set(['22021', '22P05']);

const MAX_ERRORS = 10;
const MAX_MESSAGE = 380;

/**
 * What the client sees of an error: the expected ones as they are, without stack or cause; a bug as one sentence and
 * an id under which the log has the rest. Nothing of the database or the code goes out.
 */
export function maskError(logger: Logger, formatted: GraphQLFormattedError, original: unknown): GraphQLFormattedError {
  const own = codeOf(original instanceof GraphQLError ? original.originalError : undefined);
  // Apollo gives every error of validation its own code; ours says more.
  const code = EXPECTED.has(own) ? own : codeOf(formatted);
  const cause = original instanceof GraphQLError ? original.originalError : original;
  if (exhaustsStack(original)) {
    return { message: 'The request is nested too deep to be read.', extensions: { code: 'TOO_DEEP' } };
  }
  if (UNSTORABLE.has((cause as { code?: string } | undefined)?.code ?? '')) {
    return {
      message: 'Text must not hold the character U+0000 or half of a surrogate pair; leave it out.',
      ...(formatted.path ? { path: formatted.path } : {}),
      extensions: { code: 'BAD_USER_INPUT' },
    };
  }
  const written = cause === undefined || cause instanceof GraphQLError;
  if (EXPECTED.has(code) || (written && code === '' && original instanceof GraphQLError && isClientFault(original))) {
    const { locations, path } = formatted;
    return {
      message: clip(formatted.message),
      ...(locations ? { locations } : {}),
      ...(path ? { path } : {}),
      extensions: { code: code || 'BAD_USER_INPUT' },
    };
  }
  const errorId = newId();
  logger.error(
    { err: cause ?? original, errorId, path: formatted.path, requestId: currentRequestId() },
    'unexpected error',
  );
  return {
    message: `Something went wrong on our side. If it lasts, report it with the id ${errorId}.`,
    ...(formatted.path ? { path: formatted.path } : {}),
    extensions: { code: 'INTERNAL_SERVER_ERROR', errorId },
  };
}

/** graphql-js quotes what it was given, whatever its length. */
const clip = (text: string): string =>
  text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE / 2)} … ${text.slice(-MAX_MESSAGE / 2)}`;

/** A parser that ran out of stack, under whatever it was wrapped in. */
function exhaustsStack(error: unknown): boolean {
  for (let e = error; e instanceof Error; e = (e as { originalError?: unknown }).originalError) {
    if (e instanceof RangeError && e.message.includes('call stack')) return true;
  }
  return false;
}

function codeOf(error: unknown): string {
  const code = (error as { extensions?: { code?: unknown } } | undefined)?.extensions?.code;
  return typeof code === 'string' ? code : '';
}

/** graphql-js itself words errors about variables and arguments; they have no original error and no path. */
const isClientFault = (error: GraphQLError): boolean => error.originalError === undefined && error.path === undefined;

/** No answer lists more than a few errors, so a hostile document can't make a large answer. */
export const capErrors = <T>(errors: readonly T[]): T[] => errors.slice(0, MAX_ERRORS);
