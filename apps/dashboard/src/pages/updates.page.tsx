/** `/campaigns/:slug/updates`: what the organisers told, newest first; maintainers publish and correct here. */
import { campaignUpdateCorrect, campaignUpdatePublish, campaignUpdatesQuery } from '../api/campaign.documents.js';
import type { Update } from '../api/campaign.shapes.js';
import { mutate } from '../api/mutate.js';
import { nodesOf, type Connection, type UserError } from '../api/shapes.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { Field, UserErrors } from '../parts/form.js';
import { More } from '../parts/more.js';
import { Empty, Notice } from '../parts/notice.js';
import { UpdateArticle } from '../parts/updates.js';
import { whyNothing } from './problem.page.js';

interface Told {
  id: string;
  slug: string;
  title: string;
  state: string;
  project: { name: string; viewerRoles: string[] } | null;
  viewer: { backs: boolean };
  updates: Connection<Update>;
}

const writes = (roles: readonly string[]) => roles.some((role) => role === 'owner' || role === 'maintainer');

export async function updatesPage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const slug = params.slug ?? '';
  const path = `/campaigns/${encodeURIComponent(slug)}/updates`;
  if (context.method === 'POST' && !context.signedIn) return redirect(`/sign-in?return=${encodeURIComponent(path)}`);
  const after = context.url.searchParams.get('after') ?? undefined;
  const answer = await context.ask<{ campaignBySlug: Told | null }>(campaignUpdatesQuery, { slug, first: 10, after });
  const campaign = answer.data?.campaignBySlug;
  if (!campaign) return whyNothing(answer, 'campaign');
  const { form } = context;
  const step = form.get('do') ?? '';
  const errors = context.method === 'POST' ? await send(context, campaign.id) : [];
  if (context.method === 'POST' && errors.length === 0) return redirect(`${path}?done=${encodeURIComponent(step)}`);
  const updates = nodesOf(campaign.updates);
  const writing = writes(campaign.project?.viewerRoles ?? []);
  const done = context.url.searchParams.get('done');
  const feed = `${path}.atom`;
  return page({
    title: `Updates of ${campaign.title}`,
    section: 'campaigns',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/">Campaigns</a>
            <a href={`/campaigns/${encodeURIComponent(slug)}`}>{campaign.title}</a>
          </p>
          <h1>Updates</h1>
          <p class="lead">
            What the organisers tell their backers. A correction says why, and the words before it stay.{' '}
            <a href={feed}>Follow by Atom feed.</a>
          </p>
        </div>
        {done && errors.length === 0 && (
          <Notice
            tone="good"
            title={done === 'correct' ? 'The correction is published.' : 'The update is published.'}
            live
          />
        )}
        {writing && (
          <UpdateForm path={path} form={form} errors={step === 'publish' ? errors : []} typed={step === 'publish'} />
        )}
        {updates.length === 0 ? (
          <Empty title="Nothing told yet">
            {campaign.viewer.backs ? 'You will find here what happens with your pledge.' : 'Updates will appear here.'}
          </Empty>
        ) : (
          <div class="updates">
            {updates.map((update) => {
              const mine = step === 'correct' && form.get('id') === update.id;
              return (
                <UpdateArticle key={update.id} update={update} level={2}>
                  {writing && (
                    <details open={mine}>
                      <summary>Correct it</summary>
                      <CorrectForm path={path} update={update} form={form} errors={mine ? errors : []} typed={mine} />
                    </details>
                  )}
                </UpdateArticle>
              );
            })}
          </div>
        )}
        <More url={context.url} connection={campaign.updates} label="Earlier updates" />
      </div>
    ),
  });
}

function send(context: PageContext, campaignId: string): Promise<UserError[]> {
  const text = (name: string) => context.form.get(name) ?? '';
  const words = { title: text('title'), body: text('body') };
  const asked =
    text('do') === 'correct'
      ? mutate(context, campaignUpdateCorrect, { ...words, updateId: text('id'), reason: text('reason') })
      : mutate(context, campaignUpdatePublish, {
          ...words,
          campaignId,
          audience: text('audience') === 'BACKERS' ? 'BACKERS' : 'PUBLIC',
        });
  return asked.then(({ errors }) => errors);
}

interface FormProps {
  path: string;
  form: URLSearchParams;
  errors: UserError[];
  typed: boolean;
}

function UpdateForm({ path, form, errors, typed }: FormProps) {
  const value = (name: string) => (typed ? (form.get(name) ?? '') : '');
  return (
    <form class="form panel" method="post" action={path}>
      <h2>Tell your backers</h2>
      <UserErrors errors={errors} fields={['title', 'body']} />
      <input type="hidden" name="do" value="publish" />
      <Field label="Title" errors={errors}>
        <input name="title" autoComplete="off" value={value('title')} />
      </Field>
      <Field label="Text" hint="Plain text. An empty line begins a new paragraph." errors={errors}>
        <textarea name="body" rows={7}>
          {value('body')}
        </textarea>
      </Field>
      <fieldset>
        <legend>Who reads it</legend>
        <div class="choices">
          <label>
            <input type="radio" name="audience" value="PUBLIC" checked={value('audience') !== 'BACKERS'} />
            Everybody
          </label>
          <label>
            <input type="radio" name="audience" value="BACKERS" checked={value('audience') === 'BACKERS'} />
            Backers only
          </label>
        </div>
      </fieldset>
      <p class="actions">
        <button class="button">Publish</button>
        <span class="muted">It can be corrected, not taken back.</span>
      </p>
    </form>
  );
}

function CorrectForm({ path, form, errors, typed, update }: FormProps & { update: Update }) {
  const value = (name: string, kept: string) => (typed ? (form.get(name) ?? '') : kept);
  const id = (name: string) => `${name}-${update.number}`;
  return (
    <form class="form" method="post" action={path}>
      <UserErrors errors={errors} fields={['title', 'body', 'reason']} />
      <input type="hidden" name="do" value="correct" />
      <input type="hidden" name="id" value={update.id} />
      <Field label="Title" id={id('title')} errors={errors}>
        <input name="title" autoComplete="off" value={value('title', update.title)} />
      </Field>
      <Field label="Text" id={id('body')} errors={errors}>
        <textarea name="body" rows={6}>
          {value('body', update.paragraphs.join('\n\n'))}
        </textarea>
      </Field>
      <Field label="Why is it corrected?" id={id('reason')} errors={errors}>
        <input name="reason" autoComplete="off" value={value('reason', '')} />
      </Field>
      <p class="actions">
        <button class="button quiet">Publish the correction</button>
      </p>
    </form>
  );
}
