/**
 * What `read` gives, at once and again after each change, until it gives nothing; no oftener than every `everyMs`.
 *
 * For subscriptions. Not a generator: one that waits for the next change can't be ended before that change comes, so a
 * client that leaves a quiet topic would keep its place in the feed for ever.
 */
export function follow<T>(
  changes: AsyncIterableIterator<unknown>,
  read: () => Promise<T | undefined>,
  everyMs = 0,
): AsyncIterableIterator<T> {
  const over = { value: undefined, done: true as const };
  let ended = false;
  let lastAt: number | undefined;
  const end = async () => {
    ended = true;
    await changes.return?.();
    return over;
  };
  const iterator: AsyncIterableIterator<T> = {
    next: async () => {
      try {
        if (!ended && lastAt !== undefined) {
          await pause(lastAt + everyMs - Date.now());
          if ((await changes.next()).done) return await end();
        }
        const value = ended ? undefined : await read();
        lastAt = Date.now();
        return value === undefined ? await end() : { value, done: false };
      } catch (error) {
        await end();
        throw error;
      }
    },
    return: end,
    throw: end,
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}

const pause = (ms: number): Promise<void> =>
  ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : Promise.resolve();
