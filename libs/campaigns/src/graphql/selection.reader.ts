import { type FieldNode, type GraphQLResolveInfo, Kind, type SelectionSetNode, valueFromASTUntyped } from 'graphql';

/** A requested field with its arguments and what is requested below it. */
export interface Selection {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly children: readonly Selection[];
}

/**
 * What the client asked for below the field that is being resolved, fragments expanded and skipped parts left out. A
 * page query reads it to fetch everything in one statement, and nothing else.
 */
export function requestedFields(info: GraphQLResolveInfo): Selection[] {
  return info.fieldNodes.flatMap((node) => (node.selectionSet ? walk(node.selectionSet, info) : []));
}

/** The selections of that name under a path of field names: `at(fields, 'nodes', 'pledges')`. */
export function selectionsAt(fields: readonly Selection[], ...path: string[]): Selection[] {
  const [head, ...rest] = path;
  const found = fields.filter((field) => field.name === head);
  return rest.length === 0 ? found : found.flatMap((field) => selectionsAt(field.children, ...rest));
}

function walk(set: SelectionSetNode, info: GraphQLResolveInfo): Selection[] {
  return set.selections.flatMap((selection): Selection[] => {
    if (isSkipped(selection, info)) return [];
    if (selection.kind === Kind.FIELD) return [toSelection(selection, info)];
    if (selection.kind === Kind.INLINE_FRAGMENT) return walk(selection.selectionSet, info);
    const fragment = info.fragments[selection.name.value];
    return fragment ? walk(fragment.selectionSet, info) : [];
  });
}

const toSelection = (node: FieldNode, info: GraphQLResolveInfo): Selection => ({
  name: node.name.value,
  args: Object.fromEntries(
    (node.arguments ?? []).map((arg) => [arg.name.value, valueFromASTUntyped(arg.value, info.variableValues)]),
  ),
  children: node.selectionSet ? walk(node.selectionSet, info) : [],
});

function isSkipped(node: { readonly directives?: FieldNode['directives'] }, info: GraphQLResolveInfo): boolean {
  return (node.directives ?? []).some((directive) => {
    const given = directive.arguments?.[0];
    const value = given ? valueFromASTUntyped(given.value, info.variableValues) : undefined;
    return (
      (directive.name.value === 'skip' && value === true) || (directive.name.value === 'include' && value === false)
    );
  });
}
