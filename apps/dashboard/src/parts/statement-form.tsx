/** The form that takes a bank statement, with the mapping that a CSV needs. */
import type { UserError } from '../api/shapes.js';
import { Field, UserErrors } from './form.js';

const FIELDS = ['text', 'account', 'currency', 'amount'];
const DELIMITERS: [value: string, label: string][] = [
  ['SEMICOLON', 'Semicolon'],
  ['COMMA', 'Comma'],
  ['TAB', 'Tab'],
];
const DAY_FORMS: [value: string, label: string][] = [
  ['DAY_MONTH_YEAR_POINTS', '23.11.2026'],
  ['YEAR_MONTH_DAY', '2026-11-23'],
  ['DAY_MONTH_YEAR_SLASHES', '23/11/2026'],
  ['MONTH_DAY_YEAR_SLASHES', '11/23/2026'],
];
const DECIMAL_SIGNS: [value: string, label: string][] = [
  ['COMMA', '1.234,56'],
  ['POINT', '1,234.56'],
];

export function StatementForm(props: { action: string; errors: UserError[]; typed: (name: string) => string }) {
  const { errors, typed } = props;
  const isCsv = typed('format') === 'CSV';
  const isFormula = errors.some((error) => error.code === 'BANK_FILE_FORMULA');
  return (
    <form method="post" action={props.action} class="form panel recon-import" id="import">
      <UserErrors errors={errors} fields={FIELDS} />
      <input type="hidden" name="do" value="import" />
      <div data-statement-file hidden>
        <Field label="File of the bank" id="statement-file" hint="camt.053 (XML) or CSV, at most 40 kB.">
          <input type="file" accept=".xml,.csv,text/xml,text/csv" />
        </Field>
        <p class="hint" role="status" />
      </div>
      <Field label="Text of the file" id="statement-text" errors={errors}>
        <textarea name="text" rows={5} class="code-path" spellcheck={false} value={typed('text')} />
      </Field>
      <Field label="Format" id="statement-format">
        <select name="format">
          <option value="CAMT053">camt.053 (ISO 20022)</option>
          <option value="CSV" selected={isCsv}>
            CSV
          </option>
        </select>
      </Field>
      {isFormula && (
        <label class="check">
          <input type="checkbox" name="formulasAsText" value="yes" />
          <span>I have looked at it: keep the formula as text</span>
        </label>
      )}
      <details data-csv-mapping open={isCsv}>
        <summary>How the CSV is written</summary>
        <div class="grid-fields">
          <Text name="account" label="Account (IBAN)" {...{ typed, errors }} />
          <Text name="currency" label="Currency" {...{ typed, errors }} />
          <Choice name="delimiter" label="Columns parted by" options={DELIMITERS} typed={typed} />
          <Choice name="dayForm" label="Days" options={DAY_FORMS} typed={typed} />
          <Choice name="decimalSign" label="Amounts" options={DECIMAL_SIGNS} typed={typed} />
          <Text name="bookedOn" label="Column of the day" {...{ typed, errors }} />
          <Text name="amount" label="Column of the signed amount" {...{ typed, errors }} />
          <Text name="credit" label="or of what came in" {...{ typed, errors }} />
          <Text name="debit" label="and of what went out" {...{ typed, errors }} />
          <Text name="reference" label="Column of the reference" {...{ typed, errors }} />
          <Text name="counterparty" label="Column of the other side" {...{ typed, errors }} />
          <Text name="texts" label="Columns of texts, by comma" {...{ typed, errors }} />
        </div>
      </details>
      <p class="actions">
        <button class="button">Take the statement</button>
        <span class="hint">All of it or nothing. What was taken before is known.</span>
      </p>
    </form>
  );
}

function Text(props: { name: string; label: string; typed: (name: string) => string; errors: UserError[] }) {
  return (
    <Field label={props.label} id={`csv-${props.name}`} errors={props.errors}>
      <input name={props.name} autoComplete="off" value={props.typed(props.name)} />
    </Field>
  );
}

function Choice(props: {
  name: string;
  label: string;
  options: readonly [value: string, label: string][];
  typed: (name: string) => string;
}) {
  return (
    <Field label={props.label} id={`csv-${props.name}`}>
      <select name={props.name}>
        {props.options.map(([value, label]) => (
          <option key={value} value={value} selected={props.typed(props.name) === value}>
            {label}
          </option>
        ))}
      </select>
    </Field>
  );
}
