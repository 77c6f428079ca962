import type { Connection } from '../api/shapes.js';

/** A link to the next page of a connection: the same address with another cursor, so it works without a script. */
export function More({
  url,
  connection,
  label,
  name = 'after',
}: {
  url: URL;
  connection: Connection<unknown>;
  label: string;
  name?: string;
}) {
  const { pageInfo } = connection;
  if (!pageInfo?.hasNextPage || !pageInfo.endCursor) return null;
  const query = new URLSearchParams(url.search);
  query.set(name, pageInfo.endCursor);
  return (
    <p class="more">
      <a class="button quiet" href={`${url.pathname}?${query}`}>
        {label}
      </a>
    </p>
  );
}
