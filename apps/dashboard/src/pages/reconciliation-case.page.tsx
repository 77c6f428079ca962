/** `/reconciliation/cases/:id`: one difference: what each side says, what was done about it, and what can be done. */
import { reconciliationCaseQuery } from '../api/reconciliation.documents.js';
import type { BankLine, Candidate, Case, CaseRecord, Operator, Viewer } from '../api/reconciliation.shapes.js';
import type { UserError } from '../api/shapes.js';
import { money } from '../format/amount.js';
import { exact, kinds, signed, subjectOf } from '../format/difference.js';
import { date, dateTime } from '../format/moment.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { CorrectionForm, CorrectionRecord } from '../parts/correction.js';
import { Field, UserErrors } from '../parts/form.js';
import { Notice } from '../parts/notice.js';
import { Sayings } from '../parts/sayings.js';
import { State } from '../parts/state.js';
import { StepButton } from '../parts/step-form.js';
import { When } from '../parts/who-when.js';
import { whyNothing } from './problem.page.js';
import { operatorName } from './reconciliation.page.js';
import { stepDone, takeStep } from './reconciliation.steps.js';

interface Answer {
  viewer: Viewer | null;
  reconciliationSummary: { operators: Operator[] };
  reconciliationCase: CaseRecord | null;
}

export async function reconciliationCasePage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const id = params.id ?? '';
  const path = `/reconciliation/cases/${encodeURIComponent(id)}`;
  if (!(await context.viewer)) return redirect(`/sign-in?return=${encodeURIComponent(path)}`);
  const errors = context.method === 'POST' ? await takeStep(context, id) : [];
  const step = context.form.get('do') ?? '';
  if (context.method === 'POST' && errors.length === 0) return redirect(`${path}?done=${encodeURIComponent(step)}`);
  const answer = await context.ask<Answer>(reconciliationCaseQuery, { id });
  const record = answer.data?.reconciliationCase;
  if (!answer.data || !record) return whyNothing(answer, 'case');
  const of = record.reconciliationCase;
  const { operators } = answer.data.reconciliationSummary;
  const me = answer.data.viewer?.contributor.pseudonym ?? '';
  const name = (pseudonym: string): string => (pseudonym === me ? 'you' : operatorName(operators, pseudonym));
  const said = stepDone[context.url.searchParams.get('done') ?? ''];
  const typed = (field: string): string => context.form.get(field) ?? '';
  return page({
    title: kinds[of.kind] ?? 'Difference',
    section: 'ledger',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/reconciliation">Reconciliation</a>
          </p>
          <h1>{kinds[of.kind] ?? of.kind}</h1>
          <p class="actions">
            <State of={of.state} />
            <span class="muted">{subjectOf(of.subject, true)}</span>
          </p>
        </div>
        {said && errors.length === 0 && <Notice tone="good" title={said} live />}
        <UserErrors errors={errors} />
        <Figures of={of} now={context.now} owner={of.owner === null ? null : name(of.owner)} />
        <Sayings record={record} />
        {record.bankLine && (
          <Line line={record.bankLine} candidates={record.candidates} path={path} typed={typed} name={name} />
        )}
        <section class="stack" aria-labelledby="act-head">
          <h2 id="act-head">What to do</h2>
          <Acts record={record} me={me} operators={operators} path={path} typed={typed} errors={errors} step={step} />
        </section>
        {record.corrections.length > 0 && (
          <section class="stack" aria-labelledby="corrections-head">
            <h2 id="corrections-head">Corrections</h2>
            {record.corrections.toReversed().map((each) => (
              <CorrectionRecord key={each.id} of={each} me={me} name={name} path={path} now={context.now} />
            ))}
          </section>
        )}
        <section class="stack" aria-labelledby="steps-head">
          <h2 id="steps-head">What happened</h2>
          <ol class="rows">
            {record.steps.map((each, at) => (
              <li key={at}>
                <span class="rows-main">
                  <State of={each.state} />
                  {each.note ?? (each.owner ? `in hand: ${name(each.owner)}` : '')}
                </span>
                <span class="rows-amount">{signed(of.unit, BigInt(each.found) - BigInt(each.expected))}</span>
                <span class="rows-when">{dateTime(each.at)}</span>
              </li>
            ))}
          </ol>
        </section>
      </div>
    ),
  });
}

function Figures({ of, now, owner }: { of: Case; now: number; owner: string | null }) {
  return (
    <dl class="tiles recon-tiles">
      <div class="tile">
        <dt>Difference</dt>
        <dd>{signed(of.unit, BigInt(of.found) - BigInt(of.expected))}</dd>
      </div>
      <div class="tile">
        <dt>Should be</dt>
        <dd>{exact(of.unit, of.expected)}</dd>
      </div>
      <div class="tile">
        <dt>Is</dt>
        <dd>{exact(of.unit, of.found)}</dd>
      </div>
      <div class="tile">
        <dt>Found</dt>
        <dd>
          <When iso={of.openedAt} now={now} />
        </dd>
      </div>
      <div class="tile">
        <dt>In hand</dt>
        <dd>{owner ?? 'nobody'}</dd>
      </div>
    </dl>
  );
}

function Line(props: {
  line: BankLine;
  candidates: Candidate[];
  path: string;
  typed: (name: string) => string;
  name: (pseudonym: string) => string;
}) {
  const { line, candidates } = props;
  return (
    <section class="stack" aria-labelledby="line-head">
      <h2 id="line-head">The bank line</h2>
      <dl class="facts">
        <div>
          <dt>Amount</dt>
          <dd>{money(line.amount)}</dd>
        </div>
        <div>
          <dt>Booked</dt>
          <dd>{date(line.bookedOn)}</dd>
        </div>
        <div>
          <dt>From or to</dt>
          <dd>{line.counterparty ?? 'not said'}</dd>
        </div>
        <div>
          <dt>Text</dt>
          <dd>{line.texts.join(' · ') || 'none'}</dd>
        </div>
        <div>
          <dt>Reference</dt>
          <dd class="code-path">{line.reference}</dd>
        </div>
        {line.match && (
          <div>
            <dt>Is</dt>
            <dd>
              {line.match.payoutId ? `payout ${line.match.payoutId}` : line.match.ledgerKey}, said by{' '}
              {line.match.matchedBy ? props.name(line.match.matchedBy) : 'the comparison'}
            </dd>
          </div>
        )}
      </dl>
      {!line.match && (
        <form method="post" action={props.path} class="form panel">
          <h3>Say what it is</h3>
          {candidates.length === 0 ? (
            <p class="muted">
              No payout lacks exactly this amount, and no transfer at the bank has it. A payout that is of another
              amount is no match: correct the difference instead.
            </p>
          ) : (
            <>
              <input type="hidden" name="do" value="match" />
              <input type="hidden" name="lineId" value={line.id} />
              <fieldset class="form">
                <legend>Exactly this amount is missing of</legend>
                {candidates.map((each) => {
                  const value = each.payoutId ? `payout ${each.payoutId}` : `transfer ${each.transferId ?? ''}`;
                  return (
                    <label class="check" key={value}>
                      <input type="radio" name="counterpart" value={value} required />
                      <span>
                        {each.payoutId ?? each.what} <span class="muted">{dateTime(each.at)}</span>
                      </span>
                    </label>
                  );
                })}
              </fieldset>
              <Field label="How you know" id="match-note">
                <input name="note" required maxLength={500} autoComplete="off" value={props.typed('note')} />
              </Field>
              <p class="actions">
                <button class="button">Match</button>
              </p>
            </>
          )}
        </form>
      )}
    </section>
  );
}

function Acts(props: {
  record: CaseRecord;
  me: string;
  operators: Operator[];
  path: string;
  typed: (name: string) => string;
  errors: UserError[];
  step: string;
}) {
  const { record, me, path, typed } = props;
  const of = record.reconciliationCase;
  if (of.state === 'CORRECTED') return <p class="muted">Nothing: {of.note}</p>;
  if (of.state === 'EXPLAINED') {
    return <p class="muted">Explained: {of.note} It opens again by itself when its figures change.</p>;
  }
  const waits = record.corrections.some((each) => each.state === 'PROPOSED');
  const isMine = of.owner === me;
  const others = props.operators.filter((each) => each.pseudonym !== of.owner && each.pseudonym !== me);
  return (
    <div class="panels">
      <div class="panel stack">
        <h3>{isMine ? 'You have it in hand' : of.owner ? 'Somebody has it in hand' : 'Nobody has it in hand'}</h3>
        {!isMine && (
          <p class="actions recon-step">
            <StepButton
              action={path}
              step="take"
              label={of.owner ? 'Take it over' : 'Take it in hand'}
              about="this difference"
              tone=""
            />
          </p>
        )}
        {others.length > 0 && (
          <form method="post" action={path} class="inline-form">
            <input type="hidden" name="do" value="give" />
            <Field label="Give it to" id="give-to">
              <select name="to">
                {others.map((each) => (
                  <option key={each.pseudonym} value={each.pseudonym}>
                    {each.displayName ?? each.pseudonym.slice(0, 8)}
                  </option>
                ))}
              </select>
            </Field>
            <button class="button quiet">Give</button>
          </form>
        )}
      </div>
      {isMine && !waits && (
        <form method="post" action={path} class="form panel">
          <h3>It is right as it stands</h3>
          <input type="hidden" name="do" value="explain" />
          <Field label="Why" id="explain-note" hint="Name the reference there. No names of people.">
            <input name="note" required maxLength={500} autoComplete="off" value={typed('note')} />
          </Field>
          <p class="actions">
            <button class="button quiet">Explain</button>
          </p>
        </form>
      )}
      {isMine && !waits && record.neededCorrection && (
        <CorrectionForm needed={record.neededCorrection} unit={of.unit} path={path} typed={typed} />
      )}
    </div>
  );
}
