/** `/organise/disputes`: charges that their payers dispute, and what treasurers and operators tell the banks. */
import { disputeAccept, disputeAnswer, disputesQuery, disputeTake } from '../api/dispute.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import { nodesOf, type Connection, type UserError } from '../api/shapes.js';
import { money, type Money } from '../format/amount.js';
import { dateTime, relative } from '../format/moment.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { AskFirst } from '../parts/ask-first.js';
import { Field, UserErrors } from '../parts/form.js';
import { More } from '../parts/more.js';
import { railName } from '../parts/my-pledges.js';
import { Empty, Notice } from '../parts/notice.js';
import { State, words } from '../parts/state.js';
import { failurePage } from './problem.page.js';

interface Dispute {
  id: string;
  state: string;
  rail: string;
  reason: string;
  answerDue: boolean;
  respondBy: string | null;
  owner: string | null;
  openedAt: string;
  answeredAt: string | null;
  closedAt: string | null;
  amount: Money;
  fee: Money;
  reinstated: Money;
}
interface Answer {
  viewer: { contributor: { pseudonym: string } } | null;
  disputes: Connection<Dispute>;
}

const PATH = '/organise/disputes';
const PAGE = 20;
const DONE: Record<string, string> = {
  take: 'You have it in hand. The bank still waits for an answer.',
  answer: 'The bank has your answer. It decides within some weeks.',
  accept: 'The money is left to its payer.',
};

export async function disputesPage(context: PageContext): Promise<Result> {
  if (!(await context.viewer)) return redirect(`/sign-in?return=${encodeURIComponent(PATH)}`);
  const step = context.form.get('do') ?? '';
  const errors = context.method === 'POST' ? await act(context) : [];
  if (context.method === 'POST' && errors.length === 0) return redirect(`${PATH}?done=${encodeURIComponent(step)}`);
  const all = context.url.searchParams.get('show') === 'all';
  const after = context.url.searchParams.get('after');
  const answer = await context.ask<Answer>(disputesQuery, { first: PAGE, openOnly: !all, ...(after ? { after } : {}) });
  if (!answer.data) return failurePage(answer.problems);
  const { disputes, viewer } = answer.data;
  const list = nodesOf(disputes);
  const said = DONE[context.url.searchParams.get('done') ?? ''];
  return page({
    title: 'Disputes',
    section: 'account',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div class="account-head">
          <div>
            <h1>Disputes</h1>
            <p class="lead">
              Charges that their payers dispute. The bank holds the money, and decides on what you tell it.
            </p>
          </div>
          <p class="actions">
            <a class="button small quiet" href={all ? PATH : `${PATH}?show=all`}>
              {all ? 'Show what is open' : 'Show the ended ones too'}
            </a>
          </p>
        </div>
        <UserErrors errors={errors} fields={['answer']} />
        {said && errors.length === 0 && <Notice tone="good" title={said} live />}
        {list.length === 0 ? (
          <Empty title={all ? 'No charge was ever disputed' : 'No dispute is open'}>
            When somebody disputes a charge with his bank, it appears here for the treasurers of its project and for
            operators.
          </Empty>
        ) : (
          <div class="stack">
            {list.map((each) => (
              <Case
                key={each.id}
                of={each}
                mine={each.owner !== null && each.owner === viewer?.contributor.pseudonym}
                now={context.now}
                errors={context.form.get('id') === each.id ? errors : []}
                typed={context.form.get('id') === each.id ? (context.form.get('answer') ?? '') : ''}
              />
            ))}
          </div>
        )}
        <More url={context.url} connection={disputes} label="Newer ones" />
      </div>
    ),
  });
}

function Case(props: { of: Dispute; mine: boolean; now: number; errors: UserError[]; typed: string }) {
  const { of, mine, now } = props;
  const about = `${money(of.amount)}, ${words(of.reason).toLowerCase()}`;
  return (
    <article class="panel stack" aria-label={`Dispute of ${about}`}>
      <div class="account-head">
        <h2>{money(of.amount)}</h2>
        <State of={of.state} />
      </div>
      <p class="muted">
        {words(of.reason)} · paid by {railName(of.rail)} ·{' '}
        <time dateTime={of.openedAt} title={dateTime(of.openedAt)}>
          opened {relative(of.openedAt, now)}
        </time>
        {of.fee.amountMinor !== '0' && ` · fee ${money(of.fee)}`}
        {of.reinstated.amountMinor !== '0' && ` · ${money(of.reinstated)} came back`}
      </p>
      <p>{standing(of, mine, now)}</p>
      {of.closedAt === null && !mine && (
        <form method="post" action={PATH}>
          <input type="hidden" name="do" value="take" />
          <input type="hidden" name="id" value={of.id} />
          <button class="button quiet">{of.owner ? 'Take it over' : 'Take it in hand'}</button>
        </form>
      )}
      {of.answerDue && mine && <AnswerForm {...props} about={about} />}
    </article>
  );
}

function standing(of: Dispute, mine: boolean, now: number): string {
  if (of.closedAt !== null) return `Ended ${dateTime(of.closedAt)}.`;
  const who = of.owner === null ? 'Nobody has it in hand.' : mine ? 'You have it in hand.' : 'Somebody has it in hand.';
  if (of.answeredAt) return `${who} The bank was answered ${relative(of.answeredAt, now)} and decides.`;
  if (!of.answerDue) return `${who} The bank waits for no answer.`;
  return `${who} The bank takes an answer${of.respondBy ? ` until ${dateTime(of.respondBy)}, ${relative(of.respondBy, now)}` : ''}.`;
}

function AnswerForm({ of, errors, typed, about }: { of: Dispute; errors: UserError[]; typed: string; about: string }) {
  return (
    <>
      <form method="post" action={PATH} class="form">
        <input type="hidden" name="do" value="answer" />
        <input type="hidden" name="id" value={of.id} />
        <Field
          label="Why the charge is right"
          id={`answer-${of.id}`}
          hint="What was promised, which terms were agreed to and when, what was told and delivered. It goes to the bank, once, and is not kept here."
          errors={errors}
        >
          <textarea name="answer" rows={6} required maxLength={20000}>
            {typed}
          </textarea>
        </Field>
        <p class="actions">
          <button class="button">Send it to the bank</button>
        </p>
      </form>
      <AskFirst
        action={PATH}
        step="accept"
        id={of.id}
        label="Leave the money to its payer"
        about={about}
        confirm={`Give up ${money(of.amount)}`}
      >
        The dispute is lost at once, and its fee with it. That can not be taken back.
      </AskFirst>
    </>
  );
}

async function act(context: PageContext): Promise<UserError[]> {
  const { form } = context;
  const disputeId = form.get('id') ?? '';
  switch (form.get('do') ?? '') {
    case 'take':
      return (await mutate(context, disputeTake, { disputeId })).errors;
    case 'answer':
      return (await mutate(context, disputeAnswer, { disputeId, answer: form.get('answer') ?? '' })).errors;
    case 'accept':
      return (await mutate(context, disputeAccept, { disputeId })).errors;
    default:
      return [refusal('This form is not known here.', undefined, 'Reload the page and try again.')];
  }
}
