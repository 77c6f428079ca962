/** `/organise/projects/:id/webhooks`: which programs hear of a project's public events. */
import {
  webhookEndpointCreate,
  webhookEndpointSet,
  webhookSecretRotate,
  webhooksQuery,
} from '../api/webhook.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import type { UserError } from '../api/shapes.js';
import { date, dateTime, relative } from '../format/moment.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { Field, Secret, UserErrors } from '../parts/form.js';
import { Empty, Notice } from '../parts/notice.js';
import { State } from '../parts/state.js';
import { StepButton } from '../parts/step-form.js';
import { failurePage, notFoundPage } from './problem.page.js';

interface Endpoint {
  id: string;
  url: string;
  eventTypes: string[];
  enabled: boolean;
  disabledReason: string | null;
  nextPosition: string;
  failingSince: string | null;
  createdAt: string;
  recentAttempts: {
    eventId: string;
    eventType: string;
    at: string;
    durationMs: number;
    status: number | null;
    error: string | null;
  }[];
}
interface Webhooks {
  viewer: { projects: { id: string; name: string; viewerRoles: string[] }[] } | null;
  webhookPublicKey: string;
  webhookEndpoints: Endpoint[];
}
interface Done {
  errors: UserError[];
  secret?: string;
}

export async function webhooksPage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const projectId = params['id'] ?? '';
  const path = `/organise/projects/${encodeURIComponent(projectId)}/webhooks`;
  if (!(await context.viewer)) return redirect(`/sign-in?return=${path}`);
  const done = context.method === 'POST' ? await act(context, projectId) : { errors: [] };
  const answer = await context.ask<Webhooks>(webhooksQuery, { projectId });
  if (!answer.data) return failurePage(answer.problems);
  const project = answer.data.viewer?.projects.find((each) => each.id === projectId);
  if (!project) return notFoundPage();
  const { webhookEndpoints: endpoints, webhookPublicKey } = answer.data;
  return page({
    title: `Webhooks of ${project.name}`,
    section: 'account',
    status: done.errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap narrow">
        <div>
          <p class="crumbs">
            <a href="/organise">Organise</a>
          </p>
          <h1>Webhooks</h1>
          <p class="lead">
            Programs of {project.name} that hear of its public events, each signed, in order, and again until they say
            that they have it.
          </p>
        </div>
        {done.secret && (
          <div class="form panel" role="status">
            <h2>The secret of the webhook</h2>
            <Secret id="new-secret" text={done.secret} />
            <p class="fine">Copy it now. It is stored nowhere and not shown again.</p>
          </div>
        )}
        <section class="stack" aria-label="Webhooks">
          {endpoints.length === 0 ? (
            <Empty title="No webhook yet">Add the address of a program below.</Empty>
          ) : (
            endpoints.map((each) => <EndpointPanel key={each.id} endpoint={each} path={path} now={context.now} />)
          )}
        </section>
        <form method="post" action={path} class="form panel">
          <h2>Add a webhook</h2>
          <UserErrors errors={done.errors} fields={['url', 'eventTypes']} />
          <input type="hidden" name="do" value="create" />
          <Field label="Address" hint="An https address that answers 2xx within ten seconds." errors={done.errors}>
            <input
              name="url"
              type="url"
              required
              placeholder="https://example.org/commonweights"
              value={context.form.get('url') ?? ''}
            />
          </Field>
          <Field
            label="Types of events"
            hint="Divided by spaces, for example campaign.succeeded pledge.cash.captured. Leave it empty for all."
            errors={done.errors}
          >
            <input name="eventTypes" autoComplete="off" value={context.form.get('eventTypes') ?? ''} />
          </Field>
          <p class="actions">
            <button class="button">Add it</button>
          </p>
        </form>
        <section class="stack" aria-labelledby="verify">
          <h2 id="verify">Checking a signature</h2>
          <p class="muted">
            The form is that of Standard Webhooks, for which there are libraries in many languages. Check either with
            the webhook's own secret (v1) or with our public key (v1a):
          </p>
          <Secret id="public-key" text={webhookPublicKey} />
        </section>
      </div>
    ),
  });
}

function EndpointPanel({ endpoint, path, now }: { endpoint: Endpoint; path: string; now: number }) {
  const step = (name: string, label: string, tone = 'quiet') => (
    <StepButton action={path} step={name} label={label} id={endpoint.id} about={endpoint.url} tone={tone} />
  );
  return (
    <article class="panel stack">
      <h2 class="breakable endpoint">{endpoint.url}</h2>
      <p class="muted">
        <State of={endpoint.enabled ? (endpoint.failingSince ? 'FAILING' : 'ACTIVE') : 'DISABLED'} />{' '}
        {endpoint.eventTypes.length === 0 ? 'All public events' : endpoint.eventTypes.join(', ')} · since{' '}
        {date(endpoint.createdAt)}
      </p>
      {endpoint.failingSince && (
        <Notice tone="warn" title={`Fails since ${dateTime(endpoint.failingSince)}`}>
          It is tried again, ever more seldom, and switched off after five days.
        </Notice>
      )}
      {endpoint.disabledReason && <Notice tone="warn" title={`Switched off: ${endpoint.disabledReason}`} />}
      <div class="actions">
        {endpoint.enabled ? step('off', 'Switch off') : step('on', 'Switch on', '')}
        {step('rotate', 'New secret')}
        {step('again', 'Send all again')}
      </div>
      {endpoint.recentAttempts.length > 0 && (
        <details>
          <summary>Newest deliveries</summary>
          <ul class="rows">
            {endpoint.recentAttempts.map((each) => (
              <li key={`${each.eventId}${each.at}`}>
                <span class="rows-main">{each.eventType}</span>
                <span class="rows-amount">{each.error ?? String(each.status)}</span>
                <span class="rows-when">
                  <time dateTime={each.at} title={dateTime(each.at)}>
                    {relative(each.at, now)}
                  </time>{' '}
                  · {each.durationMs} ms · <code class="hash">{each.eventId}</code>
                </span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </article>
  );
}

async function act(context: PageContext, projectId: string): Promise<Done> {
  const text = (name: string) => context.form.get(name)?.trim() ?? '';
  const webhookEndpointId = text('id');
  switch (text('do')) {
    case 'create': {
      const eventTypes = text('eventTypes')
        .split(/[\s,]+/)
        .filter((type) => type !== '');
      const input = { projectId, url: text('url'), eventTypes };
      const { payload, errors } = await mutate<{ secret: string | null }>(context, webhookEndpointCreate, input);
      return { errors, ...(payload?.secret ? { secret: payload.secret } : {}) };
    }
    case 'rotate': {
      const { payload, errors } = await mutate<{ secret: string | null }>(context, webhookSecretRotate, {
        webhookEndpointId,
      });
      return { errors, ...(payload?.secret ? { secret: payload.secret } : {}) };
    }
    case 'on':
    case 'off': {
      const enabled = text('do') === 'on';
      return { errors: (await mutate(context, webhookEndpointSet, { webhookEndpointId, enabled })).errors };
    }
    case 'again':
      return { errors: (await mutate(context, webhookEndpointSet, { webhookEndpointId, fromPosition: '0' })).errors };
    default:
      return { errors: [refusal('This form is not known here.', undefined, 'Reload the page and try again.')] };
  }
}
