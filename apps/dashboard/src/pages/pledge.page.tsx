/** `/campaigns/:slug/pledge`: money by card, or GPU time with a command that joins a machine. */
import type { ComponentChildren } from 'preact';
import { campaignHeadQuery, joinTokenCreate, pledgeComputeCreate, ratesQuery } from '../api/documents.js';
import type { Goals, Progress, UserError } from '../api/shapes.js';
import { gpuTime, money, percent, timeUnit, type GpuTime } from '../format/amount.js';
import { relative } from '../format/moment.js';
import { parseHours } from '../format/parse.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { type OtherCurrency, PledgeCashForm, type PledgeCashProps } from '../islands/pledge-cash.js';
import { Field, Secret, UserErrors } from '../parts/form.js';
import { Island } from '../parts/island.js';
import { askedAmount, askEstimates, MatchEstimateNote } from '../parts/match-estimate.js';
import { Notice } from '../parts/notice.js';
import { cashBar, cashGoalOf, computeGoalOf, computeStanding, raised } from '../parts/progress.js';
import { State, takesPledges } from '../parts/state.js';
import { whyNothing } from './problem.page.js';

interface Head extends Goals {
  id: string;
  slug: string;
  title: string;
  state: string;
  fundingModel: string;
  progress: Progress;
  recipe: { gpuClass: string } | null;
}
interface AcceleratorClass {
  class: string;
  label: string;
}

/** Availability as people say it, and as RFC 5545 does. */
const windows = [
  ['always', 'At any hour', 'FREQ=DAILY'],
  ['nights', 'At night, 22–06 UTC', 'FREQ=DAILY;BYHOUR=22,23,0,1,2,3,4,5'],
  ['weekends', 'At weekends', 'FREQ=WEEKLY;BYDAY=SA,SU'],
  ['office', 'Working days, 08–18 UTC', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=8,9,10,11,12,13,14,15,16,17'],
] as const;

export async function pledgePage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const answer = await context.ask<{ campaignBySlug: Head | null; acceleratorClasses: AcceleratorClass[] }>(
    campaignHeadQuery,
    {
      slug: params.slug,
    },
  );
  const campaign = answer.data?.campaignBySlug;
  if (!campaign) return whyNothing(answer, 'campaign');
  const path = `/campaigns/${encodeURIComponent(campaign.slug)}`;
  const viewer = await context.viewer;
  const compute = context.url.searchParams.get('with') === 'compute';
  const returning = context.url.searchParams.get('pledge');
  const planned = context.url.searchParams.get('plan');
  const resumed = planned ?? context.url.searchParams.get('pay');
  const how = context.url.searchParams.get('how');
  const posted = context.method === 'POST';
  if (posted && !viewer) return redirect(`/sign-in?return=${encodeURIComponent(`${path}/pledge?with=compute`)}`);
  const offer = posted ? await makeOffer(context, campaign) : null;
  const currency = campaign.cashGoal?.currency ?? 'USD';
  const asked = askedAmount(context, currency);
  const estimates = compute ? null : await askEstimates(context, campaign.id, asked);
  const rates = compute ? null : await context.ask<Rates>(ratesQuery, { to: currency });
  const data: PledgeCashProps = {
    campaignId: campaign.id,
    campaignPath: path,
    currency,
    others: othersOf(rates?.data ?? null, currency),
    chargedAtClose: campaign.fundingModel === 'ALL_OR_NOTHING',
    matched: estimates !== null,
    resumed: resumed ? { pledgeId: resumed, how: planned ? 'plan' : how === 'method' ? 'method' : 'pay' } : null,
    returned: returning ? { pledgeId: returning, status: context.url.searchParams.get('redirect_status') ?? '' } : null,
  };
  const open = takesPledges(campaign.state) || returning !== null || resumed !== null || offer?.made;
  return page({
    title: `Pledge to ${campaign.title}`,
    section: 'campaigns',
    status: offer && offer.errors.length > 0 ? 422 : 200,
    islands: open && viewer && !compute && !offer ? ['pledge-cash'] : [],
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/">Campaigns</a>
            <a href={path}>{campaign.title}</a>
          </p>
          <h1>{offer?.made ? 'Thank you' : 'Take part'}</h1>
        </div>
        <div class="pledge">
          <div class="pledge-main">
            {!open ? (
              <Notice tone="info" title="This campaign takes no pledges now">
                It is <State of={campaign.state} />. <a href={path}>See how it stands</a>, or{' '}
                <a href="/?state=LIVE">find one that is raising</a>.
              </Notice>
            ) : (
              <>
                {!offer?.made && (
                  <nav class="tabs" aria-label="What to give">
                    <a href={`${path}/pledge`} aria-current={compute || offer ? undefined : 'true'}>
                      Money
                    </a>
                    <a href={`${path}/pledge?with=compute`} aria-current={compute || offer ? 'true' : undefined}>
                      GPU time
                    </a>
                  </nav>
                )}
                {!viewer ? (
                  <div class="panel done">
                    <h2>Sign in to pledge</h2>
                    <p class="muted">
                      A pledge belongs to somebody, so that it can be given back. Your name is shown only if you want
                      it.
                    </p>
                    <a
                      class="button"
                      href={`/sign-in?return=${encodeURIComponent(context.url.pathname + context.url.search)}`}
                    >
                      Sign in
                    </a>
                  </div>
                ) : offer?.made ? (
                  <OfferMade offer={offer.made} path={path} />
                ) : compute || offer ? (
                  <ComputeForm
                    classes={answer.data?.acceleratorClasses ?? []}
                    wanted={campaign.recipe?.gpuClass ?? campaign.computeGoal?.class ?? 'cpu'}
                    errors={offer?.errors ?? []}
                    form={context.form}
                    action={`${path}/pledge?with=compute`}
                  />
                ) : (
                  <Island name="pledge-cash" data={data}>
                    <PledgeCashForm {...data} />
                  </Island>
                )}
              </>
            )}
          </div>
          <Summary campaign={campaign} now={context.now}>
            <MatchEstimateNote of={estimates} asked={asked} path={`${path}/pledge`} now={context.now} />
          </Summary>
        </div>
      </div>
    ),
  });
}

type Rates = Record<string, Omit<OtherCurrency, 'code'> | null>;

const othersOf = (rates: Rates | null, own: string): OtherCurrency[] =>
  Object.entries(rates ?? {}).flatMap(([code, rate]) => (rate && code !== own ? [{ code, ...rate }] : []));

function Summary({ campaign, now, children }: { campaign: Head; now: number; children: ComponentChildren }) {
  const total = raised(campaign.progress);
  const cashGoal = cashGoalOf(campaign);
  const compute = computeStanding(campaign);
  return (
    <aside class="pledge-side" aria-label="How the campaign stands">
      {children}
      <div class="card-bars">
        {cashGoal && (
          <div>
            <p>
              <strong>{money(total.cash, 'short')}</strong>
              <span>
                of {money(cashGoal, 'short')} · {percent(total.cash.amountMinor, cashGoal.amountMinor)}
              </span>
            </p>
            {cashBar(campaign.progress, cashGoal)}
          </div>
        )}
        {computeGoalOf(campaign) && (
          <div>
            <p>
              <strong>{gpuTime(compute.figure)}</strong>
              <span>{compute.note}</span>
            </p>
            {compute.bar}
          </div>
        )}
      </div>
      <dl class="facts">
        {campaign.deadline && (
          <div>
            <dt>Ends</dt>
            <dd>{relative(campaign.deadline, now)}</dd>
          </div>
        )}
        <div>
          <dt>Charged</dt>
          <dd>
            {campaign.fundingModel === 'ALL_OR_NOTHING'
              ? 'At the deadline or when the cap is full, only if what is pledged reaches the goal (or is near enough to extend); given back if too little of it can be collected'
              : 'At once, held in the campaign’s escrow'}
          </dd>
        </div>
        <div>
          <dt>You agree to</dt>
          <dd>
            <a href={`/campaigns/${encodeURIComponent(campaign.slug)}/terms`}>the terms of the campaign</a>, kept with
            your pledge
          </dd>
        </div>
        <div>
          <dt>Public</dt>
          <dd>The amount, and your name if you like; never your card or address</dd>
        </div>
      </dl>
    </aside>
  );
}

interface Offer {
  pledge: { id: string; state: string; class: string; count: number; time: GpuTime };
  command: string | null;
  errors: UserError[];
}

/** Books the offer first, then asks for a join token bound to it: a machine that joins serves this pledge. */
async function makeOffer(context: PageContext, campaign: Head): Promise<{ made: Offer | null; errors: UserError[] }> {
  const { form } = context;
  const milliseconds = parseHours(form.get('hours') ?? '');
  if (!milliseconds) return { made: null, errors: [local('Give the hours as a number above zero, such as 8 or 0.5.')] };
  const count = Number(form.get('count') ?? '1');
  if (!Number.isInteger(count) || count < 1 || count > 4096)
    return { made: null, errors: [local('Give how many devices, from 1 to 4096.')] };
  const window = windows.find(([id]) => id === form.get('window')) ?? windows[0];
  const own = form.get('availability')?.trim();
  const region = form.get('region')?.trim();
  const answer = await context.ask<{
    pledgeComputeCreate: { pledge: Offer['pledge'] | null; userErrors: UserError[] };
  }>(pledgeComputeCreate, {
    input: {
      campaignId: campaign.id,
      class: form.get('class') ?? 'cpu',
      count,
      milliseconds: (milliseconds * BigInt(count)).toString(),
      availability: own || window[2],
      ...(region ? { region } : {}),
      idempotencyKey: form.get('key') || crypto.randomUUID(),
    },
  });
  const result = answer.data?.pledgeComputeCreate;
  if (!result?.pledge)
    return { made: null, errors: result?.userErrors.length ? result.userErrors : answer.problems.map(local) };
  const name = form.get('name')?.trim() || 'my-node';
  const token = await context.ask<{ nodeJoinTokenCreate: { command: string | null; userErrors: UserError[] } }>(
    joinTokenCreate,
    {
      input: { name, computePledgeId: result.pledge.id },
    },
  );
  const joined = token.data?.nodeJoinTokenCreate;
  const made = {
    pledge: result.pledge,
    command: joined?.command ?? null,
    errors: joined?.userErrors ?? token.problems.map(local),
  };
  return { made, errors: [] };
}

const local = (message: string): UserError => ({ code: message, message, hint: null, path: null });

function OfferMade({ offer, path }: { offer: Offer; path: string }) {
  return (
    <div class="form panel">
      <h2>
        {gpuTime(offer.pledge.time)} of {offer.pledge.class} offered
      </h2>
      <p class="muted">
        {offer.pledge.state.toUpperCase() === 'OFFERED'
          ? 'The campaign’s maintainers accept it next. You can join your machine already; it works when there is work.'
          : 'It is accepted. Join your machine and it works as soon as the run needs it.'}
      </p>
      {offer.command ? (
        <>
          <h3>Run this on the machine you lend</h3>
          <Secret id="join-command" text={offer.command} />
          <p class="fine">
            The token in it works once and is shown only now. The machine makes its own key; stop it at any time with
            Ctrl-C, and no run is lost.
          </p>
        </>
      ) : (
        <UserErrors errors={offer.errors} />
      )}
      <p class="actions">
        <a class="button" href={path}>
          See the campaign
        </a>
        <a class="button quiet" href="/account">
          My pledges and nodes
        </a>
      </p>
    </div>
  );
}

function ComputeForm(props: {
  classes: AcceleratorClass[];
  wanted: string;
  errors: UserError[];
  form: URLSearchParams;
  action: string;
}) {
  const { form } = props;
  const chosen = form.get('class') ?? props.wanted;
  const known = props.classes.some((entry) => entry.class === props.wanted);
  const classes = known ? props.classes : [{ class: props.wanted, label: props.wanted }, ...props.classes];
  return (
    <form class="form panel" method="post" action={props.action}>
      <UserErrors errors={props.errors} />
      <input type="hidden" name="key" value={form.get('key') ?? crypto.randomUUID()} />
      <Field label="Kind of device" hint={`This campaign trains on ${props.wanted}.`}>
        <select name="class">
          {classes.map((entry) => (
            <option key={entry.class} value={entry.class} selected={entry.class === chosen}>
              {entry.label}
            </option>
          ))}
        </select>
      </Field>
      <div class="split">
        <Field label="How many">
          <input name="count" inputMode="numeric" required value={form.get('count') ?? '1'} />
        </Field>
        <Field label="Hours of each" hint={`${timeUnit(chosen)}-hours you can spare`}>
          <input name="hours" inputMode="decimal" required value={form.get('hours') ?? '8'} />
        </Field>
      </div>
      <fieldset>
        <legend>When may it work?</legend>
        <div class="choices">
          {windows.map(([id, label]) => (
            <label key={id}>
              <input type="radio" name="window" value={id} checked={(form.get('window') ?? 'always') === id} />
              {label}
            </label>
          ))}
        </div>
        <details class="alternative">
          <summary>Another rule</summary>
          <Field
            label="Recurrence rule"
            hint="RFC 5545, such as FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=9,10,11. Replaces the choice above."
          >
            <input name="availability" autoComplete="off" spellcheck={false} value={form.get('availability') ?? ''} />
          </Field>
        </details>
      </fieldset>
      <div class="split">
        <Field label="Name of the machine">
          <input name="name" required maxLength={60} autoComplete="off" value={form.get('name') ?? 'my-node'} />
        </Field>
        <Field label="Region" hint="Optional">
          <input
            name="region"
            maxLength={60}
            autoComplete="off"
            placeholder="eu-north"
            value={form.get('region') ?? ''}
          />
        </Field>
      </div>
      <p class="actions">
        <button class="button compute">Offer it and get the join command</button>
      </p>
    </form>
  );
}
