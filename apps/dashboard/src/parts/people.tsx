/** Who gave: the lists that grow while one looks. */
import { gpuSeconds, gpuTime, money } from '../format/amount.js';
import { nodesOf, type CashPledge, type ComputePledge, type Connection } from '../api/shapes.js';
import { Empty } from './notice.js';
import { State } from './state.js';
import { nameOf, When } from './who-when.js';

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
