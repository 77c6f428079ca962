/** Monthly pledges, and the cards and accounts that are charged later. */
import { money, type Money } from '../format/amount.js';
import { date } from '../format/moment.js';
import { AskFirst } from './ask-first.js';
import { GIVING, railName } from './my-pledges.js';
import { State, words } from './state.js';

export interface MyPlan {
  id: string;
  state: string;
  rail: string;
  amount: Money;
  endsAt: string;
  nextDueAt: string | null;
  campaign: { slug: string; title: string; state: string } | null;
}
export interface MyMethod {
  id: string;
  rail: string;
  brand: string | null;
  last4: string | null;
  expires: string | null;
  savedAt: string;
  uses: { planId: string | null; amount: Money; campaign: { title: string } | null }[];
}

export function MyPlans({ plans }: { plans: MyPlan[] }) {
  return (
    <ul class="rows gifts">
      {plans.map((plan) => (
        <li key={plan.id}>
          <span class="rows-main">
            {plan.campaign ? (
              <a href={`/campaigns/${encodeURIComponent(plan.campaign.slug)}`}>{plan.campaign.title}</a>
            ) : (
              'A campaign'
            )}{' '}
            <State of={plan.state} />
          </span>
          <span class="rows-amount">{money(plan.amount)}</span>
          <p class="rows-when">
            each month by {railName(plan.rail)}
            {plan.nextDueAt && ` · next charge ${date(plan.nextDueAt)}`} · until {date(plan.endsAt)}
          </p>
          {/^(ACTIVE|METHOD_REQUIRED)$/.test(plan.state) && (
            <div class="rows-steps-line">
              <a
                class="link"
                href={`/campaigns/${encodeURIComponent(plan.campaign?.slug ?? '')}/pledge?plan=${encodeURIComponent(plan.id)}`}
              >
                {plan.state === 'ACTIVE' ? 'Change' : 'Save'} the {plan.rail === 'CARD' ? 'card' : 'bank account'}
              </a>
              <AskFirst
                action={GIVING}
                step="stop-plan"
                id={plan.id}
                label="Stop it"
                about={`${money(plan.amount)} each month`}
                confirm="Stop the monthly pledge"
              >
                No month is charged from now on. What was charged stays given.
              </AskFirst>
            </div>
          )}
        </li>
      ))}
    </ul>
  );
}

export function MyMethods({ methods }: { methods: MyMethod[] }) {
  return (
    <ul class="rows gifts">
      {methods.map((method) => (
        <li key={method.id}>
          <span class="rows-main">{nameOf(method)}</span>
          <span class="rows-amount muted">{method.expires && monthOf(method.expires)}</span>
          <p class="rows-when">
            saved {date(method.savedAt)}
            {method.uses.length === 0
              ? ' · nothing waits to be charged'
              : method.uses.map(
                  (use) =>
                    ` · ${money(use.amount)}${use.planId ? ' each month' : ''} for ${use.campaign?.title ?? 'a campaign'}`,
                )}
          </p>
          <div class="rows-steps-line">
            <AskFirst
              action={GIVING}
              step="remove-method"
              id={method.id}
              label="Remove"
              about={nameOf(method)}
              confirm="Remove it"
            >
              {method.uses.length === 0
                ? 'It is deleted at the payment service and can’t be charged again.'
                : 'It is deleted at the payment service. What waits for it goes with it: the pledge is withdrawn, the monthly pledge is stopped. What was charged stays given.'}
            </AskFirst>
          </div>
        </li>
      ))}
    </ul>
  );
}

/** `Visa ending in 4242`; what it is where the payment service does not say. */
function nameOf({ rail, brand, last4 }: MyMethod): string {
  const name = brand ? words(brand) : words(railName(rail));
  return last4 ? `${name} ending in ${last4}` : name;
}

/** `2030-12` as it stands on a card. */
const monthOf = (expires: string): string => `${expires.slice(5)}/${expires.slice(2, 4)}`;
