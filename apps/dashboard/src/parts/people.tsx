/** Who gave, and what happened: the two lists that grow while one looks. */
import { gpuSeconds, gpuTime, money } from '../format/amount.js';
import { dateTime, relative } from '../format/moment.js';
import {
  nodesOf,
  type CashPledge,
  type ComputePledge,
  type Connection,
  type Person,
  type PublicEvent,
} from '../api/shapes.js';
import { Empty } from './notice.js';
import { State, words } from './state.js';

export const nameOf = (person: Person | null): string => person?.displayName ?? 'Anonymous';

export function When({ iso, now }: { iso: string; now: number }) {
  return (
    <time dateTime={iso} title={dateTime(iso)}>
      {relative(iso, now)}
    </time>
  );
}

export function CashBackers({ pledges, now }: { pledges: Connection<CashPledge>; now: number }) {
  const list = nodesOf(pledges);
  if (list.length === 0)
    return <Empty title="No cash pledge yet">The first one will appear here within a second.</Empty>;
  return (
    <ul class="rows">
      {list.map((pledge) => (
        <li key={pledge.id}>
          <span class="rows-main">
            {nameOf(pledge.contributor)}
            {pledge.state !== 'CAPTURED' && <State of={pledge.state} />}
          </span>
          <span class={`rows-amount ${/FAILED|CANCELLED|REFUNDED/.test(pledge.state) ? 'void' : ''}`}>
            {money(pledge.amount)}
          </span>
          <span class="rows-when">
            <When iso={pledge.createdAt} now={now} />
          </span>
        </li>
      ))}
    </ul>
  );
}

export function ComputeBackers({ pledges }: { pledges: Connection<ComputePledge> }) {
  const list = nodesOf(pledges);
  if (list.length === 0)
    return <Empty title="No GPU time pledged yet">Any machine that can be spared for an hour helps.</Empty>;
  return (
    <ul class="rows">
      {list.map((pledge) => (
        <li key={pledge.id}>
          <span class="rows-main">
            {nameOf(pledge.contributor)}
            <State of={pledge.state} />
          </span>
          <span class="rows-amount" title={gpuSeconds(pledge.time)}>
            {gpuTime(pledge.time)}
          </span>
          <span class="rows-when">
            {pledge.count} × {pledge.class} · {gpuTime(pledge.accepted)} accepted
          </span>
        </li>
      ))}
    </ul>
  );
}

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
