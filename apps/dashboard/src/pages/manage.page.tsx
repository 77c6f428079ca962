/** `/campaigns/:slug/manage`: every step of a campaign that its keepers and operators take by hand. */
import { keepQuery } from '../api/organise.documents.js';
import type { Plan } from '../api/campaign.shapes.js';
import {
  nodesOf,
  type Budget,
  type CashPledge,
  type ComputePledge,
  type Connection,
  type Person,
  type UserError,
} from '../api/shapes.js';
import { gpuTime, money } from '../format/amount.js';
import { dateTime } from '../format/moment.js';
import { keeps, may, type Power } from '../format/powers.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { BudgetSection } from '../parts/budget.js';
import { AmendForm, DraftForm } from '../parts/draft-form.js';
import { Field, UserErrors } from '../parts/form.js';
import { Empty, Notice } from '../parts/notice.js';
import { AccountOfCampaign, PublishPanel } from '../parts/keep-papers.js';
import { PlanSection } from '../parts/plan.js';
import { cashGoalOf, computeGoalOf } from '../parts/progress.js';
import { State } from '../parts/state.js';
import { StepButton, StepPanel } from '../parts/step-form.js';
import { nameOf } from '../parts/who-when.js';
import type { RecipeLine } from './campaign-form.page.js';
import type { KeptLine } from './organise.page.js';
import { stepDone, takeStep } from './keep.steps.js';
import { whyNothing } from './problem.page.js';

export interface Kept extends KeptLine {
  summary: string;
  fundingModel: string;
  termsVersion: number;
  plan: Plan;
  decisionReason: string | null;
  autoAcceptCompute: boolean;
  recipe: RecipeLine;
  budget: Budget;
  pledges: Connection<CashPledge>;
  computePledges: Connection<ComputePledge & { availability: string | null }>;
}
interface Answer {
  viewer: { platformRoles: string[]; contributor: Person } | null;
  campaignBySlug: Kept | null;
}

export async function managePage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const slug = params.slug ?? '';
  const path = `/campaigns/${encodeURIComponent(slug)}/manage`;
  if (!context.signedIn) return redirect(`/sign-in?return=${encodeURIComponent(path)}`);
  const answer = await context.ask<Answer>(keepQuery, { slug });
  const campaign = answer.data?.campaignBySlug;
  const viewer = answer.data?.viewer;
  if (!campaign || !viewer) return whyNothing(answer, 'campaign');
  const { form } = context;
  const step = form.get('do') ?? '';
  // A form that asks for one more tranche is shown again as it was typed.
  const typing = step === 'edit' || step === 'tranche';
  const sent = context.method === 'POST' && step !== 'tranche';
  const errors = sent ? await takeStep(context, campaign) : [];
  if (sent && errors.length === 0) return redirect(`${path}?done=${encodeURIComponent(step)}`);
  const standing = { state: campaign.state, roles: campaign.project.viewerRoles, platformRoles: viewer.platformRoles };
  const allowed = (power: Power) => may(power, standing);
  const said = stepDone[context.url.searchParams.get('done') ?? ''];
  const of = (name: string) => (step === name ? errors : []);
  const reason = (name: string) => (step === name ? (form.get('reason') ?? '') : '');
  const panel = { action: path };
  const member = keeps(standing.roles, standing.platformRoles);
  return page({
    title: `Keep ${campaign.title}`,
    section: 'account',
    status: errors.length > 0 ? 422 : member ? 200 : 403,
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/organise">Organise</a>
            <span>{campaign.project.name}</span>
          </p>
          <h1>{campaign.title}</h1>
          <p class="actions">
            <State of={campaign.state} />
            {campaign.deadline && <span class="muted">ends {dateTime(campaign.deadline)}</span>}
            <a href={`/campaigns/${encodeURIComponent(campaign.slug)}`}>Its page</a>
          </p>
        </div>
        {said && errors.length === 0 && <Notice tone="good" title={said} live />}
        {!formsOf.has(step) && <UserErrors errors={errors} />}
        {!member && (
          <Notice tone="warn" title="This page is for its keepers">
            It takes a role in {campaign.project.name}; an owner of the project can give you one.
          </Notice>
        )}
        {campaign.decisionReason && /^(DRAFT|REJECTED|SUSPENDED|CANCELLED)$/.test(campaign.state) && (
          <Notice tone="info" title={/^(DRAFT|REJECTED)$/.test(campaign.state) ? 'Refused by its reviewer' : 'Why'}>
            {campaign.decisionReason}
          </Notice>
        )}
        {allowed('edit') && (
          <DraftForm campaign={campaign} path={path} form={form} errors={of('edit')} typed={typing} />
        )}
        {allowed('tell') && (
          <p class="actions">
            <a class="button quiet" href={`/campaigns/${encodeURIComponent(campaign.slug)}/updates`}>
              Tell your backers
            </a>
            <a class="button quiet" href={`/campaigns/${encodeURIComponent(campaign.slug)}/terms`}>
              Terms, version {campaign.termsVersion}
            </a>
            <a class="button quiet" href={`/campaigns/${encodeURIComponent(campaign.slug)}/money`}>
              Where the money stands
            </a>
          </p>
        )}
        {allowed('offers') && <Offers campaign={campaign} path={path} />}
        {allowed('refund') && <CapturedPledges campaign={campaign} path={path} form={form} errors={of('refund')} />}
        {allowed('amend') && (
          <AmendForm campaign={campaign} path={path} form={form} errors={of('amend')} typed={step === 'amend'} />
        )}
        <div class="panels">
          {allowed('revise') && (
            <StepPanel {...panel} step="revise" title="Revise it" label="Make it a draft again" errors={of('revise')}>
              You can change everything but its project, recipe and currency, and hand it to review once more.
            </StepPanel>
          )}
          {allowed('submit') && (
            <StepPanel
              {...panel}
              step="submit"
              title="Hand it to review"
              label="Submit for review"
              errors={of('submit')}
            >
              It takes no pledge before somebody who did not write it has approved it. Its terms are fixed from here on.
            </StepPanel>
          )}
          {allowed('review') && <ReviewSteps path={path} errors={errors} step={step} typed={reason('reject')} />}
          {allowed('start') && (
            <StepPanel
              {...panel}
              step="start"
              title="Start the training"
              label="Start training"
              tone="compute"
              errors={of('start')}
            >
              The campaign is funded. A run is made and waits for enough machines; pledges close.
            </StepPanel>
          )}
          {allowed('publish') && <PublishPanel path={path} errors={of('publish')} />}
          {allowed('account') && <AccountOfCampaign id={campaign.id} />}
          {allowed('suspend') && (
            <StepPanel
              {...panel}
              step="suspend"
              title="Suspend it"
              label="Suspend"
              tone="quiet"
              reason="Why is it suspended?"
              typed={reason('suspend')}
              errors={of('suspend')}
            >
              No pledges, charges or payouts until an operator resumes it; its timers stand. The reason is public.
            </StepPanel>
          )}
          {allowed('resume') && (
            <StepPanel {...panel} step="resume" title="Let it go on" label="Resume" errors={of('resume')}>
              It goes on where it was. Every timer moves by the time for which it stood.
            </StepPanel>
          )}
          {allowed('cancel') && (
            <StepPanel
              {...panel}
              step="cancel"
              title="Give it up"
              label="Cancel the campaign"
              tone="quiet"
              reason="Why is it given up?"
              typed={reason('cancel')}
              errors={of('cancel')}
            >
              Everything captured goes back to its backers, and GPU time to its donors. This can’t be undone.
            </StepPanel>
          )}
        </div>
        <Terms campaign={campaign} />
      </div>
    ),
  });
}

/** Steps whose refusals are shown in a form of their own; those of list buttons stand at the top. */
const formsOf = new Set([
  'edit',
  'amend',
  'revise',
  'submit',
  'approve',
  'reject',
  'start',
  'publish',
  'refund',
  'suspend',
  'resume',
  'cancel',
]);

export function ReviewSteps(props: { path: string; errors: UserError[]; step: string; typed: string; id?: string }) {
  const of = (name: string) => (props.step === name ? props.errors : []);
  return (
    <>
      <StepPanel
        action={props.path}
        id={props.id}
        step="approve"
        title="Approve it"
        label="Put it live"
        tone="cash"
        errors={of('approve')}
      >
        It takes pledges at once, and its accounts are opened.
      </StepPanel>
      <StepPanel
        action={props.path}
        id={props.id}
        step="reject"
        title="Refuse it"
        label="Refuse"
        tone="quiet"
        reason="What has to change?"
        typed={props.typed}
        errors={of('reject')}
      >
        Its organisers read your reason and may revise it.
      </StepPanel>
    </>
  );
}

function Offers({ campaign, path }: { campaign: Kept; path: string }) {
  const offers = nodesOf(campaign.computePledges).filter(({ state }) => state === 'OFFERED');
  return (
    <section class="stack" aria-labelledby="offers-head">
      <h2 id="offers-head">Offers of GPU time</h2>
      {offers.length === 0 ? (
        <Empty title="No offer waits">
          {campaign.autoAcceptCompute
            ? 'Offers are accepted as they come.'
            : 'Each one will wait here for your answer.'}
        </Empty>
      ) : (
        <ul class="rows">
          {offers.map((offer) => (
            <li key={offer.id}>
              <span class="rows-main">
                {nameOf(offer.contributor)}
                <span class="nowrap">{gpuTime(offer.time)}</span>
              </span>
              <span class="rows-steps">
                <StepButton
                  action={path}
                  step="accept"
                  id={offer.id}
                  label="Accept"
                  tone="compute"
                  about={`${nameOf(offer.contributor)}, ${gpuTime(offer.time)}`}
                />
                <StepButton
                  action={path}
                  step="decline"
                  id={offer.id}
                  label="Decline"
                  about={`${nameOf(offer.contributor)}, ${gpuTime(offer.time)}`}
                />
              </span>
              <span class="rows-when">
                {offer.count} × {offer.class}
                {offer.region && ` · ${offer.region}`}
                {offer.availability && ` · ${offer.availability}`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function CapturedPledges(props: { campaign: Kept; path: string; form: URLSearchParams; errors: UserError[] }) {
  const { campaign, form, errors } = props;
  const captured = nodesOf(campaign.pledges).filter(({ state }) => state === 'COLLECTED');
  const chosen = form.get('id');
  return (
    <section class="stack" aria-labelledby="refunds-head">
      <h2 id="refunds-head">Give money back</h2>
      {captured.length === 0 ? (
        <Empty title="Nothing to give back">No pledge of this campaign is captured now.</Empty>
      ) : (
        <form class="form panel" method="post" action={props.path}>
          <UserErrors errors={errors} fields={['pledgeId', 'reason']} />
          <input type="hidden" name="do" value="refund" />
          <div class="split">
            <Field
              label="Pledge"
              errors={errors.map((error) => (error.path?.at(-1) === 'pledgeId' ? { ...error, path: ['id'] } : error))}
            >
              <select name="id" id="refund-pledge">
                {captured.map((pledge) => (
                  <option key={pledge.id} value={pledge.id} selected={pledge.id === chosen}>
                    {nameOf(pledge.contributor)}: {money(pledge.amount)}, {dateTime(pledge.createdAt)}
                  </option>
                ))}
              </select>
            </Field>
            <Field label="Reason" hint="Goes to the card processor; optional." errors={errors}>
              <input
                name="reason"
                id="refund-reason"
                autoComplete="off"
                value={errors.length > 0 ? (form.get('reason') ?? '') : ''}
              />
            </Field>
          </div>
          <p class="fine">The newest 100 pledges are listed. The whole of what is left of the pledge goes back.</p>
          <p class="actions">
            <button class="button quiet">Refund it</button>
          </p>
        </form>
      )}
    </section>
  );
}

export function Terms({
  campaign,
}: {
  campaign: Pick<Kept, 'recipe' | 'budget' | 'plan' | 'fundingModel' | 'cashGoal' | 'computeGoal' | 'deadline'>;
}) {
  const [cash, compute] = [cashGoalOf(campaign as Kept), computeGoalOf(campaign as Kept)];
  return (
    <>
      <dl class="facts">
        <div>
          <dt>Asks for</dt>
          <dd>{[cash && money(cash), compute && gpuTime(compute)].filter(Boolean).join(' and ')}</dd>
        </div>
        <div>
          <dt>Recipe</dt>
          <dd>
            {campaign.recipe.name}, {campaign.recipe.workload}, {campaign.recipe.minWorkers}–
            {campaign.recipe.maxWorkers} × {campaign.recipe.gpuClass}
          </dd>
        </div>
        <div>
          <dt>Data</dt>
          <dd>
            {campaign.recipe.dataset.name}, {campaign.recipe.dataset.licence}
          </dd>
        </div>
      </dl>
      <PlanSection campaign={campaign} />
      <BudgetSection budget={campaign.budget} parameters={campaign.recipe.parameters} tokens={campaign.recipe.tokens} />
    </>
  );
}
