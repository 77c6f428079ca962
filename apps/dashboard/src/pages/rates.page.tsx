/** `/organise/rates`: the reference rates by which gifts in other currencies count, and an operator's import of them. */
import { mutate } from '../api/mutate.js';
import { knownRatesQuery, ratesImport } from '../api/rates.documents.js';
import type { UserError } from '../api/shapes.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { Field, UserErrors } from '../parts/form.js';
import { Empty, Notice } from '../parts/notice.js';
import { failurePage } from './problem.page.js';

type Rates = Record<string, { rate: string; asOf: string; source: string } | null> & {
  viewer: { platformRoles: string[] } | null;
};
const PATH = '/organise/rates';

export async function ratesPage(context: PageContext): Promise<Result> {
  if (!(await context.viewer)) return redirect(`/sign-in?return=${encodeURIComponent(PATH)}`);
  const sent = context.method === 'POST' ? await importRates(context) : null;
  const answer = await context.ask<Rates>(knownRatesQuery);
  if (!answer.data) return failurePage(answer.problems);
  const { viewer, ...rates } = answer.data;
  const known = Object.entries(rates).flatMap(([code, rate]) => (rate ? [{ code, ...rate }] : []));
  const operates = viewer?.platformRoles.includes('operator') === true;
  const errors = sent?.errors ?? [];
  return page({
    title: 'Exchange rates',
    section: 'account',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap narrow">
        <div>
          <h1>Exchange rates</h1>
          <p class="lead">
            A gift in another currency counts by the rate of its day, exactly and for good. A rate that is older than
            ten days is not used.
          </p>
        </div>
        {sent && errors.length === 0 && (
          <Notice tone="good" title={`${sent.read} rates read, ${sent.added} of them new.`} live />
        )}
        <section class="stack" aria-labelledby="known">
          <h2 id="known">In US dollars now</h2>
          {known.length === 0 ? (
            <Empty title="No rate is fresh enough">
              Until one is imported, gifts come in a campaign’s own currency.
            </Empty>
          ) : (
            <dl class="terms">
              {known.map(({ code, rate, asOf, source }) => (
                <div key={code}>
                  <dt>
                    1 {code}{' '}
                    <small>
                      {source}, {asOf}
                    </small>
                  </dt>
                  <dd>{`$${inDecimals(rate)}`}</dd>
                </div>
              ))}
            </dl>
          )}
        </section>
        {operates && (
          <form method="post" action={PATH} class="form panel">
            <h2>Import the rates of the day</h2>
            <UserErrors errors={errors} fields={['csv']} />
            <Field
              label="The file’s text"
              hint="eurofxref.csv or eurofxref-hist.csv of the European Central Bank, unzipped. Days that are known stay as they are; a day with another rate is refused."
              errors={errors}
            >
              <textarea name="csv" rows={8} required spellcheck={false} class="mono">
                {errors.length > 0 ? (context.form.get('csv') ?? '') : ''}
              </textarea>
            </Field>
            <p class="actions">
              <button class="button">Import</button>
            </p>
          </form>
        )}
      </div>
    ),
  });
}

async function importRates(context: PageContext): Promise<{ errors: UserError[]; read: number; added: number }> {
  const { payload, errors } = await mutate<{ read: number | null; added: number | null }>(context, ratesImport, {
    csv: context.form.get('csv') ?? '',
  });
  return { errors, read: payload?.read ?? 0, added: payload?.added ?? 0 };
}

/** A quotient `a/b` of two decimals, cut after six digits, without a float. */
function inDecimals(rate: string): string {
  const [over = '1', under = '1'] = rate.split('/');
  const scaled = (text: string): [bigint, number] => {
    const [whole = '', part = ''] = text.split('.');
    return [BigInt(whole + part), part.length];
  };
  const [a, aDigits] = scaled(over);
  const [b, bDigits] = scaled(under);
  const millionths = (a * 10n ** BigInt(6 + bDigits)) / (b * 10n ** BigInt(aDigits));
  return `${millionths / 1_000_000n}.${String(millionths % 1_000_000n).padStart(6, '0')}`;
}
