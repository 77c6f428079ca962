/** The controls of a plan: model, goals, budget lines, tranches, windows. Works without a script. */
import type { UserError } from '../api/shapes.js';
import { budgetKinds, currencies, evidenceKinds, STRETCH_ROWS, TRANCHES_MAX } from '../pages/plan.input.js';
import { Field } from './form.js';
import { words } from './state.js';

export interface PlanFormProps {
  value: (name: string) => string;
  errors: UserError[];
  /** How many tranches are shown. */
  tranches: number;
  /** The currency is fixed once a draft is kept. */
  currencyIsFixed: boolean;
  unit: string;
}

const models = [
  ['KEEP_IT_ALL', 'Keep it all', 'Charged at once and kept, whatever the sum. For work that is useful at any size.'],
  [
    'ALL_OR_NOTHING',
    'All or nothing',
    'Methods are saved and charged after the deadline. Below a goal nobody pays. For work that is useless by halves.',
  ],
  [
    'TRANCHES',
    'Tranches',
    'Charged at once, held in escrow and released share by share, each on evidence. Below a goal all goes back.',
  ],
] as const;

export function ModelFields({ value }: Pick<PlanFormProps, 'value'>) {
  const chosen = value('fundingModel') || 'KEEP_IT_ALL';
  return (
    <fieldset>
      <legend>When backers are charged, and what becomes of it</legend>
      <div class="models">
        {models.map(([code, label, text]) => (
          <label key={code}>
            <input type="radio" name="fundingModel" value={code} checked={chosen === code} />
            <strong>{label}</strong>
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function GoalFields({ value, errors, currencyIsFixed }: PlanFormProps) {
  const currency = value('currency') || 'USD';
  return (
    <>
      <div class="grid-fields">
        {!currencyIsFixed && (
          <Field label="Currency" hint="Backers may pledge in others." errors={errors}>
            <select name="currency">
              {currencies.map((code) => (
                <option key={code} value={code} selected={code === currency}>
                  {code}
                </option>
              ))}
            </select>
          </Field>
        )}
        <Text name="cashGoalMinor" label="Money, at least" hint="Empty: asks for no money." {...{ value, errors }} />
        <Text name="cashOptimumMinor" label="Money, at best" hint="Optional; above the least." {...{ value, errors }} />
        <Text name="hardCapMinor" label="Hard cap" hint="Optional. No pledge goes past it." {...{ value, errors }} />
      </div>
    </>
  );
}

export function CoverField({ value, errors, unit }: PlanFormProps) {
  return (
    <Text
      name="coverPricePerGpuHourMinor"
      label={`If ${unit} time is missing, money may rent it at this price an hour`}
      hint="Optional, and fixed before the first pledge. Empty: each goal is judged on its own."
      {...{ value, errors }}
    />
  );
}

export function BudgetFields({ value, errors }: PlanFormProps) {
  return (
    <fieldset class="lines">
      <legend>What the money is for</legend>
      <p class="hint">
        Together they are the least that you ask for. Leave all of them empty to put what the recipe needs into compute
        and the rest into the reserve.
      </p>
      {budgetKinds.map((kind) => (
        <div class="line-fields" key={kind}>
          <p>{words(kind)}</p>
          <Text name={`line-${kind}-amountMinor`} label="Amount" about={words(kind)} {...{ value, errors }} />
          <Text name={`line-${kind}-note`} label="How it was arrived at" about={words(kind)} {...{ value, errors }} />
        </div>
      ))}
    </fieldset>
  );
}

export function StretchFields({ value, errors, unit }: PlanFormProps) {
  return (
    <fieldset class="lines">
      <legend>Stretch goals</legend>
      <p class="hint">
        What more you will do with more, from small to large. More can be added while the campaign is live.
      </p>
      {Array.from({ length: STRETCH_ROWS }, (_, at) => (
        <div class="stretch-fields" key={at}>
          <Text name={`stretch-${at}-title`} label={`Goal ${at + 1}`} {...{ value, errors }} />
          <Text name={`stretch-${at}-amount`} label="At" about={`goal ${at + 1}`} {...{ value, errors }} />
          <Field label="Counted in" id={`stretch-${at}-unit`} errors={errors}>
            <select name={`stretch-${at}-unit`}>
              <option value="CASH" selected={value(`stretch-${at}-unit`) !== 'COMPUTE'}>
                money
              </option>
              <option value="COMPUTE" selected={value(`stretch-${at}-unit`) === 'COMPUTE'}>
                {unit}-hours
              </option>
            </select>
          </Field>
        </div>
      ))}
    </fieldset>
  );
}

export function TrancheFields(props: PlanFormProps) {
  return (
    <fieldset class="lines">
      <legend>Tranches</legend>
      <p class="hint">
        Shares of what was collected, 100 % in all; each leaves when its evidence is approved. The model “Tranches”
        needs a plan; with the others an empty plan pays everything at once after the safety window.
      </p>
      <input type="hidden" name="tranches" value={String(props.tranches)} />
      {Array.from({ length: props.tranches }, (_, at) => (
        <TrancheRow key={at} at={at} {...props} />
      ))}
      {props.tranches < TRANCHES_MAX && (
        <p class="actions">
          <button class="button quiet small" name="do" value="tranche">
            Add a tranche
          </button>
        </p>
      )}
    </fieldset>
  );
}

function TrancheRow({ at, value, errors }: PlanFormProps & { at: number }) {
  const of = (name: string) => `tranche-${at}-${name}`;
  const about = `tranche ${at + 1}`;
  return (
    <div class="tranche-fields">
      <div class="grid-fields">
        <Text
          name={of('title')}
          label={`Tranche ${at + 1}`}
          hint="Empty title and share: left out."
          {...{ value, errors }}
        />
        <Text name={of('shareBp')} label="Share in percent" about={about} {...{ value, errors }} />
        <Choice name={of('budgetKind')} label="For" options={budgetKinds} {...{ value, errors }} />
        <Choice name={of('kind')} label="Evidence" options={evidenceKinds} {...{ value, errors }} />
      </div>
      <div class="grid-fields">
        <Text
          name={of('minTokens')}
          label="Tokens, at least"
          about={about}
          wraps="for-checkpoint"
          {...{ value, errors }}
        />
        <Text name={of('metric')} label="Metric" about={about} wraps="for-evaluation" {...{ value, errors }} />
        <div class="for-evaluation">
          <Choice name={of('direction')} label="Must be" options={['AT_LEAST', 'AT_MOST']} {...{ value, errors }} />
        </div>
        <Text name={of('threshold')} label="Threshold" about={about} wraps="for-evaluation" {...{ value, errors }} />
        <Text name={of('quorumBp')} label="Quorum in percent" about={about} wraps="for-vote" {...{ value, errors }} />
      </div>
      <Text name={of('description')} label="In words" about={about} hint="What must be shown." {...{ value, errors }} />
    </div>
  );
}

export function WindowFields({ value, errors }: PlanFormProps) {
  return (
    <details class="lines">
      <summary>Approvals, extension and windows</summary>
      <div class="grid-fields">
        <Text name="approvalsRequired" label="Approvals of a payout" hint="Empty: 1." {...{ value, errors }} />
        <Text
          name="approvers"
          label="By whom"
          hint="Pseudonyms, set apart by commas. Empty: any reviewer or treasurer."
          {...{ value, errors }}
        />
      </div>
      <div class="grid-fields">
        <Text
          name="extensionToleranceBp"
          label="Extend if short by at most, percent"
          hint="Once, with the consent of backers. Not with keep it all."
          {...{ value, errors }}
        />
        <Text name="extensionDays" label="Days of the extension" hint="1 to 30." {...{ value, errors }} />
      </div>
      <div class="grid-fields">
        <Text name="settlementWindowSeconds" label="Charging, days" hint="Empty: 7." {...{ value, errors }} />
        <Text name="retryEverySeconds" label="New try every, days" hint="Empty: 2." {...{ value, errors }} />
        <Text name="safetyWindowSeconds" label="Safety window, days" hint="Empty: 14." {...{ value, errors }} />
      </div>
      <div class="grid-fields">
        <Text name="card" label="Reserve for cards, days" hint="Empty: 120." {...{ value, errors }} />
        <Text name="us_bank_account" label="For US debits" hint="Empty: 60." {...{ value, errors }} />
        <Text name="sepa_debit" label="For SEPA debits" hint="Empty: 56." {...{ value, errors }} />
        <Text name="bank_transfer" label="For transfers" hint="Empty: 0." {...{ value, errors }} />
      </div>
    </details>
  );
}

interface ControlProps {
  name: string;
  label: string;
  value: (name: string) => string;
  errors: UserError[];
}

function Text({
  name,
  label,
  hint,
  about,
  wraps,
  value,
  errors,
}: ControlProps & { hint?: string; about?: string; wraps?: string }) {
  const control = (
    <Field label={label} id={name} errors={errors} {...(hint ? { hint } : {})}>
      <input
        name={name}
        autoComplete="off"
        value={value(name)}
        {...(about ? { 'aria-label': `${label}, ${about}` } : {})}
      />
    </Field>
  );
  return wraps ? <div class={wraps}>{control}</div> : control;
}

function Choice({ name, label, options, value, errors }: ControlProps & { options: readonly string[] }) {
  return (
    <Field label={label} id={name} errors={errors}>
      <select name={name}>
        {options.map((option) => (
          <option key={option} value={option} selected={value(name) === option}>
            {words(option)}
          </option>
        ))}
      </select>
    </Field>
  );
}
