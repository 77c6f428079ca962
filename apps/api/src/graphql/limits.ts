import {
  type ASTVisitor,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';

/** What one request may ask for. Part of the public contract: loosening is fine, tightening is a breaking change. */
export const LIMITS = {
  /** Characters of a request body, in bytes. */
  bodyBytes: 262_144,
  tokens: 4_000,
  depth: 14,
  aliases: 60,
  rootFields: 30,
  /** Objects that the answer could hold: the product of `first` along each path, summed. */
  nodes: 50_000,
} as const;

const INTROSPECTION = new Set(['__schema', '__type']);

interface Tally {
  aliases: number;
  nodes: number;
  depth: number;
}

/**
 * Refuses a document before it runs when it is too deep, has too many aliases or root fields, or could answer too many
 * objects. Lists count by their `first` (20 when absent, 100 when it is a variable that the document can't tell).
 * Fragments are counted where they are spread; the count stops as soon as a limit is passed, so a document that
 * doubles fragments costs no more than the limit.
 */
export const requestLimits: ValidationRule = (context: ValidationContext): ASTVisitor => ({
  OperationDefinition(operation) {
    const roots = operation.selectionSet.selections.filter(
      (s) => s.kind !== Kind.FIELD || !INTROSPECTION.has(s.name.value),
    );
    if (roots.length > LIMITS.rootFields) {
      context.reportError(tooMuch('TOO_MANY_ROOT_FIELDS', `${roots.length} root fields`, LIMITS.rootFields, operation));
      return;
    }
    const tally: Tally = { aliases: 0, nodes: 0, depth: 0 };
    const problem = measure(context, operation.selectionSet, 1, 1, tally, new Set());
    if (problem) context.reportError(tooMuch(problem.code, problem.what, problem.limit, operation));
  },
});

function measure(
  context: ValidationContext,
  set: SelectionSetNode,
  depth: number,
  factor: number,
  tally: Tally,
  spreads: ReadonlySet<string>,
): { code: string; what: string; limit: number } | undefined {
  if (depth > LIMITS.depth) return { code: 'TOO_DEEP', what: 'The query is nested too deep', limit: LIMITS.depth };
  for (const selection of set.selections) {
    let next: ReturnType<typeof measure>;
    if (selection.kind === Kind.FIELD) {
      if (INTROSPECTION.has(selection.name.value)) continue;
      if (selection.alias && (tally.aliases += 1) > LIMITS.aliases) {
        return { code: 'TOO_MANY_ALIASES', what: 'The query has too many aliases', limit: LIMITS.aliases };
      }
      if (!selection.selectionSet) continue;
      const first = selection.arguments?.find((argument) => argument.name.value === 'first')?.value;
      const size = first === undefined ? undefined : first.kind === Kind.INT ? Math.max(1, Number(first.value)) : 100;
      const children = factor * (size ?? (isConnection(selection.selectionSet) ? 20 : 1));
      tally.nodes += children;
      if (tally.nodes > LIMITS.nodes) {
        return { code: 'TOO_MANY_NODES', what: 'The query could answer too many objects', limit: LIMITS.nodes };
      }
      next = measure(context, selection.selectionSet, depth + 1, children, tally, spreads);
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      next = measure(context, selection.selectionSet, depth, factor, tally, spreads);
    } else {
      const name = selection.name.value;
      const fragment = context.getFragment(name);
      // Cycles are another rule's to report.
      if (!fragment || spreads.has(name)) continue;
      tally.nodes += 1;
      if (tally.nodes > LIMITS.nodes) {
        return { code: 'TOO_MANY_NODES', what: 'The query could answer too many objects', limit: LIMITS.nodes };
      }
      next = measure(context, fragment.selectionSet, depth, factor, tally, new Set([...spreads, name]));
    }
    if (next) return next;
  }
  return undefined;
}

const isConnection = (set: SelectionSetNode): boolean =>
  set.selections.some((s) => s.kind === Kind.FIELD && (s.name.value === 'edges' || s.name.value === 'nodes'));

const tooMuch = (code: string, what: string, limit: number, node: OperationDefinitionNode) =>
  new GraphQLError(`${what}; the limit is ${limit}. Ask for less, or in several requests.`, {
    nodes: node,
    extensions: { code },
  });
