/** The forms in which organisers change a campaign: all of a draft, and the little that may change once it is live. */
import type { Plan } from '../api/campaign.shapes.js';
import type { Goals, UserError } from '../api/shapes.js';
import { timeUnit } from '../format/amount.js';
import { hoursValue, momentValue } from '../format/typed.js';
import { planFields, planValues, trancheCount } from '../pages/plan.input.js';
import { Field, UserErrors } from './form.js';
import {
  BudgetFields,
  CoverField,
  GoalFields,
  ModelFields,
  StretchFields,
  TrancheFields,
  WindowFields,
} from './plan-form.js';

export interface Drafted extends Goals {
  title: string;
  summary: string;
  fundingModel: string;
  plan: Plan;
}
interface Props {
  campaign: Drafted;
  path: string;
  form: URLSearchParams;
  errors: UserError[];
  /** Whether what stands in the form was typed just now. */
  typed: boolean;
}

export function DraftForm({ campaign, path, form, errors, typed }: Props) {
  const compute = campaign.computeGoal;
  const kept: Record<string, string> = {
    ...planValues(campaign),
    title: campaign.title,
    summary: campaign.summary,
    deadline: campaign.deadline ? momentValue(campaign.deadline) : '',
    computeGoalMilliseconds: compute && compute.milliseconds !== '0' ? hoursValue(compute.milliseconds) : '',
  };
  const value = (name: string) => (typed ? (form.get(name) ?? '') : (kept[name] ?? ''));
  const tranches = trancheCount(value, form.get('do') === 'tranche');
  const unit = timeUnit(compute?.class ?? 'cpu');
  const plan = { value, errors, tranches, unit, currencyIsFixed: true };
  const fields = ['title', 'summary', 'deadline', 'computeGoalMilliseconds', ...planFields(tranches)];
  return (
    <form class="form panel" method="post" action={path}>
      <h2>The draft</h2>
      <UserErrors errors={errors} fields={fields} />
      <Field label="Title" errors={errors}>
        <input name="title" autoComplete="off" value={value('title')} />
      </Field>
      <Field label="Summary" hint="At most 2,000 characters." errors={errors}>
        <textarea name="summary" rows={4}>
          {value('summary')}
        </textarea>
      </Field>
      <div class="grid-fields">
        <Field label="Deadline, UTC" errors={errors}>
          <input name="deadline" type="datetime-local" value={value('deadline')} />
        </Field>
        <Field label={`${unit}-hours`} hint="Empty: asks for no compute." errors={errors}>
          <input
            name="computeGoalMilliseconds"
            inputMode="decimal"
            autoComplete="off"
            value={value('computeGoalMilliseconds')}
          />
        </Field>
      </div>
      <ModelFields value={value} />
      <GoalFields {...plan} />
      <CoverField {...plan} />
      <BudgetFields {...plan} />
      <TrancheFields {...plan} />
      <StretchFields {...plan} />
      <WindowFields {...plan} />
      <p class="actions">
        <button class="button" name="do" value="edit">
          Save the draft
        </button>
      </p>
    </form>
  );
}

export function AmendForm({ campaign, path, form, errors, typed }: Props) {
  const value = (name: string, kept: string) => (typed ? (form.get(name) ?? '') : kept);
  const unit = timeUnit(campaign.computeGoal?.class ?? 'cpu');
  return (
    <form class="form panel" method="post" action={path}>
      <h2>Change what may still change</h2>
      <p class="muted">
        Goals, model, budget and windows are fixed. Texts and further stretch goals make a new version of the terms;
        whoever pledged before keeps the version he agreed to.
      </p>
      <UserErrors errors={errors} fields={['title', 'summary', 'goal', 'amount']} />
      <Field label="Title" id="amend-title" errors={errors}>
        <input name="title" autoComplete="off" value={value('title', campaign.title)} />
      </Field>
      <Field label="Summary" id="amend-summary" hint="At most 2,000 characters." errors={errors}>
        <textarea name="summary" rows={3}>
          {value('summary', campaign.summary)}
        </textarea>
      </Field>
      <div class="stretch-fields">
        <Field label="A further stretch goal" errors={errors}>
          <input name="goal" autoComplete="off" value={value('goal', '')} />
        </Field>
        <Field label="At" errors={errors}>
          <input name="amount" inputMode="decimal" autoComplete="off" value={value('amount', '')} />
        </Field>
        <Field label="Counted in" errors={errors}>
          <select name="stretch-unit">
            <option value="CASH" selected={value('stretch-unit', 'CASH') !== 'COMPUTE'}>
              money
            </option>
            <option value="COMPUTE" selected={value('stretch-unit', 'CASH') === 'COMPUTE'}>
              {unit}-hours
            </option>
          </select>
        </Field>
      </div>
      <p class="actions">
        <button class="button quiet" name="do" value="amend">
          Make a new version
        </button>
      </p>
    </form>
  );
}
