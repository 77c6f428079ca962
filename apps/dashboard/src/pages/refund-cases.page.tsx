/** `/organise/refunds`: refunds that did not reach their owners, and what treasurers and operators do about them. */
import { mutate, refusal } from '../api/mutate.js';
import { refundCaseResolve, refundCasesQuery, refundCaseTake } from '../api/refund-case.documents.js';
import { nodesOf, type Connection, type UserError } from '../api/shapes.js';
import { money, type Money } from '../format/amount.js';
import { dateTime, relative } from '../format/moment.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { Field, UserErrors } from '../parts/form.js';
import { More } from '../parts/more.js';
import { Empty, Notice } from '../parts/notice.js';
import { State, words } from '../parts/state.js';
import { failurePage } from './problem.page.js';

interface RefundCase {
  id: string;
  state: string;
  amount: Money;
  failureCode: string;
  owner: string | null;
  resolution: string | null;
  note: string | null;
  openedAt: string;
  takenAt: string | null;
  resolvedAt: string | null;
}
interface Answer {
  viewer: { contributor: { pseudonym: string } } | null;
  refundCases: Connection<RefundCase>;
}

const PATH = '/organise/refunds';
const PAGE = 20;
const WAYS: [resolution: string, label: string][] = [
  ['RETRIED', 'Refund it once more'],
  ['PAID_OTHERWISE', 'It was paid by bank'],
  ['WRITTEN_OFF', 'It can not be paid'],
];

export async function refundCasesPage(context: PageContext): Promise<Result> {
  if (!(await context.viewer)) return redirect(`/sign-in?return=${encodeURIComponent(PATH)}`);
  const errors = context.method === 'POST' ? await act(context) : [];
  if (context.method === 'POST' && errors.length === 0) return redirect(`${PATH}?done=${context.form.get('do') ?? ''}`);
  const all = context.url.searchParams.get('show') === 'all';
  const after = context.url.searchParams.get('after');
  const question = { first: PAGE, unresolvedOnly: !all, ...(after ? { after } : {}) };
  const answer = await context.ask<Answer>(refundCasesQuery, question);
  if (!answer.data) return failurePage(answer.problems);
  const { refundCases, viewer } = answer.data;
  const cases = nodesOf(refundCases);
  const done = { take: 'You have it in hand.', resolve: 'It is over.' }[context.url.searchParams.get('done') ?? ''];
  return page({
    title: 'Failed refunds',
    section: 'account',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div class="account-head">
          <div>
            <h1>Failed refunds</h1>
            <p class="lead">
              Money that is owed to somebody and did not reach him. It stays set aside until you decide.
            </p>
          </div>
          <p class="actions">
            <a class="button small quiet" href={all ? PATH : `${PATH}?show=all`}>
              {all ? 'Show what is open' : 'Show the resolved ones too'}
            </a>
          </p>
        </div>
        <UserErrors errors={errors} />
        {done && <Notice tone="good" title={done} live />}
        {cases.length === 0 ? (
          <Empty title="No refund has failed">
            When a bank sends a refund back, it appears here for the treasurers of its project and for operators.
          </Empty>
        ) : (
          cases.map((each) => (
            <Case key={each.id} of={each} mine={each.owner === viewer?.contributor.pseudonym} now={context.now} />
          ))
        )}
        <More url={context.url} connection={refundCases} label="Newer ones" />
      </div>
    ),
  });
}

function Case({ of, mine, now }: { of: RefundCase; mine: boolean; now: number }) {
  return (
    <article class="panel stack" aria-label={`Refund of ${money(of.amount)}`}>
      <h2>{money(of.amount)}</h2>
      <p class="actions">
        <State of={of.state} />
        <span>{words(of.failureCode)}</span>
        <time class="muted" dateTime={of.openedAt} title={dateTime(of.openedAt)}>
          failed {relative(of.openedAt, now)}
        </time>
      </p>
      {of.resolution && (
        <p>
          {words(of.resolution)}: {of.note}
        </p>
      )}
      {of.state !== 'RESOLVED' && !mine && (
        <form method="post" action={PATH}>
          <input type="hidden" name="do" value="take" />
          <input type="hidden" name="id" value={of.id} />
          <button class="button quiet">{of.owner ? 'Take it over' : 'Take it in hand'}</button>
        </form>
      )}
      {of.state !== 'RESOLVED' && mine && <EndForm id={of.id} />}
    </article>
  );
}

function EndForm({ id }: { id: string }) {
  return (
    <form method="post" action={PATH} class="form">
      <input type="hidden" name="do" value="resolve" />
      <input type="hidden" name="id" value={id} />
      <Field label="How it ends" id={`way-${id}`}>
        <select name="resolution">
          {WAYS.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </Field>
      <Field label="Why" id={`why-${id}`} hint="Where the other payment is to be found, or the reason. Name no person.">
        <input name="note" required maxLength={500} />
      </Field>
      <p class="actions">
        <button class="button">End it</button>
      </p>
    </form>
  );
}

async function act(context: PageContext): Promise<UserError[]> {
  const { form } = context;
  const refundCaseId = form.get('id') ?? '';
  switch (form.get('do') ?? '') {
    case 'take':
      return (await mutate(context, refundCaseTake, { refundCaseId })).errors;
    case 'resolve': {
      const input = { refundCaseId, resolution: form.get('resolution') ?? '', note: form.get('note') ?? '' };
      return (await mutate(context, refundCaseResolve, input)).errors;
    }
    default:
      return [refusal('This form is not known here.', undefined, 'Reload the page and try again.')];
  }
}
