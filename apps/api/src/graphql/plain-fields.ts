import { type GraphQLSchema, isObjectType } from 'graphql';

/** The name of the function that NestJS puts on each field which has no resolver of its own. */
const READS_PROPERTY = 'rootFieldResolver';

/**
 * Takes away the resolvers that only read the property of the field's own name, which is what GraphQL does without one.
 * A compiled query reads such a property in line instead of calling a function for each field of each object.
 */
export function unwrapPlainFields(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const [name, field] of Object.entries(type.getFields())) {
      const resolve = field.resolve as ((root: object) => unknown) | undefined;
      if (resolve?.name === READS_PROPERTY && readsOwnName(resolve, name)) delete field.resolve;
    }
  }
  return schema;
}

/** Asked, not assumed: another property, or a default where there is none, keeps the resolver. */
function readsOwnName(resolve: (root: object) => unknown, name: string): boolean {
  const value = Symbol(name);
  return resolve({ [name]: value }) === value && resolve({}) === undefined;
}
