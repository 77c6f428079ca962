/** `/reconciliation`: whether all sides agree, for everybody; the sides, the cases and bank statements for operators. */
import { reconciliationQuery, reconciliationStatusQuery } from '../api/reconciliation.documents.js';
import type { Case, Figures, GpuFigures, Operator, Status, Viewer } from '../api/reconciliation.shapes.js';
import { nodesOf, type Connection, type UserError } from '../api/shapes.js';
import { kinds, signed, subjectOf } from '../format/difference.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { More } from '../parts/more.js';
import { Empty, Notice } from '../parts/notice.js';
import { GpuSides, Sides, StatusLine } from '../parts/reconciliation-sides.js';
import { State } from '../parts/state.js';
import { StatementForm } from '../parts/statement-form.js';
import { When } from '../parts/who-when.js';
import { failurePage } from './problem.page.js';
import { importStatement } from './reconciliation.steps.js';

const PATH = '/reconciliation';
const PAGE = 20;

interface Answer {
  viewer: Viewer | null;
  reconciliationSummary: { figures: Figures[]; gpuFigures: GpuFigures[]; operators: Operator[] };
  reconciliationCases: Connection<Case>;
}

/** Which cases a list shows, by the word in its address. */
const SHOWN: Record<string, { states: string[]; label: string; none: string }> = {
  open: {
    states: ['OPEN', 'ASSIGNED', 'REOPENED'],
    label: 'Open',
    none: 'There is no difference on which somebody has to act.',
  },
  explained: { states: ['EXPLAINED'], label: 'Explained', none: 'No difference was explained and still stands.' },
  corrected: { states: ['CORRECTED'], label: 'Corrected', none: 'No difference has been corrected yet.' },
};

export async function reconciliationPage(context: PageContext): Promise<Result> {
  const viewer = await context.viewer;
  const operates = viewer?.platformRoles.includes('operator') === true;
  if (context.method === 'POST' && !viewer) return redirect(`/sign-in?return=${encodeURIComponent(PATH)}`);
  const taken = context.method === 'POST' ? await importStatement(context) : { errors: [] };
  if (taken.done !== undefined) return redirect(`${PATH}?taken=${encodeURIComponent(taken.done)}`);
  const query = context.url.searchParams;
  const show = query.get('show') ?? 'open';
  const shown = SHOWN[show] ?? SHOWN.open;
  const after = query.get('after');
  const status = await context.ask<{ reconciliationStatus: Status }>(reconciliationStatusQuery);
  if (!status.data || !shown) return failurePage(status.problems);
  const answer = operates
    ? await context.ask<Answer>(reconciliationQuery, { first: PAGE, states: shown.states, ...(after ? { after } : {}) })
    : null;
  return page({
    title: 'Reconciliation',
    section: 'ledger',
    status: taken.errors.length > 0 ? 422 : 200,
    problems: [...status.problems, ...(answer?.problems ?? [])],
    islands: operates ? ['statement-file'] : [],
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/ledger">Ledger</a>
          </p>
          <h1>Reconciliation</h1>
          <p class="lead">
            Books, payment processor, bank and meters are compared every minute. A difference of one cent or one
            millisecond stays here until it is gone.
          </p>
        </div>
        {query.get('taken') && <Notice tone="good" title={query.get('taken') ?? ''} live />}
        <StatusLine status={status.data.reconciliationStatus} now={context.now} />
        {answer?.data ? (
          <Full
            answer={answer.data}
            show={show}
            none={shown.none}
            url={context.url}
            now={context.now}
            errors={taken.errors}
            typed={(name) => context.form.get(name) ?? ''}
          />
        ) : (
          <Compared />
        )}
      </div>
    ),
  });
}

const PAIRS: [what: string, how: string][] = [
  [
    'Ledger and processor',
    'Every payment, refund, dispute, transfer and payout, each with its fee apart, against the processor’s own list.',
  ],
  ['Ledger and bank', 'Every payout against the statements of the bank. A bank line is matched with one thing, once.'],
  ['Cash of donors', 'What each donor has sent and not yet given, donor by donor, against what the processor holds.'],
  ['GPU time', 'Every ended lease, to the millisecond: books, meter, usage record and heartbeats.'],
];

/** What is compared, for those who see no figures. */
function Compared() {
  return (
    <section class="stack" aria-labelledby="compared-head">
      <h2 id="compared-head">What is compared</h2>
      <dl class="facts recon-compared">
        {PAIRS.map(([what, how]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>{how}</dd>
          </div>
        ))}
      </dl>
      <p class="muted">
        A difference is put right by two persons: one proposes the correcting transfer, another posts it, and both stand
        in the public log. Operators see the sides and every case here; the books themselves are open to{' '}
        <a href="/ledger">everybody</a>.
      </p>
    </section>
  );
}

function Full(props: {
  answer: Answer;
  show: string;
  none: string;
  url: URL;
  now: number;
  errors: UserError[];
  typed: (name: string) => string;
}) {
  const { answer, show } = props;
  const { figures, gpuFigures, operators } = answer.reconciliationSummary;
  const cases = nodesOf(answer.reconciliationCases);
  const me = answer.viewer?.contributor.pseudonym;
  return (
    <>
      <section class="stack" aria-labelledby="sides-head">
        <h2 id="sides-head">What each side says</h2>
        {figures.length === 0 ? (
          <Empty title="No money has moved yet">The first payment shows here with its second side.</Empty>
        ) : (
          figures.map((each) => <Sides key={each.bookedAtProcessor.currency} figures={each} />)
        )}
        {gpuFigures.length > 0 && <GpuSides figures={gpuFigures} />}
      </section>
      <section class="stack" aria-labelledby="cases-head">
        <div class="account-head">
          <h2 id="cases-head">Differences</h2>
          <p class="actions">
            <a class="button small quiet" href="/reconciliation/exports/cases.csv" download>
              Cases as CSV
            </a>
            <a class="button small quiet" href="/reconciliation/exports/matches.csv" download>
              Matches as CSV
            </a>
          </p>
        </div>
        <nav aria-label="Which differences" class="recon-tabs">
          {Object.entries(SHOWN).map(([name, { label }]) => (
            <a key={name} href={`${PATH}?show=${name}`} aria-current={name === show ? 'page' : undefined}>
              {label}
            </a>
          ))}
          <a href={`${PATH}/lines`}>Bank lines</a>
        </nav>
        {cases.length === 0 ? (
          <Empty title={show === 'open' ? 'Nothing is open' : 'None'}>{props.none}</Empty>
        ) : (
          <ul class="rows recon-cases">
            {cases.map((each) => (
              <CaseRow key={each.id} of={each} me={me} operators={operators} now={props.now} />
            ))}
          </ul>
        )}
        <More url={props.url} connection={answer.reconciliationCases} label="Newer ones" />
      </section>
      <section class="stack" aria-labelledby="import-head">
        <h2 id="import-head">Take a bank statement</h2>
        <StatementForm action={`${PATH}#import`} errors={props.errors} typed={props.typed} />
      </section>
    </>
  );
}

function CaseRow({ of, me, operators, now }: { of: Case; me: string | undefined; operators: Operator[]; now: number }) {
  return (
    <li>
      <span class="rows-main">
        <a href={`${PATH}/cases/${encodeURIComponent(of.id)}`}>{kinds[of.kind] ?? of.kind}</a>
        <State of={of.state} />
      </span>
      <span class="rows-amount">{signed(of.unit, BigInt(of.found) - BigInt(of.expected))}</span>
      <span class="rows-when">
        {subjectOf(of.subject)} · found <When iso={of.openedAt} now={now} /> ·{' '}
        {of.owner === null
          ? 'in nobody’s hand'
          : `in hand: ${of.owner === me ? 'you' : operatorName(operators, of.owner)}`}
      </span>
    </li>
  );
}

/** The name of an operator; somebody who is one no longer is known by the head of the pseudonym. */
export const operatorName = (operators: readonly Operator[], pseudonym: string): string =>
  operators.find((each) => each.pseudonym === pseudonym)?.displayName ?? pseudonym.slice(0, 8);
