import { Extensions } from '@nestjs/graphql';
import {
  GraphQLError,
  type GraphQLField,
  type GraphQLFieldResolver,
  type GraphQLSchema,
  defaultFieldResolver,
  isObjectType,
} from 'graphql';
import { decodeCursor, isUuid } from '#kernel';

const PAGE_MAX = 100;

/** Key of the extension that holds the form of a list's cursors. */
const FORM = 'cursorKey';

/** Says what the key inside a list's cursors looks like, where it isn't the id of the item (a UUID). */
export const CursorKey = (form: RegExp): MethodDecorator => Extensions({ [FORM]: form });

/**
 * Makes every field that takes `first` or `after` refuse, as `BAD_USER_INPUT`, a size outside 1 to 100 and a cursor
 * that the list can't have made. Ignored, a wrong cursor would send a program back to the first page for ever.
 */
export function checkPages(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if (field.args.some(({ name }) => name === 'first' || name === 'after')) checkField(field);
    }
  }
}

function checkField(field: GraphQLField<unknown, unknown, { first?: unknown; after?: unknown }>): void {
  const next = field.resolve ?? defaultFieldResolver;
  const form = field.extensions[FORM] as RegExp | undefined;
  const checked: GraphQLFieldResolver<unknown, unknown, { first?: unknown; after?: unknown }> = (
    source,
    args,
    context,
    info,
  ) => {
    const { first, after } = args;
    if (typeof first === 'number' && (first < 1 || first > PAGE_MAX)) {
      throw wrong(`"first" is ${first}; give 1 to ${PAGE_MAX}, or leave it out for 20.`);
    }
    if (typeof after === 'string' && !isCursor(after, form)) {
      throw wrong('"after" is no cursor of this list; give the "endCursor" of one of its pages, or leave it out.');
    }
    return next(source, args, context, info) as unknown;
  };
  field.resolve = checked;
}

function isCursor(cursor: string, form: RegExp | undefined): boolean {
  const key = decodeCursor(cursor);
  return key !== undefined && (form ? form.test(key) : isUuid(key));
}

const wrong = (message: string) => new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
