import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
} from 'graphql';

/** What is wrong with a schema by the rules of the house, a line a fault. */
export type SchemaRule = (schema: GraphQLSchema) => string[];

const ownTypes = (schema: GraphQLSchema): GraphQLNamedType[] =>
  Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type));

interface Place {
  readonly path: string;
  readonly element: GraphQLField<unknown, unknown> | GraphQLInputField | GraphQLArgument;
}

/** Every field, input field and argument with its path. */
function places(schema: GraphQLSchema): Place[] {
  return ownTypes(schema).flatMap((type): Place[] => {
    if (isInputObjectType(type)) {
      return Object.values(type.getFields()).map((element) => ({ path: `${type.name}.${element.name}`, element }));
    }
    if (!isObjectType(type) && !isInterfaceType(type)) return [];
    return Object.values(type.getFields()).flatMap((field): Place[] => [
      { path: `${type.name}.${field.name}`, element: field },
      ...field.args.map((element) => ({ path: `${type.name}.${field.name}(${element.name}:)`, element })),
    ]);
  });
}

const rootTypes = (schema: GraphQLSchema) =>
  [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter((type) => type != null);

export const statesAccess: SchemaRule = (schema) =>
  rootTypes(schema).flatMap((type) =>
    Object.values(type.getFields())
      .filter((field) => !isRule(field.extensions['access']))
      .map((field) => `${type.name}.${field.name} states no access rule`),
  );

const isRule = (rule: unknown): boolean =>
  rule === 'public' ||
  rule === 'signedIn' ||
  (typeof rule === 'object' && rule !== null && ('scope' in rule || 'platformRole' in rule));

export const mutationsAreGuarded =
  (open: readonly string[]): SchemaRule =>
  (schema) =>
    Object.values(schema.getMutationType()?.getFields() ?? {})
      .filter((field) => field.extensions['access'] === 'public' && !open.includes(field.name))
      .map((field) => `Mutation.${field.name} is open to everybody`);

export const isDescribed: SchemaRule = (schema) => {
  const blank = (text: string | null | undefined) => (text ?? '').trim().length < 3;
  const roots = rootTypes(schema).map((type) => type.name);
  return [
    ...ownTypes(schema)
      .filter((type) => !roots.includes(type.name) && blank(type.description))
      .map((type) => type.name),
    ...places(schema)
      .filter(({ element }) => blank(element.description))
      .map(({ path }) => path),
    ...ownTypes(schema)
      .filter(isEnumType)
      .flatMap((type) =>
        type
          .getValues()
          .filter((value) => blank(value.description))
          .map((value) => `${type.name}.${value.name}`),
      ),
  ].map((path) => `${path} has no description`);
};

const AMOUNT =
  /(amount|money|minor|milliseconds|seconds|ms$|price|fee|goal|cents|balance|credits|debits|bytes$|flop|tokens$|parameters$)/i;

/** Amounts are BigInt: an Int ends at 2^31, a Float loses cents. */
export const amountsAreBigInt =
  (allowed: Readonly<Record<string, string>>): SchemaRule =>
  (schema) =>
    places(schema)
      .filter(({ path, element }) => {
        const name = getNamedType(element.type).name;
        return (name === 'Int' || name === 'Float') && AMOUNT.test(element.name) && !(path in allowed);
      })
      .map(({ path, element }) => `${path} is an amount of type ${String(element.type)}`);

export const payloadsHaveUserErrors: SchemaRule = (schema) =>
  Object.values(schema.getMutationType()?.getFields() ?? {}).flatMap((field) => {
    const payload = getNamedType(field.type);
    if (!isObjectType(payload)) return [`Mutation.${field.name} answers no payload`];
    const userErrors = payload.getFields()['userErrors'];
    const problems = [];
    if (String(userErrors?.type) !== '[UserError!]!') problems.push(`${payload.name} lacks userErrors: [UserError!]!`);
    if (field.args.length > 1 || (field.args[0] && field.args[0].name !== 'input')) {
      problems.push(`Mutation.${field.name} takes something else than one input`);
    }
    for (const other of Object.values(payload.getFields())) {
      if (other.name !== 'userErrors' && isNonNullType(other.type)) {
        problems.push(`${payload.name}.${other.name} can't be null, so a refusal has no answer`);
      }
    }
    return problems;
  });

const isList = (type: GraphQLOutputType): boolean => isListType(isNonNullType(type) ? type.ofType : type);

/** A list of objects is a connection, or is named here with the reason why it can't grow. */
export const listsAreConnections =
  (bounded: Readonly<Record<string, string>>): SchemaRule =>
  (schema) => {
    const lists = ownTypes(schema).flatMap((type) =>
      isObjectType(type) && !/(Connection|Edge|Payload)$/.test(type.name)
        ? Object.values(type.getFields())
            .filter((field) => isList(field.type) && !isScalarType(getNamedType(field.type)))
            .map((field) => `${type.name}.${field.name}`)
        : [],
    );
    return [
      ...lists.filter((path) => !(path in bounded)).map((path) => `${path} is a bare list`),
      ...Object.keys(bounded)
        .filter((path) => !lists.includes(path))
        .map((path) => `${path} is excused but is no list (any more)`),
    ];
  };

/** Connections have the Relay shape and take first and after. */
export const connectionsAreRelay: SchemaRule = (schema) =>
  places(schema).flatMap(({ path, element }) => {
    const type = getNamedType(element.type);
    if (!isObjectType(type) || !type.name.endsWith('Connection') || !('args' in element)) return [];
    const args = element.args.map((arg) => arg.name);
    const fields = Object.keys(type.getFields());
    return [
      ...['first', 'after'].filter((name) => !args.includes(name)).map((name) => `${path} takes no "${name}"`),
      ...['edges', 'nodes', 'pageInfo'].filter((n) => !fields.includes(n)).map((n) => `${type.name} lacks "${n}"`),
    ];
  });

/** Ids are called ids; a Node has one that can't be null. */
export const nodesHaveIds: SchemaRule = (schema) =>
  ownTypes(schema).flatMap((type) => {
    if (!isObjectType(type) || !type.getInterfaces().some((i) => i.name === 'Node')) return [];
    return String(type.getFields()['id']?.type) === 'ID!' ? [] : [`${type.name}.id is not ID!`];
  });
