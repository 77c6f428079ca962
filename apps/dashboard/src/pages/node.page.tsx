/** `/nodes/:id`: one machine: what it lends, when, what it has shown, and what its donor and operators may do. */
import { nodeDrain } from '../api/documents.js';
import { mutate, refusal } from '../api/mutate.js';
import { nodeAppeal, nodeAppealDecide, nodeHoursSet, nodeQuery } from '../api/node.documents.js';
import type { Person, UserError } from '../api/shapes.js';
import { date, dateTime, relative } from '../format/moment.js';
import { operationRate } from '../format/rate.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { Field, UserErrors } from '../parts/form.js';
import { Empty, Notice } from '../parts/notice.js';
import { State, words } from '../parts/state.js';
import { whyNothing } from './problem.page.js';

interface Challenge {
  device: number;
  cause: string;
  state: string;
  fault: string | null;
  detail: string | null;
  operations: string;
  operationsPerSecond: string | null;
  issuedAt: string;
  endedAt: string | null;
}
interface Appeal {
  statement: string | null;
  filedAt: string;
  decision: string | null;
  reason: string | null;
  decidedAt: string | null;
}
interface Machine {
  id: string;
  name: string;
  state: string;
  stateCause: string;
  class: string;
  count: number;
  region: string | null;
  verifiedAt: string | null;
  joinedAt: string;
  lastSeenAt: string;
  agentVersion: string;
  owner: Person;
  inventory: { devices: { model: string; memoryMiB: number }[]; driverVersion: string | null };
  hours: { rrule: string; durationMinutes: number }[];
  appeal: Appeal | null;
  challenges: Challenge[];
}
interface Answer {
  viewer: { platformRoles: string[]; contributor: { pseudonym: string } } | null;
  node: Machine | null;
}

const DONE: Record<string, string> = {
  drain: 'The machine finishes its step, keeps a checkpoint and takes no new work.',
  hours: 'The hours are set. Work that runs is not cut off by them.',
  appeal: 'Your appeal is filed. An operator decides it.',
  lift: 'The machine is challenged anew, and gives again once it has passed.',
  uphold: 'The machine stays in quarantine.',
};
const MIB_A_GIB = 1024;
const FIELDS = ['windows', 'statement', 'reason'];

export async function nodePage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const id = params.id ?? '';
  const path = `/nodes/${encodeURIComponent(id)}`;
  const step = context.form.get('do') ?? '';
  const errors = context.method === 'POST' ? await act(context, id) : [];
  if (context.method === 'POST' && errors.length === 0) return redirect(`${path}?done=${encodeURIComponent(step)}`);
  const answer = await context.ask<Answer>(nodeQuery, { id });
  const of = answer.data?.node;
  if (!answer.data || !of?.id) return whyNothing(answer, 'machine');
  const { viewer } = answer.data;
  const isMine = viewer?.contributor.pseudonym === of.owner.pseudonym;
  const isOperator = viewer?.platformRoles.includes('operator') ?? false;
  const said = DONE[context.url.searchParams.get('done') ?? ''];
  return page({
    title: of.name,
    section: 'runs',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/nodes">Machines</a>
          </p>
          <h1>{of.name}</h1>
          <p class="actions">
            <State of={of.state} />
            <span class="muted">{of.stateCause}</span>
          </p>
        </div>
        {said && errors.length === 0 && <Notice tone="good" title={said} live />}
        <UserErrors errors={errors} fields={FIELDS} />
        <Facts of={of} now={context.now} />
        <Standing of={of} isMine={isMine} isOperator={isOperator} path={path} errors={errors} context={context} />
        <Challenges list={of.challenges} now={context.now} />
        {isMine && <Mine of={of} path={path} errors={errors} context={context} />}
      </div>
    ),
  });
}

function Facts({ of, now }: { of: Machine; now: number }) {
  const passed = of.challenges.find((each) => each.state === 'passed' && each.operationsPerSecond);
  const [device] = of.inventory.devices;
  return (
    <dl class="tiles">
      <div class="tile">
        <dt>Lends</dt>
        <dd>
          {of.count} × {of.class}
          {device && (
            <small>
              {device.model}
              {device.memoryMiB > 0 && `, ${Math.round(device.memoryMiB / MIB_A_GIB)} GiB`}
            </small>
          )}
        </dd>
      </div>
      <div class="tile">
        <dt>Has shown</dt>
        <dd>
          {passed?.operationsPerSecond ? operationRate(passed.operationsPerSecond) : 'nothing yet'}
          <small>
            {of.verifiedAt ? `verified ${relative(of.verifiedAt, now)}` : 'to be shown (again) before it is given work'}
          </small>
        </dd>
      </div>
      <div class="tile">
        <dt>Lent by</dt>
        <dd>
          {of.owner.displayName}
          <small>
            since {date(of.joinedAt)}
            {of.region && `, ${of.region}`}
          </small>
        </dd>
      </div>
      <div class="tile">
        <dt>Heard</dt>
        <dd>
          {relative(of.lastSeenAt, now)}
          <small>agent {of.agentVersion}</small>
        </dd>
      </div>
    </dl>
  );
}

interface Acting {
  of: Machine;
  path: string;
  errors: UserError[];
  context: PageContext;
}

/** Quarantine, and the way out of it. */
function Standing({
  of,
  isMine,
  isOperator,
  path,
  errors,
  context,
}: Acting & { isMine: boolean; isOperator: boolean }) {
  const { appeal } = of;
  if (of.state !== 'quarantined' && !appeal) return null;
  const open = appeal !== null && appeal.decidedAt === null;
  return (
    <section class="stack" aria-labelledby="quarantine-head">
      <h2 id="quarantine-head">Quarantine</h2>
      {of.state === 'quarantined' && (
        <p>It is given no work. {isMine ? 'You' : 'Its donor'} may say why it should be, and an operator decides.</p>
      )}
      {appeal && (
        <div class="panel stack">
          {appeal.statement && <blockquote>{appeal.statement}</blockquote>}
          <p class="muted">
            {appeal.statement ? 'Appealed' : 'Its donor appealed'} {date(appeal.filedAt)}
            {appeal.decidedAt &&
              `; ${appeal.decision === 'lifted' ? 'lifted' : 'upheld'} ${date(appeal.decidedAt)}: ${appeal.reason}`}
            {open && '; an operator has yet to decide.'}
          </p>
        </div>
      )}
      {of.state === 'quarantined' && !open && isMine && (
        <form method="post" action={path} class="form">
          <input type="hidden" name="do" value="appeal" />
          <Field label="What happened" hint="Shown to operators only." errors={errors}>
            <textarea name="statement" rows={4} required minLength={10} maxLength={2000}>
              {context.form.get('statement') ?? ''}
            </textarea>
          </Field>
          <p class="actions">
            <button class="button">Appeal</button>
          </p>
        </form>
      )}
      {open && isOperator && !isMine && (
        <form method="post" action={path} class="form">
          <Field label="Reason" hint="It is public." errors={errors}>
            <textarea name="reason" rows={3} required minLength={10} maxLength={2000}>
              {context.form.get('reason') ?? ''}
            </textarea>
          </Field>
          <p class="actions">
            <button class="button" name="do" value="lift">
              Lift, and challenge anew
            </button>
            <button class="button quiet" name="do" value="uphold">
              Keep in quarantine
            </button>
          </p>
        </form>
      )}
    </section>
  );
}

const causes: Record<string, string> = {
  join: 'when it joined',
  repeat: 'unannounced',
  appeal: 'after an appeal',
};
const faults: Record<string, string> = {
  late: 'Too slow for its class',
  silent: 'Not answered',
  shape: 'Another answer than was asked for',
  commitment: 'Not what it had committed to',
  rows: 'Rows that do not fit what it stated',
  chain: 'The work was not done',
};

function Challenges({ list, now }: { list: Challenge[]; now: number }) {
  return (
    <section class="stack" aria-labelledby="challenges-head">
      <h2 id="challenges-head">Challenges</h2>
      <p class="muted">
        A chain of exact matrix products that a device works out against our clock. It commits to the result before it
        learns what will be looked at, so that nobody passes without the work.
      </p>
      {list.length === 0 ? (
        <Empty title="Never challenged">This platform believed it what it said it is.</Empty>
      ) : (
        <ul class="rows">
          {list.map((each, at) => (
            <li key={at}>
              <span class="rows-main">
                <State of={each.state} /> device {each.device}, {causes[each.cause] ?? words(each.cause)}
                {each.fault && `: ${(faults[each.fault] ?? words(each.fault)).toLowerCase()}`}
              </span>
              <span class="rows-amount">
                {each.operationsPerSecond ? operationRate(each.operationsPerSecond) : '–'}
              </span>
              <span class="rows-when">
                <time dateTime={each.issuedAt} title={dateTime(each.issuedAt)}>
                  {relative(each.issuedAt, now)}
                </time>
                {each.detail && ` · ${each.detail}`}
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

/** What its donor may do: hours, and leaving. */
function Mine({ of, path, errors, context }: Acting) {
  const lines = of.hours.map((each) => `${each.rrule} ${each.durationMinutes}`).join('\n');
  return (
    <section class="stack" aria-labelledby="mine-head">
      <h2 id="mine-head">Hours</h2>
      <form method="post" action={path} class="form">
        <input type="hidden" name="do" value="hours" />
        <Field
          label="When it takes new work"
          hint={
            <>
              One window a line: a recurrence of RFC 5545 in UTC and its minutes, for example{' '}
              <code>FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=8 600</code>. Empty means always.
            </>
          }
          errors={errors}
        >
          <textarea name="windows" rows={3} spellcheck={false}>
            {context.form.get('windows') ?? lines}
          </textarea>
        </Field>
        <p class="actions">
          <button class="button">Set the hours</button>
        </p>
      </form>
      {(of.state === 'idle' || of.state === 'leased') && (
        <form method="post" action={path}>
          <input type="hidden" name="do" value="drain" />
          <button class="button quiet">Let it finish and leave</button>
        </form>
      )}
    </section>
  );
}

async function act(context: PageContext, nodeId: string): Promise<UserError[]> {
  const { form } = context;
  const text = (name: string): string => form.get(name)?.trim() ?? '';
  switch (text('do')) {
    case 'drain':
      return (await mutate(context, nodeDrain, { nodeId })).errors;
    case 'appeal':
      return (await mutate(context, nodeAppeal, { nodeId, statement: text('statement') })).errors;
    case 'lift':
    case 'uphold': {
      const lift = text('do') === 'lift';
      return (await mutate(context, nodeAppealDecide, { nodeId, lift, reason: text('reason') })).errors;
    }
    case 'hours': {
      const windows = readWindows(text('windows'));
      return 'code' in windows ? [windows] : (await mutate(context, nodeHoursSet, { nodeId, windows })).errors;
    }
    default:
      return [refusal('This form is not known here.', undefined, 'Reload the page and try again.')];
  }
}

type Windows = { rrule: string; durationMinutes: number }[];

function readWindows(text: string): Windows | UserError {
  const windows: Windows = [];
  for (const line of text.split('\n').map((each) => each.trim())) {
    if (line === '') continue;
    const match = /^(\S+)\s+(\d{1,5})$/.exec(line);
    if (!match)
      return refusal(
        `“${line.slice(0, 60)}” is not a window.`,
        'windows',
        'Write a recurrence, a space and its minutes, for example FREQ=DAILY;BYHOUR=22 480.',
      );
    windows.push({ rrule: match[1] ?? '', durationMinutes: Number(match[2]) });
  }
  return windows;
}
