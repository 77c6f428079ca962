/** What is mine of promises: pledges with what can be done about each, monthly pledges, and money that pays nothing yet. */
import type { CashPledge, ComputePledge } from '../api/shapes.js';
import { gpuTime, money } from '../format/amount.js';
import { date } from '../format/moment.js';
import { Empty, Notice } from './notice.js';
import { State } from './state.js';

export type Money = CashPledge['amount'];
export type MyCash = CashPledge & {
  collected: Money;
  rail: string;
  nextAt: string | null;
  campaign: { slug: string; title: string };
};
export type MyCompute = ComputePledge & { campaign: { slug: string; title: string } };
export interface MyPlan {
  id: string;
  state: string;
  amount: Money;
  endsAt: string;
  nextDueAt: string | null;
}

export function MyPledges(props: {
  cash: MyCash[];
  compute: MyCompute[];
  /** Currencies of which cash waits that pays nothing yet. */
  unapplied: string[];
}) {
  const { cash, compute } = props;
  if (cash.length + compute.length === 0) {
    return (
      <Empty title="Nothing pledged yet">
        <a href="/">Find a campaign</a> to take part in.
      </Empty>
    );
  }
  return (
    <ul class="rows">
      {cash.map((pledge) => (
        <li key={pledge.id}>
          <span class="rows-main">
            <a href={`/campaigns/${encodeURIComponent(pledge.campaign.slug)}`}>{pledge.campaign.title}</a>{' '}
            <State of={pledge.state} />
          </span>
          <span class="rows-amount">{money(pledge.amount)}</span>
          <span class="rows-when">
            {date(pledge.createdAt)}
            {isPart(pledge) && ` · ${money(pledge.collected)} came`}
            {pledge.nextAt &&
              ` · ${pledge.rail === 'BANK_TRANSFER' ? 'awaited until' : 'tried again'} ${date(pledge.nextAt)}`}
            {pledge.collected.amountMinor !== '0' && (
              <a class="link" href={`/statements/receipts/${encodeURIComponent(pledge.id)}.pdf`}>
                Receipt
              </a>
            )}
            <CashSteps pledge={pledge} unapplied={props.unapplied.includes(pledge.amount.currency)} />
          </span>
        </li>
      ))}
      {compute.map((pledge) => (
        <li key={pledge.id}>
          <span class="rows-main">
            <a href={`/campaigns/${encodeURIComponent(pledge.campaign.slug)}`}>{pledge.campaign.title}</a>{' '}
            <State of={pledge.state} />
          </span>
          <span class="rows-amount">{gpuTime(pledge.time)}</span>
          <span class="rows-when">
            {pledge.count} × {pledge.class} · {gpuTime(pledge.delivered)} delivered · {gpuTime(pledge.accepted)}{' '}
            accepted
            {/^(OFFERED|ACCEPTED|DELIVERING)$/.test(pledge.state) && (
              <PledgeStep step="withdraw" id={pledge.id} label="Take back the rest" />
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Some of it came, and not all. */
const isPart = ({ collected, amount }: MyCash): boolean =>
  collected.amountMinor !== '0' && collected.amountMinor !== amount.amountMinor;

function CashSteps({ pledge, unapplied }: { pledge: MyCash; unapplied: boolean }) {
  const path = `/campaigns/${encodeURIComponent(pledge.campaign.slug)}/pledge?pay=${encodeURIComponent(pledge.id)}`;
  const awaited = /^(INSTRUCTIONS_ISSUED|PARTIALLY_FUNDED)$/.test(pledge.state);
  return (
    <>
      {/^(CREATED|NEEDS_ACTION|ERRORED)$/.test(pledge.state) && (
        <a class="link" href={path}>
          Pay now
        </a>
      )}
      {awaited && (
        <a class="link" href={path}>
          Where to send it
        </a>
      )}
      {awaited && unapplied && <PledgeStep step="apply" id={pledge.id} label="Pay with unapplied cash" />}
      {/^(METHOD_REQUIRED|PLEDGED|FROZEN|ERRORED)$/.test(pledge.state) && (
        <a class="link" href={`${path}&how=method`}>
          {pledge.state === 'METHOD_REQUIRED' ? 'Save' : 'Change'} the{' '}
          {pledge.rail === 'CARD' ? 'card' : 'bank account'}
        </a>
      )}
      {/^(COLLECTED|PARTIALLY_FUNDED)$/.test(pledge.state) && (
        <PledgeStep step="refund" id={pledge.id} label="Ask for it back" />
      )}
      {/^(CREATED|METHOD_REQUIRED|PLEDGED|INSTRUCTIONS_ISSUED|NEEDS_ACTION|ERRORED)$/.test(pledge.state) && (
        <PledgeStep step="cancel" id={pledge.id} label="Withdraw it" />
      )}
    </>
  );
}

/** Papers for one's own books: each year from the first pledge that is shown; offers of GPU time do not say their day. */
export function MyYears({ cash, compute, now }: { cash: MyCash[]; compute: MyCompute[]; now: number }) {
  const thisYear = new Date(now).getUTCFullYear();
  if (cash.length + compute.length === 0) return null;
  const given = cash.map((pledge) => new Date(pledge.createdAt).getUTCFullYear());
  const first = Math.min(thisYear - (compute.length > 0 ? 1 : 0), ...given);
  const years = Array.from({ length: thisYear - first + 1 }, (_, at) => thisYear - at);
  return (
    <ul class="rows">
      {years.map((year) => (
        <li key={year}>
          <span class="rows-main">Summary of {year}</span>
          <span class="rows-when">
            {(['pdf', 'csv', 'json'] as const).map((form) => (
              <a key={form} class="link" href={`/statements/years/${year}.${form}`}>
                {form.toUpperCase()}
              </a>
            ))}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function MyPlans({ plans }: { plans: MyPlan[] }) {
  if (plans.length === 0) return null;
  return (
    <ul class="rows">
      {plans.map((plan) => (
        <li key={plan.id}>
          <span class="rows-main">
            Each month <State of={plan.state} />
          </span>
          <span class="rows-amount">{money(plan.amount)}</span>
          <span class="rows-when">
            {plan.nextDueAt ? `next ${date(plan.nextDueAt)} · ` : ''}until {date(plan.endsAt)}
            {/^(ACTIVE|METHOD_REQUIRED)$/.test(plan.state) && (
              <PledgeStep step="stop-plan" id={plan.id} label="Stop it" />
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

export function MyCashLeft({ cash }: { cash: Money[] }) {
  if (cash.length === 0) return null;
  return (
    <Notice tone="info" title="Money of yours that no pledge wanted">
      {cash.map((left) => (
        <span key={left.currency}>
          {money(left)} came from your bank and pays nothing yet.{' '}
          <PledgeStep step="cash-back" id={left.currency} label="Send it back" />
        </span>
      ))}
    </Notice>
  );
}

function PledgeStep({ step, id, label }: { step: string; id: string; label: string }) {
  return (
    <form method="post" action="/account" class="inline">
      <input type="hidden" name="do" value={step} />
      <input type="hidden" name="id" value={id} />
      <button class="link">{label}</button>
    </form>
  );
}
