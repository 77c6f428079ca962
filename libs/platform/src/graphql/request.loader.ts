import DataLoader from 'dataloader';
import type { GraphQLContext } from './context.js';

/**
 * The loader of this name in the request: however many objects ask for a field, one statement answers.
 *
 * @param read what is known of the keys; keys that are missing have nothing
 */
export function loaderOf<K, V>(
  context: GraphQLContext,
  name: string,
  read: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>,
): DataLoader<K, V | undefined> {
  const known = context.loaders.get(name) as DataLoader<K, V | undefined> | undefined;
  if (known) return known;
  const loader = new DataLoader<K, V | undefined>(async (keys) => {
    const found = await read(keys);
    return keys.map((key) => found.get(key));
  });
  context.loaders.set(name, loader);
  return loader;
}
