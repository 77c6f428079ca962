/** What is mine of promises: pledges with what can be done about each, and money that pays nothing yet. */
import type { ComputePledge } from '../api/shapes.js';
import { gpuTime, money, type Money } from '../format/amount.js';
import { date } from '../format/moment.js';
import { AskFirst } from './ask-first.js';
import { Field } from './form.js';
import { Notice } from './notice.js';
import { State, words } from './state.js';

export const GIVING = '/account/giving';

interface Named {
  slug: string;
  title: string;
  state: string;
}
export interface MyCash {
  id: string;
  state: string;
  rail: string;
  createdAt: string;
  nextAt: string | null;
  anonymous: boolean;
  chargedAtClose: boolean;
  amount: Money;
  collected: Money;
  contributor: { displayName: string };
  refunds: { state: string; amount: Money }[];
  /** Null where a campaign is no longer shown to anybody. */
  campaign: Named | null;
}
export type MyCompute = ComputePledge & { createdAt: string; campaign: Named | null };

const RAILS: Record<string, string> = {
  CARD: 'card',
  US_BANK_ACCOUNT: 'US bank debit',
  SEPA_DEBIT: 'SEPA debit',
  BANK_TRANSFER: 'bank transfer',
};
export const railName = (rail: string): string => RAILS[rail] ?? words(rail).toLowerCase();

const Title = ({ campaign }: { campaign: Named | null }) =>
  campaign ? <a href={`/campaigns/${encodeURIComponent(campaign.slug)}`}>{campaign.title}</a> : <span>A campaign</span>;

/** States as their donor would say them. */
const DONOR_STATES: Record<string, string> = {
  CREATED: 'Not paid yet',
  METHOD_REQUIRED: 'Nothing saved yet',
  FROZEN: 'Charged soon',
  CHARGING: 'Being charged',
  NEEDS_ACTION: 'Needs you',
  ERRORED: 'Charge declined',
  COLLECTED: 'Paid',
  DROPPED: 'Not paid in time',
  RELEASED: 'Never charged',
  CANCELLED: 'Withdrawn',
  INSTRUCTIONS_ISSUED: 'Awaits your transfer',
  PARTIALLY_FUNDED: 'Part of it came',
  REFUND_PENDING: 'On its way back',
  REFUND_STUCK: 'Refund failed, looked after',
  EXPIRED: 'Did not come in time',
};

/** Some of it came, and not all. */
const isPart = ({ collected, amount }: MyCash): boolean =>
  collected.amountMinor !== '0' && collected.amountMinor !== amount.amountMinor;

export function CashPledges(props: {
  pledges: MyCash[];
  /** Currencies of which cash waits that pays nothing yet. */
  unapplied: string[];
  accountName: string;
}) {
  return (
    <ul class="rows gifts">
      {props.pledges.map((pledge) => (
        <li key={pledge.id}>
          <span class="rows-main">
            <Title campaign={pledge.campaign} /> <State of={pledge.state} label={DONOR_STATES[pledge.state]} />
          </span>
          <span class="rows-amount">{money(pledge.amount)}</span>
          <p class="rows-when">{facts(pledge)}</p>
          <CashSteps
            pledge={pledge}
            unapplied={props.unapplied.includes(pledge.amount.currency)}
            accountName={props.accountName}
          />
        </li>
      ))}
    </ul>
  );
}

/** What a donor wants to know of a pledge in one line: when, how, and what comes next. */
function facts(pledge: MyCash): string {
  const next = pledge.nextAt && date(pledge.nextAt);
  const open = pledge.refunds.filter((refund) => !/^(paid|failed)$/i.test(refund.state));
  return [
    `${date(pledge.createdAt)} by ${railName(pledge.rail)}`,
    isPart(pledge) && `${money(pledge.collected)} came`,
    pledge.state === 'PLEDGED' && pledge.chargedAtClose && 'charged only if the campaign succeeds',
    next && (pledge.rail === 'BANK_TRANSFER' ? `awaited until ${next}` : `next charge ${next}`),
    ...open.map((refund) => `${money(refund.amount)} on its way back`),
    pledge.anonymous ? 'shown as Anonymous' : `shown as ${pledge.contributor.displayName}`,
  ]
    .filter(Boolean)
    .join(' · ');
}

function CashSteps({ pledge, unapplied, accountName }: { pledge: MyCash; unapplied: boolean; accountName: string }) {
  const path = `/campaigns/${encodeURIComponent(pledge.campaign?.slug ?? '')}/pledge?pay=${encodeURIComponent(pledge.id)}`;
  const { state, rail } = pledge;
  const about = `${money(pledge.amount)} for ${pledge.campaign?.title ?? 'a campaign'}`;
  const awaited = /^(INSTRUCTIONS_ISSUED|PARTIALLY_FUNDED)$/.test(state);
  const isPaid = pledge.collected.amountMinor !== '0';
  return (
    <div class="rows-steps-line">
      {/^(CREATED|NEEDS_ACTION|ERRORED)$/.test(state) && (
        <a class="link" href={path}>
          Pay now
        </a>
      )}
      {awaited && (
        <a class="link" href={path}>
          Where to send it
        </a>
      )}
      {awaited && unapplied && (
        <form method="post" action={GIVING} class="bare">
          <input type="hidden" name="do" value="apply" />
          <input type="hidden" name="id" value={pledge.id} />
          <button class="link" aria-label={`Pay with unapplied cash: ${about}`}>
            Pay with unapplied cash
          </button>
        </form>
      )}
      {/^(METHOD_REQUIRED|PLEDGED|FROZEN|ERRORED)$/.test(state) && (
        <a class="link" href={`${path}&how=method`}>
          {state === 'METHOD_REQUIRED' ? 'Save' : 'Change'} the {rail === 'CARD' ? 'card' : 'bank account'}
        </a>
      )}
      {pledge.campaign?.state === 'EXTENDED' && (
        <a class="link" href={`/campaigns/${encodeURIComponent(pledge.campaign.slug)}/extension`}>
          May your money wait?
        </a>
      )}
      {isPaid && (
        <a class="link" href={`/statements/receipts/${encodeURIComponent(pledge.id)}.pdf`}>
          Receipt
        </a>
      )}
      <details class="ask">
        <summary aria-label={`Name shown: ${about}`}>Name shown</summary>
        <NameForm pledge={pledge} accountName={accountName} />
      </details>
      {/^(COLLECTED|PARTIALLY_FUNDED)$/.test(state) && (
        <AskFirst
          action={GIVING}
          step="refund"
          id={pledge.id}
          label="Ask for it back"
          about={about}
          confirm={`Send ${money(pledge.collected)} back`}
        >
          All that came goes back the way it came. That is possible until training begins.
        </AskFirst>
      )}
      {/^(CREATED|METHOD_REQUIRED|PLEDGED|INSTRUCTIONS_ISSUED|NEEDS_ACTION|ERRORED)$/.test(state) && (
        <AskFirst
          action={GIVING}
          step="cancel"
          id={pledge.id}
          label="Withdraw it"
          about={about}
          confirm="Withdraw the pledge"
        >
          Nothing was charged, and nothing will be. The campaign loses this promise.
        </AskFirst>
      )}
    </div>
  );
}

function NameForm({ pledge, accountName }: { pledge: MyCash; accountName: string }) {
  const own = pledge.contributor.displayName;
  return (
    <form method="post" action={GIVING} class="ask-box form tight">
      <input type="hidden" name="do" value="name" />
      <input type="hidden" name="id" value={pledge.id} />
      <Field label="Name with this pledge" id={`name-${pledge.id}`} hint={`Empty shows ${accountName}.`}>
        <input name="displayName" maxLength={80} autoComplete="off" value={own === accountName ? '' : own} />
      </Field>
      <label class="check">
        <input type="checkbox" name="anonymous" value="yes" checked={pledge.anonymous} />
        <span>Stay unnamed on pages. The public log keeps what it said when the pledge was made.</span>
      </label>
      <p class="actions">
        <button class="button small">Save the name</button>
      </p>
    </form>
  );
}

export function ComputePledges({ pledges }: { pledges: MyCompute[] }) {
  return (
    <ul class="rows gifts">
      {pledges.map((pledge) => (
        <li key={pledge.id}>
          <span class="rows-main">
            <Title campaign={pledge.campaign} /> <State of={pledge.state} />
          </span>
          <span class="rows-amount">{gpuTime(pledge.time)}</span>
          <p class="rows-when">
            {pledge.count} × {pledge.class} · {gpuTime(pledge.delivered)} delivered · {gpuTime(pledge.accepted)}{' '}
            accepted
          </p>
          {/^(OFFERED|ACCEPTED|DELIVERING)$/.test(pledge.state) && (
            <div class="rows-steps-line">
              <AskFirst
                action={GIVING}
                step="withdraw"
                id={pledge.id}
                label="Take back the rest"
                about={`${gpuTime(pledge.time)} for ${pledge.campaign?.title ?? 'a campaign'}`}
                confirm="Take it back"
              >
                What was delivered stays given. A machine that works for it now has to be drained first.
              </AskFirst>
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}

export function MyCashLeft({ cash }: { cash: Money[] }) {
  if (cash.length === 0) return null;
  return (
    <Notice tone="warn" title="Money of yours that pays nothing yet">
      {cash.map((left) => (
        <div key={left.currency} class="left-over">
          <p>
            <strong>{money(left)}</strong> came from your bank beyond what you pledged. Pledge it by bank transfer and
            choose <em>Pay with unapplied cash</em>, or have it sent back.
          </p>
          <AskFirst
            action={GIVING}
            step="cash-back"
            id={left.currency}
            label="Send it back"
            about={money(left)}
            confirm={`Send ${money(left)} back`}
          >
            It goes to the bank account that it came from.
          </AskFirst>
        </div>
      ))}
    </Notice>
  );
}
