/** Arguments of a forward keyset page (Relay cursor connections). */
export interface PageArgs {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
}

/** One page of a keyset walk. */
export interface Page<T> {
  readonly nodes: readonly T[];
  readonly cursors: readonly string[];
  readonly hasNextPage: boolean;
}

/** Clamps the page size: 20 when absent, never below 1 or above `max` (100). */
export const pageSize = (first: number | null | undefined, max = 100): number =>
  Math.min(Math.max(Math.trunc(first ?? 20), 1), max);

export const encodeCursor = (key: string): string => Buffer.from(key, 'utf8').toString('base64url');

/** The key inside a cursor, or undefined when there is none or it isn't one of ours. */
export function decodeCursor(cursor: string | null | undefined): string | undefined {
  if (!cursor) return undefined;
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  return encodeCursor(key) === cursor ? key : undefined;
}

/** Builds a page from `limit + 1` rows: the extra row only says that there is more. */
export function pageOf<T>(rows: readonly T[], limit: number, key: (row: T) => string): Page<T> {
  const nodes = rows.slice(0, limit);
  return { nodes, cursors: nodes.map((row) => encodeCursor(key(row))), hasNextPage: rows.length > limit };
}
