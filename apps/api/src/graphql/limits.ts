import type { ApolloServerPlugin } from '@apollo/server';
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';

/** What one request may ask for. Part of the public contract: loosening is fine, tightening is a breaking change. */
export const LIMITS = {
  /** Size of a request body in bytes. */
  bodyBytes: 262_144,
  tokens: 4_000,
  depth: 14,
  aliases: 60,
  rootFields: 30,
  /** Fields of all selections, fragments counted where they are spread. */
  fields: 1_000,
  /** Objects that the answer could hold: the product of `first` along each path, summed. */
  nodes: 50_000,
} as const;

const INTROSPECTION = new Set(['__schema', '__type']);

/**
 * Refuses a document before it is validated when it is too deep, too long, or could answer too many objects. Before,
 * because validation itself takes time quadratic in the fields of a selection.
 *
 * Lists count by their `first` (20 when absent, 100 when it is a variable that the document can't tell). Fragments are
 * counted where they are spread; the count stops as soon as a limit is passed, so a document that doubles fragments
 * costs no more than the limit. Introspection counts as fields; graphql-js limits its depth itself.
 */
export function overLimit(document: DocumentNode): GraphQLError | undefined {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }
  for (const node of document.definitions) {
    // Fragments that nobody spreads are refused by validation, which still walks them.
    if (node.kind !== Kind.OPERATION_DEFINITION && node.kind !== Kind.FRAGMENT_DEFINITION) continue;
    const problem = new Measure(fragments).measure(node.selectionSet, node.kind === Kind.OPERATION_DEFINITION);
    if (problem) return tooMuch(problem, node);
  }
  return undefined;
}

const refused = new WeakMap<DocumentNode, GraphQLError>();

/**
 * {@link overLimit} for Apollo, which has no place between parsing and validation to refuse at: a document over a limit
 * is swapped for an empty one, which costs nothing to validate and of which {@link limitsRule} reports the refusal.
 */
export const limitsPlugin = (): ApolloServerPlugin => ({
  requestDidStart: () =>
    Promise.resolve({
      validationDidStart: (request) => {
        const error = overLimit(request.document);
        if (error) {
          const empty: DocumentNode = { kind: Kind.DOCUMENT, definitions: [] };
          refused.set(empty, error);
          Object.assign(request, { document: empty });
        }
        return Promise.resolve();
      },
    }),
});

export const limitsRule: ValidationRule = (context) => ({
  Document: (document) => {
    const error = refused.get(document);
    if (error) context.reportError(error);
  },
});

type Problem = keyof typeof PROBLEMS;

const PROBLEMS = {
  TOO_DEEP: { what: 'The query is nested too deep', limit: LIMITS.depth },
  TOO_MANY_ALIASES: { what: 'The query has too many aliases', limit: LIMITS.aliases },
  TOO_MANY_FIELDS: { what: 'The query has too many fields', limit: LIMITS.fields },
  TOO_MANY_ROOT_FIELDS: { what: 'The query has too many root fields', limit: LIMITS.rootFields },
  TOO_MANY_NODES: { what: 'The query could answer too many objects', limit: LIMITS.nodes },
} as const;

class Measure {
  private aliases = 0;
  private fields = 0;
  private roots = 0;
  private nodes = 0;

  constructor(private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>) {}

  measure(
    set: SelectionSetNode,
    isRoot: boolean,
    depth = 1,
    factor = 1,
    inside: readonly string[] = [],
  ): Problem | undefined {
    if (depth > LIMITS.depth) return 'TOO_DEEP';
    for (const selection of set.selections) {
      if ((this.fields += 1) > LIMITS.fields) return 'TOO_MANY_FIELDS';
      let problem: Problem | undefined;
      if (selection.kind === Kind.FIELD) {
        const name = selection.name.value;
        if (selection.alias && (this.aliases += 1) > LIMITS.aliases) return 'TOO_MANY_ALIASES';
        if (isRoot && (this.roots += 1) > LIMITS.rootFields) return 'TOO_MANY_ROOT_FIELDS';
        if (!selection.selectionSet) continue;
        const meta = INTROSPECTION.has(name);
        const first = selection.arguments?.find((argument) => argument.name.value === 'first')?.value;
        const size = first === undefined ? undefined : first.kind === Kind.INT ? Math.max(1, Number(first.value)) : 100;
        const children = factor * (size ?? (isConnection(selection.selectionSet) ? 20 : 1));
        if ((this.nodes += children) > LIMITS.nodes) return 'TOO_MANY_NODES';
        // Introspection nests deep by nature (lists of non-null of lists), so its own rule counts it.
        problem = this.measure(
          selection.selectionSet,
          false,
          meta ? Number.NEGATIVE_INFINITY : depth + 1,
          children,
          inside,
        );
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        problem = this.measure(selection.selectionSet, isRoot, depth, factor, inside);
      } else {
        const fragment = this.fragments.get(selection.name.value);
        // Unknown fragments and cycles are validation's to report.
        if (!fragment || inside.includes(selection.name.value)) continue;
        problem = this.measure(fragment.selectionSet, isRoot, depth, factor, [...inside, selection.name.value]);
      }
      if (problem) return problem;
    }
    return undefined;
  }
}

const isConnection = (set: SelectionSetNode): boolean =>
  set.selections.some((s) => s.kind === Kind.FIELD && (s.name.value === 'edges' || s.name.value === 'nodes'));

const tooMuch = (code: Problem, node: OperationDefinitionNode | FragmentDefinitionNode): GraphQLError => {
  const { what, limit } = PROBLEMS[code];
  return new GraphQLError(`${what}; the limit is ${limit}. Ask for less, or in several requests.`, {
    nodes: node,
    extensions: { code },
  });
};
