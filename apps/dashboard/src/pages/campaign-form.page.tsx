/** `/organise/campaigns/new`: a campaign from a recipe, its compute budget shown term by term before it is asked for. */
import { campaignCreate, computeBudgetQuery, recipesQuery } from '../api/organise.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import { nodesOf, type Budget, type Connection, type UserError } from '../api/shapes.js';
import { engineering, gpuTime, money, timeUnit } from '../format/amount.js';
import { parseDollars, parseHours, parseMoney } from '../format/parse.js';
import { hoursValue, momentValue, parseMoment } from '../format/typed.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { BudgetSection } from '../parts/budget.js';
import { Field, UserErrors } from '../parts/form.js';
import { Notice } from '../parts/notice.js';
import {
  BudgetFields,
  CoverField,
  GoalFields,
  ModelFields,
  StretchFields,
  TrancheFields,
  WindowFields,
} from '../parts/plan-form.js';
import { atControls, currencies, planFields, readPlan, trancheCount } from './plan.input.js';
import { failurePage } from './problem.page.js';
import { OrganiseCrumbs, writableProjects } from './recipe-form.page.js';

export interface RecipeLine {
  id: string;
  name: string;
  workload: string;
  parameters: string;
  tokens: string;
  gpuClass: string;
  minWorkers: number;
  maxWorkers: number;
  dataset: { name: string; licence: string };
}
/** The terms that an organiser may set; a field left empty takes what the class usually has. */
const termFields = ['mfu', 'overheadPercent', 'pricePerGpuHourMinor'];
const fields = ['projectId', 'recipeId', 'title', 'summary', 'computeGoalMilliseconds', 'deadline'].concat(termFields);

export async function campaignFormPage(context: PageContext): Promise<Result> {
  const projects = await writableProjects(context);
  if (!projects) return redirect('/sign-in?return=/organise/campaigns/new');
  if (projects.length === 0) return redirect('/organise');
  const { form } = context;
  const answer = await context.ask<{ recipes: Connection<RecipeLine> }>(recipesQuery);
  if (!answer.data) return failurePage(answer.problems);
  const recipes = nodesOf(answer.data.recipes);
  if (recipes.length === 0) return redirect('/organise/recipes/new');
  const asked = form.get('recipeId') ?? context.url.searchParams.get('recipe');
  const recipe = recipes.find(({ id }) => id === asked) ?? recipes[0];
  if (!recipe) return redirect('/organise/recipes/new');
  const terms = readTerms(form);
  let errors = [...terms.errors];
  const worked = terms.errors.length === 0 ? await workOut(context, recipe, terms.input) : null;
  if (worked) errors.push(...worked.errors);
  if (context.method === 'POST' && form.get('do') === 'create') {
    const made = await create(context, recipe, terms.input, worked?.budget ?? null, errors);
    if (made.slug) return redirect(`/campaigns/${encodeURIComponent(made.slug)}/manage?done=created`);
    errors = made.errors;
  }
  const budget = worked?.budget ?? null;
  const value = (name: string) => form.get(name) ?? '';
  // Another recipe needs another time, so the goal follows the budget until somebody types one of his own.
  const suggested = budget ? hoursValue(budget.gpuTime.milliseconds) : '';
  const typedHours = form.get('computeGoalMilliseconds');
  const hours = typedHours === null || typedHours === form.get('suggested') ? suggested : typedHours;
  const unit = timeUnit(recipe.gpuClass);
  const tranches = trancheCount(value, form.get('do') === 'tranche');
  const plan = { value, errors, tranches, unit, currencyIsFixed: false };
  return page({
    title: 'New campaign',
    section: 'account',
    status: errors.length > 0 ? 422 : 200,
    islands: ['budget-live'],
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <OrganiseCrumbs />
          <h1>New campaign</h1>
          <p class="lead">
            It is saved as a draft that only your project sees. Everything but its project, recipe and currency can be
            changed until you hand it to review; from then on its terms are fixed.
          </p>
        </div>
        <form class="stack wide-form" method="post" action="/organise/campaigns/new" id="campaign-form">
          <UserErrors errors={errors} fields={[...fields, ...planFields(tranches)]} />
          <div class="form panel">
            <h2>What is trained</h2>
            <div class="split">
              <Field label="Project" errors={errors}>
                <select name="projectId">
                  {projects.map(({ id, name }) => (
                    <option key={id} value={id} selected={value('projectId') === id}>
                      {name}
                    </option>
                  ))}
                </select>
              </Field>
              <Field
                label="Recipe"
                errors={errors}
                hint={
                  <>
                    Another one? <a href="/organise/recipes/new">Register it first.</a>
                  </>
                }
              >
                <select name="recipeId">
                  {recipes.map((one) => (
                    <option key={one.id} value={one.id} selected={one.id === recipe.id}>
                      {one.name}: {engineering(one.parameters)} parameters, {engineering(one.tokens)} tokens,{' '}
                      {one.gpuClass}
                    </option>
                  ))}
                </select>
              </Field>
            </div>
            <div class="grid-fields">
              <Field label="Share of peak speed" hint="MFU, such as 0.40. Empty: as usual." errors={errors}>
                <input name="mfu" inputMode="decimal" autoComplete="off" value={value('mfu')} />
              </Field>
              <Field label="Reserve in percent" hint="Restarts, evaluation. Empty: 15." errors={errors}>
                <input name="overheadPercent" inputMode="numeric" autoComplete="off" value={value('overheadPercent')} />
              </Field>
              <Field label={`Dollars per ${unit}-hour`} hint="Empty: the usual price." errors={errors}>
                <input
                  name="pricePerGpuHourMinor"
                  inputMode="decimal"
                  autoComplete="off"
                  value={value('pricePerGpuHourMinor')}
                />
              </Field>
            </div>
            <p class="actions">
              <button class="button quiet" name="do" value="budget">
                Work it out
              </button>
            </p>
          </div>
          <div id="budget-live" aria-live="polite">
            {budget ? (
              <>
                <BudgetSection budget={budget} parameters={recipe.parameters} tokens={recipe.tokens} />
                <p class="panel-note">
                  {recipe.name} takes <strong>{gpuTime(budget.gpuTime)}</strong> of {recipe.gpuClass}
                  {budget.cash && (
                    <>
                      , or <strong>{money(budget.cash)}</strong> to rent it
                    </>
                  )}
                  .
                </p>
              </>
            ) : (
              <Notice tone="warn" title="The budget waits for its terms">
                {worked?.errors[0]?.message ?? 'Correct the terms above.'}
              </Notice>
            )}
          </div>
          <div class="form panel">
            <h2>What it asks for</h2>
            <Field label="Title" errors={errors}>
              <input name="title" autoComplete="off" value={value('title')} />
            </Field>
            <Field
              label="Summary"
              hint="What the model is for and who will use it. At most 2,000 characters."
              errors={errors}
            >
              <textarea name="summary" rows={4}>
                {value('summary')}
              </textarea>
            </Field>
            <div class="grid-fields">
              <Field label={`${unit}-hours`} hint="Empty: asks for no compute." errors={errors}>
                <input name="computeGoalMilliseconds" inputMode="decimal" autoComplete="off" value={hours} />
              </Field>
              <Field label="Deadline, UTC" errors={errors}>
                <input
                  name="deadline"
                  type="datetime-local"
                  value={form.get('deadline') ?? momentValue(new Date(context.now + 30 * 86_400_000).toISOString())}
                />
              </Field>
            </div>
            <input type="hidden" name="suggested" value={suggested} />
            <label class="check">
              <input
                type="checkbox"
                name="autoAcceptCompute"
                value="yes"
                checked={form.get('autoAcceptCompute') === 'yes'}
              />
              <span>
                Accept every offer of GPU time at once <span class="muted">instead of one by one</span>
              </span>
            </label>
          </div>
          <div class="form panel">
            <h2>How the money is raised</h2>
            <ModelFields value={value} />
            <GoalFields {...plan} />
            <CoverField {...plan} />
            <BudgetFields {...plan} />
          </div>
          <div class="form panel">
            <h2>When it leaves, and what comes with more</h2>
            <TrancheFields {...plan} />
            <StretchFields {...plan} />
            <WindowFields {...plan} />
            <p class="actions">
              <button class="button" name="do" value="create">
                Save as a draft
              </button>
            </p>
          </div>
        </form>
      </div>
    ),
  });
}

interface Terms {
  mfu?: string;
  overheadPercent?: number;
  pricePerGpuHourMinor?: string;
}

function readTerms(form: URLSearchParams): { input: Terms; errors: UserError[] } {
  const text = (name: string) => form.get(name)?.trim() ?? '';
  const price = parseDollars(text('pricePerGpuHourMinor'));
  const overhead = text('overheadPercent');
  const errors = [
    text('pricePerGpuHourMinor') !== '' &&
      price === null &&
      refusal('This is no price.', 'pricePerGpuHourMinor', 'Give dollars, such as 2.10.'),
    overhead !== '' &&
      !/^\d{1,3}$/.test(overhead) &&
      refusal('This is no whole percentage.', 'overheadPercent', 'Give a number such as 15.'),
  ].filter((error) => error !== false);
  return {
    errors,
    input: {
      ...(text('mfu') ? { mfu: text('mfu') } : {}),
      ...(overhead && errors.length === 0 ? { overheadPercent: Number(overhead) } : {}),
      ...(price === null ? {} : { pricePerGpuHourMinor: price.toString() }),
    },
  };
}

/** A query refuses by an error whose text begins with the code of the refusal. */
async function workOut(context: PageContext, recipe: RecipeLine, terms: Terms) {
  const { parameters, tokens, gpuClass } = recipe;
  const answer = await context.ask<{ computeBudget: Budget }>(computeBudgetQuery, {
    input: { parameters, tokens, gpuClass, ...terms },
  });
  const errors = answer.problems.map((problem) => {
    const [, code = '', message = problem] = /^([A-Z_]+): (.*)$/s.exec(problem) ?? [];
    return refusal(
      message,
      code === 'CATALOG_MFU_INVALID' ? 'mfu' : /overhead/i.test(message) ? 'overheadPercent' : undefined,
    );
  });
  return { budget: answer.data?.computeBudget ?? null, errors };
}

async function create(
  context: PageContext,
  recipe: RecipeLine,
  terms: Terms,
  budget: Budget | null,
  faults: UserError[],
) {
  const { form } = context;
  const text = (name: string) => form.get(name)?.trim() ?? '';
  const isNothing = (name: string) => /^(0+([.]0*)?)?$/.test(text(name));
  const currency = currencies.find((code) => code === text('currency')) ?? 'USD';
  const cash = parseMoney(text('cashGoalMinor'), currency);
  const plan = readPlan(form, currency);
  // Hours as the budget suggested them mean the budget itself, to the millisecond.
  const hours = text('computeGoalMilliseconds');
  const suggested = budget && hours === hoursValue(budget.gpuTime.milliseconds);
  const compute = suggested ? BigInt(budget.gpuTime.milliseconds) : parseHours(hours);
  const deadline = parseMoment(text('deadline'));
  const errors = [
    ...faults,
    ...plan.errors,
    !isNothing('cashGoalMinor') &&
      cash === null &&
      refusal('This is no amount.', 'cashGoalMinor', 'Give an amount such as 2500 or 12.50.'),
    !isNothing('computeGoalMilliseconds') &&
      compute === null &&
      refusal(
        'These are no hours.',
        'computeGoalMilliseconds',
        'Give hours with at most three decimals, such as 8 or 0.5.',
      ),
    deadline === null && refusal('This is no moment.', 'deadline', 'Give a day and a time.'),
  ].filter((error) => error !== false);
  if (errors.length > 0) return { slug: null, errors };
  const { payload, errors: refused } = await mutate<{ campaign: { slug: string } | null }>(context, campaignCreate, {
    projectId: text('projectId'),
    recipeId: recipe.id,
    title: text('title'),
    summary: text('summary'),
    ...plan.input,
    cashGoalMinor: (cash ?? 0n).toString(),
    currency,
    computeGoalMilliseconds: (compute ?? 0n).toString(),
    computeClass: recipe.gpuClass,
    deadline,
    autoAcceptCompute: form.get('autoAcceptCompute') === 'yes',
    ...terms,
  });
  return { slug: refused.length === 0 ? (payload?.campaign?.slug ?? null) : null, errors: atControls(refused, form) };
}
