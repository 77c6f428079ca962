import { GraphQLError } from 'graphql';
import { type Outcome, isRefused, isUuid, refuse } from '#kernel';

/** Opaque typed id of an object, for `Node.id`. */
export const toGlobalId = (type: string, id: string): string => Buffer.from(`${type}:${id}`).toString('base64url');

/** The type and database id inside a global id, or undefined when it isn't one. */
export function parseGlobalId(globalId: string): { type: string; id: string } | undefined {
  const [type, id, ...rest] = Buffer.from(globalId, 'base64url').toString('utf8').split(':');
  return type && id && rest.length === 0 && isUuid(id) ? { type, id } : undefined;
}

/** The database id inside a global id of the expected type. Refuses with `ID_INVALID`. */
export function fromGlobalId(
  type: string,
  globalId: string,
  path: readonly string[] = ['input', 'id'],
): Outcome<string> {
  const parsed = parseGlobalId(globalId);
  if (parsed?.type === type) return parsed.id;
  return refuse({
    code: 'ID_INVALID',
    message: `This is not the id of a ${type}.`,
    hint: `Take the id from the field "id" of a ${type}.`,
    path,
  });
}

/**
 * The database id inside a global id that a query was asked with. Text that is no id of that type is a mistake of who
 * asks and throws `ID_INVALID`; whether there is such an object is the query's business.
 */
export function askedId(type: string, globalId: string): string {
  const id = fromGlobalId(type, globalId);
  if (!isRefused(id)) return id;
  const [refusal] = id.refusals;
  throw new GraphQLError(`${refusal?.message} ${refusal?.hint}`, { extensions: { code: 'ID_INVALID' } });
}
