/** Names and times, as every list shows them. */
import type { Person } from '../api/shapes.js';
import { dateTime, relative } from '../format/moment.js';

export const nameOf = (person: Person | null): string => person?.displayName ?? 'Anonymous';

export function When({ iso, now }: { iso: string; now: number }) {
  return (
    <time dateTime={iso} title={dateTime(iso)}>
      {relative(iso, now)}
    </time>
  );
}
