import DataLoader from 'dataloader';
import type { GraphQLContext } from '#platform';

/** The loader of this name in the request: a whole list's parents are read by one call. */
export function loaderOf<V>(
  context: GraphQLContext,
  name: string,
  read: (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>,
): DataLoader<string, V | undefined> {
  const known = context.loaders.get(name) as DataLoader<string, V | undefined> | undefined;
  if (known) return known;
  const loader = new DataLoader<string, V | undefined>(async (keys) => {
    const found = await read(keys);
    return keys.map((key) => found.get(key));
  });
  context.loaders.set(name, loader);
  return loader;
}
