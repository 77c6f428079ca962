/** `/account`: who I am, my machines and tokens. Plain forms; secrets are in the answer to the form and nowhere else. */
import {
  accountNodesQuery,
  accountQuery,
  apiTokenCreate,
  apiTokenRevoke,
  joinTokenCreate,
  nodeDrain,
} from '../api/documents.js';
import { contributorErase, profileUpdate } from '../api/giving.documents.js';
import { nodesOf, type Connection, type Person, type UserError } from '../api/shapes.js';
import { mutate, refusal } from '../api/mutate.js';
import { date, relative } from '../format/moment.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { AccountTabs } from '../parts/account-tabs.js';
import { Field, Secret, UserErrors } from '../parts/form.js';
import { Empty, Notice } from '../parts/notice.js';
import { State, words } from '../parts/state.js';
import { failurePage } from './problem.page.js';

interface Me {
  email: string | null;
  scopes: string[];
  platformRoles: string[];
  contributor: Person & { id: string };
  apiTokens: {
    id: string;
    name: string;
    scopes: string[];
    lastUsedAt: string | null;
    expiresAt: string | null;
    revokedAt: string | null;
  }[];
}
interface MyNode {
  id: string;
  name: string;
  state: string;
  class: string;
  count: number;
  lastSeenAt: string | null;
  owner: Person;
}
interface Done {
  isErased?: boolean;
  secret?: { title: string; text: string; note: string };
  message?: string;
  errors: UserError[];
}

const scopes = [
  ['pledge:write', 'Make and take back pledges'],
  ['node:write', 'Join and drain machines'],
  ['project:write', 'Make projects and set their members'],
  ['campaign:write', 'Write campaigns and start their training'],
  ['campaign:review', 'Approve or reject campaigns'],
  ['run:write', 'Create and cancel runs'],
  ['report:publish', 'Publish reports'],
  ['profile:write', 'Change your profile and tokens'],
] as const;

export async function accountPage(context: PageContext): Promise<Result> {
  const done = context.method === 'POST' ? await act(context) : null;
  if (done?.isErased) return redirect('/');
  const answer = await context.ask<{ viewer: Me | null }>(accountQuery);
  if (!answer.data) return failurePage(answer.problems);
  const me = answer.data.viewer;
  if (!me) return redirect('/sign-in?return=/account');
  const machines = await context.ask<{ nodes: Connection<MyNode> }>(accountNodesQuery);
  const mine = nodesOf(machines.data?.nodes).filter((node) => node.owner.pseudonym === me.contributor.pseudonym);
  return page({
    title: 'Account',
    section: 'account',
    status: done && done.errors.length > 0 ? 422 : 200,
    problems: [...answer.problems, ...machines.problems],
    body: (
      <div class="wrap">
        <div class="account-head">
          <div>
            <h1>{me.contributor.displayName}</h1>
            <p class="lead">
              {me.email ? `${me.email} · ` : ''}known in public records as{' '}
              <code class="hash">{me.contributor.pseudonym}</code>
              {me.platformRoles.length > 0 &&
                ` · ${me.platformRoles.map((role) => words(role).toLowerCase()).join(', ')}`}
            </p>
          </div>
          <div class="actions">
            <a class="button small quiet" href="/organise">
              Organise
            </a>
            {me.platformRoles.includes('operator') && (
              <>
                <a class="button small quiet" href="/review">
                  Review
                </a>
                <a class="button small quiet" href="/reconciliation">
                  Reconciliation
                </a>
                <a class="button small quiet" href="/organise/refunds">
                  Failed refunds
                </a>
                <a class="button small quiet" href="/organise/disputes">
                  Disputes
                </a>
                <a class="button small quiet" href="/organise/rates">
                  Rates
                </a>
              </>
            )}
            <form method="post" action="/sign-out">
              <button class="button quiet small">Sign out</button>
            </form>
          </div>
        </div>
        {done && <Outcome done={done} />}
        <AccountTabs at="account" />
        <section class="stack" aria-labelledby="my-name">
          <h2 id="my-name">Name</h2>
          <p class="muted">
            Shown beside your pledges and machines. Receipts that were issued keep the name of their day.
          </p>
          <form method="post" action="/account" class="inline-form">
            <input type="hidden" name="do" value="profile" />
            <Field label="What you are called" errors={done?.errors ?? []}>
              <input
                name="displayName"
                required
                maxLength={80}
                autoComplete="name"
                value={context.form.get('displayName') ?? me.contributor.displayName}
              />
            </Field>
            <button class="button quiet">Save</button>
          </form>
        </section>
        <section class="stack" aria-labelledby="my-nodes">
          <h2 id="my-nodes">My machines</h2>
          {mine.length === 0 ? (
            <Empty title="No machine yet">
              Make a join token below and run the command on a machine that you lend.
            </Empty>
          ) : (
            <ul class="rows">
              {mine.map((node) => (
                <li key={node.id}>
                  <span class="rows-main">
                    <a href={`/nodes/${encodeURIComponent(node.id)}`}>{node.name}</a> <State of={node.state} />
                  </span>
                  <form method="post" action="/account" class="rows-amount">
                    <input type="hidden" name="do" value="drain" />
                    <input type="hidden" name="id" value={node.id} />
                    <button class="button quiet small">Drain</button>
                  </form>
                  <span class="rows-when">
                    {node.count} × {node.class}
                    {node.lastSeenAt && ` · heard ${relative(node.lastSeenAt, context.now)}`}
                  </span>
                </li>
              ))}
            </ul>
          )}
          <form method="post" action="/account" class="inline-form">
            <input type="hidden" name="do" value="join" />
            <Field label="Name of the machine">
              <input name="name" required maxLength={60} placeholder="alder" />
            </Field>
            <button class="button compute">Make a join token</button>
          </form>
        </section>
        <section class="stack" aria-labelledby="my-tokens">
          <h2 id="my-tokens">API tokens</h2>
          <p class="muted">For programs that act for you. A token is kept hashed: it is shown once, when it is made.</p>
          <Tokens tokens={me.apiTokens.filter((token) => !token.revokedAt)} now={context.now} />
          <form method="post" action="/account" class="form panel">
            <input type="hidden" name="do" value="token" />
            <Field label="What is it for?">
              <input name="name" id="token-name" required maxLength={80} placeholder="laptop" />
            </Field>
            <fieldset class="form">
              <legend>It may</legend>
              {scopes.map(([scope, label]) => (
                <label key={scope} class="check">
                  <input type="checkbox" name="scope" value={scope} />
                  <span>
                    {label} <code>{scope}</code>
                  </span>
                </label>
              ))}
            </fieldset>
            <p class="actions">
              <button class="button">Make a token</button>
            </p>
          </form>
        </section>
        <section class="stack" aria-labelledby="erase">
          <h2 id="erase">Erase me</h2>
          <p class="muted">
            Your name, e-mail address, roles, sessions and tokens are deleted for good, and the names on your receipts
            and invoices with them. What you gave stays in the books under a pseudonym that leads to nobody. Download
            your receipts first. An owner of a project hands it over before.
          </p>
          <details class="ask" open={context.form.get('do') === 'erase'}>
            <summary>Erase my account</summary>
            <form method="post" action="/account" class="ask-box form tight">
              <input type="hidden" name="do" value="erase" />
              <Field label={`Type “${me.contributor.displayName}” to confirm`} errors={done?.errors ?? []}>
                <input name="confirmation" required autoComplete="off" />
              </Field>
              <p class="actions">
                <button class="button danger">Erase me for good</button>
              </p>
            </form>
          </details>
        </section>
      </div>
    ),
  });
}

/** One form, one mutation. The answer is drawn at once and never stored, so that a secret is seen once only. */
async function act(context: PageContext): Promise<Done> {
  const { form } = context;
  const text = (name: string) => form.get(name)?.trim() ?? '';
  switch (text('do')) {
    case 'token': {
      const { payload, errors } = await mutate<{ token: string | null }>(context, apiTokenCreate, {
        name: text('name'),
        scopes: form.getAll('scope'),
      });
      if (!payload?.token) return { errors };
      return {
        errors,
        secret: { title: 'Your new token', text: payload.token, note: 'Copy it now. It is not shown again.' },
      };
    }
    case 'revoke': {
      const { errors } = await mutate(context, apiTokenRevoke, { apiTokenId: text('id') });
      return { errors, message: 'The token is revoked. What still uses it is refused from now on.' };
    }
    case 'join': {
      const { payload, errors } = await mutate<{ command: string | null }>(context, joinTokenCreate, {
        name: text('name'),
      });
      if (!payload?.command) return { errors };
      return {
        errors,
        secret: {
          title: 'Run this on the machine you lend',
          text: payload.command,
          note: 'The token in it works once and is not shown again.',
        },
      };
    }
    case 'drain': {
      const { errors } = await mutate(context, nodeDrain, { nodeId: text('id') });
      return { errors, message: 'The machine finishes its step, keeps a checkpoint and takes no new work.' };
    }
    case 'profile': {
      const { errors } = await mutate(context, profileUpdate, { displayName: text('displayName') });
      return { errors, message: 'That is your name from now on.' };
    }
    case 'erase': {
      const name = (await context.viewer)?.displayName;
      if (text('confirmation') !== name) {
        const hint = 'Nothing was erased.';
        return { errors: [refusal('That is not your name as it is shown here.', 'confirmation', hint)] };
      }
      const { errors } = await mutate(context, contributorErase, {});
      return { errors, isErased: errors.length === 0 };
    }
    default:
      return { errors: [refusal('This form is not known here.', undefined, 'Reload the page and try again.')] };
  }
}

function Outcome({ done }: { done: Done }) {
  if (done.errors.length > 0) return <UserErrors errors={done.errors} fields={['displayName', 'confirmation']} />;
  if (done.secret) {
    return (
      <div class="form panel" role="status">
        <h2>{done.secret.title}</h2>
        <Secret id="new-secret" text={done.secret.text} />
        <p class="fine">{done.secret.note}</p>
      </div>
    );
  }
  return <Notice tone="good" title={done.message ?? 'Done'} live />;
}

function Tokens({ tokens, now }: { tokens: Me['apiTokens']; now: number }) {
  if (tokens.length === 0) return null;
  return (
    <ul class="rows">
      {tokens.map((token) => (
        <li key={token.id}>
          <span class="rows-main">{token.name}</span>
          <form method="post" action="/account" class="rows-amount">
            <input type="hidden" name="do" value="revoke" />
            <input type="hidden" name="id" value={token.id} />
            <button class="button quiet small">Revoke</button>
          </form>
          <span class="rows-when">
            {token.scopes.join(', ') || 'reads only'} ·{' '}
            {token.lastUsedAt ? `used ${relative(token.lastUsedAt, now)}` : 'never used'}
            {token.expiresAt && ` · ends ${date(token.expiresAt)}`}
          </span>
        </li>
      ))}
    </ul>
  );
}
