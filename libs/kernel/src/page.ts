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
  return new RowPage(rows.slice(0, limit), key, rows.length > limit);
}

/** Cursors are made when they are read: many pages are shown without them. */
class RowPage<T> implements Page<T> {
  constructor(
    readonly nodes: readonly T[],
    private readonly key: (row: T) => string,
    readonly hasNextPage: boolean,
  ) {}

  get cursors(): readonly string[] {
    return this.nodes.map((row) => encodeCursor(this.key(row)));
  }
}
