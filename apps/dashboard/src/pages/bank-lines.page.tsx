/** `/reconciliation/lines`: lines of bank statements, what each is, and wrong matches taken apart. */
import { bankLinesQuery } from '../api/reconciliation.documents.js';
import type { BankLine, Operator, Viewer } from '../api/reconciliation.shapes.js';
import { nodesOf, type Connection } from '../api/shapes.js';
import { money } from '../format/amount.js';
import { date } from '../format/moment.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { Field, UserErrors } from '../parts/form.js';
import { More } from '../parts/more.js';
import { Empty, Notice } from '../parts/notice.js';
import { State } from '../parts/state.js';
import { failurePage } from './problem.page.js';
import { operatorName } from './reconciliation.page.js';
import { stepDone, takeStep } from './reconciliation.steps.js';

const PATH = '/reconciliation/lines';
const PAGE = 20;
const SHOWN: Record<string, { matched?: boolean; label: string }> = {
  all: { label: 'All' },
  open: { matched: false, label: 'Not matched' },
  matched: { matched: true, label: 'Matched' },
};

interface Answer {
  viewer: Viewer | null;
  reconciliationSummary: { operators: Operator[] };
  bankLines: Connection<BankLine>;
}

export async function bankLinesPage(context: PageContext): Promise<Result> {
  if (!(await context.viewer)) return redirect(`/sign-in?return=${encodeURIComponent(PATH)}`);
  const errors = context.method === 'POST' ? await takeStep(context, '') : [];
  if (context.method === 'POST' && errors.length === 0) return redirect(`${PATH}?done=unmatch`);
  const query = context.url.searchParams;
  const show = query.get('show') ?? 'all';
  const matched = SHOWN[show]?.matched;
  const after = query.get('after');
  const question = { first: PAGE, ...(matched === undefined ? {} : { matched }), ...(after ? { after } : {}) };
  const answer = await context.ask<Answer>(bankLinesQuery, question);
  if (!answer.data) return failurePage(answer.problems);
  const { bankLines, reconciliationSummary } = answer.data;
  const lines = nodesOf(bankLines);
  const said = stepDone[query.get('done') ?? ''];
  return page({
    title: 'Bank lines',
    section: 'ledger',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/reconciliation">Reconciliation</a>
          </p>
          <h1>Bank lines</h1>
          <p class="lead">As the bank says them. A line that is not matched is a difference, with a case of its own.</p>
        </div>
        {said && errors.length === 0 && <Notice tone="good" title={said} live />}
        <UserErrors errors={errors} />
        <nav aria-label="Which lines" class="recon-tabs">
          {Object.entries(SHOWN).map(([name, { label }]) => (
            <a key={name} href={`${PATH}?show=${name}`} aria-current={name === show ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
        {lines.length === 0 ? (
          <Empty title="No line here">
            <a href="/reconciliation#import">Take a bank statement</a> to see its lines.
          </Empty>
        ) : (
          <ul class="rows">
            {lines.map((line) => (
              <Line key={line.id} line={line} operators={reconciliationSummary.operators} />
            ))}
          </ul>
        )}
        <More url={context.url} connection={bankLines} label="Older ones" />
      </div>
    ),
  });
}

function Line({ line, operators }: { line: BankLine; operators: Operator[] }) {
  const { match } = line;
  return (
    <li>
      <span class="rows-main">
        {line.counterparty ?? (line.texts.join(' · ') || line.reference)}
        <State of={match ? 'DONE' : 'WAITING'} label={match ? 'Matched' : 'Not matched'} />
      </span>
      <span class="rows-amount">{money(line.amount)}</span>
      <span class="rows-when">
        {date(line.bookedOn)} · {line.account} · <span class="code-path">{line.reference}</span>
        {line.counterparty && line.texts.length > 0 && ` · ${line.texts.join(' · ')}`}
        {match && (
          <>
            <br />
            {match.payoutId ? `Payout ${match.payoutId}` : `Transfer ${match.ledgerKey}`}, found by{' '}
            {match.matchedBy ? operatorName(operators, match.matchedBy) : 'the comparison'}
            {match.note && `: ${match.note}`}
          </>
        )}
      </span>
      {match && !match.ledgerKey.startsWith('correction:') && (
        <details class="rows-when alternative">
          <summary>Take apart</summary>
          <form method="post" action={PATH} class="inline-form">
            <input type="hidden" name="do" value="unmatch" />
            <input type="hidden" name="id" value={line.id} />
            <Field label="Why it is wrong" id={`unmatch-${line.id}`}>
              <input name="reason" required maxLength={500} autoComplete="off" />
            </Field>
            <button class="button quiet">Take apart</button>
          </form>
        </details>
      )}
    </li>
  );
}
