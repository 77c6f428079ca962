/** What happened, newest first, from the public record. */
import { nodesOf, type Connection, type PublicEvent } from '../api/shapes.js';
import { Empty } from './notice.js';
import { words } from './state.js';
import { When } from './who-when.js';

/** Which colour an event's dot has: money, compute, trouble or neither. */
function toneOf(type: string): string {
  if (/lost|failed|disputed|expired/.test(type)) return 'bad';
  if (/cash/.test(type)) return 'cash';
  if (/compute|node|lease|usage|attempt|run|checkpoint/.test(type)) return 'compute';
  return 'none';
}

export function Events({ events, now }: { events: Connection<PublicEvent>; now: number }) {
  const list = nodesOf(events);
  if (list.length === 0)
    return (
      <Empty title="Nothing has happened yet">
        Each public event will be listed here, in the order in which it happened.
      </Empty>
    );
  return (
    <ol class="events">
      {list.map((event) => (
        <li key={event.id}>
          <span class={`event-dot ${toneOf(event.type)}`} aria-hidden="true" />
          <p>{event.summary || words(event.type)}</p>
          <p class="event-meta">
            <When iso={event.occurredAt} now={now} />
            <span>{event.type}</span>
            {event.position !== null && <span>no. {event.position}</span>}
          </p>
        </li>
      ))}
    </ol>
  );
}
