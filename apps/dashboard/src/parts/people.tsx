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
            {pledge.state !== 'COLLECTED' && <State of={pledge.state} />}
          </span>
          <span
            class={`rows-amount ${/ERRORED|CANCELLED|DROPPED|RELEASED|EXPIRED|REFUNDED/.test(pledge.state) ? 'void' : ''}`}
          >
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
        <ComputeRow key={pledge.id} pledge={pledge} />
      ))}
    </ul>
  );
}

/**
 * What a donor stands in for, and at the end what he gave: a pledge is a ceiling, and a campaign that needed less of it
 * gives the rest back. Nobody who worked is shown as somebody who did not.
 */
function ComputeRow({ pledge }: { pledge: ComputePledge }) {
  const ended = /^(FULFILLED|LAPSED|WITHDRAWN)$/.test(pledge.state);
  const gave = ended && pledge.delivered.milliseconds !== '0';
  const shown = gave ? pledge.delivered : pledge.time;
  const rest = BigInt(pledge.time.milliseconds) - BigInt(pledge.delivered.milliseconds);
  return (
    <li>
      <span class="rows-main">
        {nameOf(pledge.contributor)}
        {gave ? <span class="state good">Gave</span> : <State of={pledge.state} />}
      </span>
      <span class={`rows-amount ${ended && !gave ? 'void' : ''}`} title={gpuSeconds(shown)}>
        {gpuTime(shown)}
      </span>
      <span class="rows-when">
        {pledge.count} × {pledge.class} · {gpuTime(pledge.accepted)} accepted
        {gave && rest > 0n && ` · ${gpuTime({ ...pledge.time, milliseconds: rest.toString() })} not needed went back`}
      </span>
    </li>
  );
}
