/** Which node worked when: one row a node, one bar a lease, a cross where one was lost, a line where the gang began again. */
import type { Attempt, Lease } from '../api/shapes.js';
import { clock, dateTime, duration } from '../format/moment.js';
import { words } from './state.js';

interface Props {
  leases: Lease[];
  attempts: Attempt[];
  now: number;
}

const rowHeight = 52;
const lostReasons = /expired|revoked|lost/i;
const isLost = (lease: Lease) => lostReasons.test(`${lease.endReason ?? ''} ${lease.state}`);
const endOf = (lease: Lease, now: number) =>
  lease.endedAt ? Date.parse(lease.endedAt) : Math.min(now, Math.max(Date.parse(lease.expiresAt), now));

export function LeaseTimeline({ leases, attempts, now }: Props) {
  const rows = new Map<string, { name: string; leases: Lease[] }>();
  for (const lease of [...leases].sort((a, b) => Date.parse(a.grantedAt) - Date.parse(b.grantedAt))) {
    const key = lease.node?.id ?? 'gone';
    const row = rows.get(key) ?? { name: lease.node?.name ?? 'a node', leases: [] };
    row.leases.push(lease);
    rows.set(key, row);
  }
  const start = Math.min(...leases.map((lease) => Date.parse(lease.grantedAt)));
  const end = Math.max(...leases.map((lease) => endOf(lease, now)), start + 1000);
  const at = (time: number) => Math.min(100, Math.max(0, ((time - start) / (end - start)) * 100));
  const height = rows.size * rowHeight;
  const marks = [0, 1, 2, 3].map((part) => start + ((end - start) * part) / 3);
  return (
    <figure class="chart">
      <svg
        class="plot timeline"
        width="100%"
        height={height}
        role="img"
        aria-label={`${rows.size} nodes from ${clock(start)} to ${clock(end)} UTC. The table below lists every lease.`}
      >
        {marks.map((mark, index) => (
          <g key={index}>
            <line class="plot-grid" x1={`${at(mark)}%`} x2={`${at(mark)}%`} y1="0" y2="100%" />
            <text
              x={`${at(mark)}%`}
              y="100%"
              dy="1.6em"
              text-anchor={index === 0 ? 'start' : index === 3 ? 'end' : 'middle'}
              class={index % 3 ? 'tick-inner' : undefined}
            >
              {clock(mark)}
            </text>
          </g>
        ))}
        {attempts
          .filter((attempt) => attempt.number > 1 && attempt.startedAt)
          .map((attempt) => (
            <line
              key={attempt.id}
              class="plot-restart"
              x1={`${at(Date.parse(attempt.startedAt ?? ''))}%`}
              x2={`${at(Date.parse(attempt.startedAt ?? ''))}%`}
              y1="0"
              y2="100%"
            />
          ))}
        {[...rows.values()].map((row, index) => (
          <g key={row.name}>
            <text class="timeline-name" x="0" y={index * rowHeight + 14}>
              {row.name}
            </text>
            {row.leases.map((lease) => (
              <LeaseBar
                key={lease.id}
                lease={lease}
                from={at(Date.parse(lease.grantedAt))}
                to={at(endOf(lease, now))}
                top={index * rowHeight + 22}
              />
            ))}
          </g>
        ))}
      </svg>
      <details class="alternative">
        <summary>Leases as a table</summary>
        <div class="scroll">
          <table class="table stacked">
            <thead>
              <tr>
                <th scope="col">Node</th>
                <th scope="col">Rank</th>
                <th scope="col">From</th>
                <th scope="col">Ended</th>
                <th scope="col">How</th>
                <th scope="col" class="num">
                  Time
                </th>
              </tr>
            </thead>
            <tbody>
              {leases.map((lease) => (
                <tr key={lease.id}>
                  <th scope="row">{lease.node?.name ?? 'a node'}</th>
                  <td data-label="Rank">{lease.rank ?? '–'}</td>
                  <td data-label="From" title={dateTime(lease.grantedAt)}>
                    {clock(lease.grantedAt)}
                  </td>
                  <td data-label="Ended">{lease.endedAt ? clock(lease.endedAt) : 'running'}</td>
                  <td data-label="How">{lease.endReason ? words(lease.endReason) : words(lease.state)}</td>
                  <td data-label="Time" class="num">
                    {duration(endOf(lease, now) - Date.parse(lease.grantedAt))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

function LeaseBar({ lease, from, to, top }: { lease: Lease; from: number; to: number; top: number }) {
  const lost = isLost(lease);
  return (
    <g>
      <rect
        class={lost ? 'lease lost' : lease.endedAt ? 'lease' : 'lease on'}
        x={`${from}%`}
        width={`${Math.max(0.4, to - from)}%`}
        y={top}
        height="18"
        rx="5"
      >
        <title>{`${lease.node?.name ?? 'a node'}, rank ${lease.rank ?? '–'}: ${words(lease.endReason ?? lease.state)}`}</title>
      </rect>
      {lost && (
        <svg x={`${to}%`} y={top + 9} overflow="visible">
          <path class="lost-cross" d="M-5-5 5 5M5-5-5 5" />
        </svg>
      )}
    </g>
  );
}
