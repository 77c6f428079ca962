/** `/organise`: the projects and campaigns that one keeps, and where new ones begin. */
import { organiseQuery, projectCreate, projectMemberSet } from '../api/organise.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import { nodesOf, type Connection, type Goals, type UserError } from '../api/shapes.js';
import { gpuTime, money } from '../format/amount.js';
import { relative } from '../format/moment.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { Field, UserErrors } from '../parts/form.js';
import { Empty, Notice } from '../parts/notice.js';
import { cashGoalOf, computeGoalOf } from '../parts/progress.js';
import { State } from '../parts/state.js';
import { failurePage } from './problem.page.js';

export interface KeptLine extends Goals {
  id: string;
  slug: string;
  title: string;
  state: string;
  project: { id: string; name: string; viewerRoles: string[] };
}
interface MyProject {
  id: string;
  name: string;
  viewerRoles: string[];
  organisation: { name: string };
}
interface Organise {
  viewer: {
    platformRoles: string[];
    contributor: { id: string; displayName: string };
    projects: MyProject[];
  } | null;
  drafts: Connection<KeptLine>;
  rejected: Connection<KeptLine>;
  inReview: Connection<KeptLine>;
  newest: Connection<KeptLine>;
}

const roles = [
  ['owner', 'Owner', 'may do all of it'],
  ['maintainer', 'Maintainer', 'writes campaigns, accepts GPU time, starts training'],
  ['treasurer', 'Treasurer', 'gives money back'],
  ['reviewer', 'Reviewer', 'approves campaigns that somebody else wrote'],
  ['auditor', 'Auditor', 'reads'],
] as const;

const done: Record<string, string> = {
  project: 'The project is made. You are its owner.',
  member: 'The roles are set.',
  dataset: 'The dataset is on record.',
};

export async function organisePage(context: PageContext): Promise<Result> {
  if (!context.signedIn) return redirect('/sign-in?return=/organise');
  const errors = context.method === 'POST' ? await act(context) : null;
  if (errors?.length === 0)
    return redirect(`/organise?done=${context.form.get('do') === 'member' ? 'member' : 'project'}`);
  const answer = await context.ask<Organise>(organiseQuery);
  if (!answer.data) return failurePage(answer.problems);
  const { viewer, drafts, rejected, inReview, newest } = answer.data;
  if (!viewer) return redirect('/sign-in?return=/organise');
  const said = done[context.url.searchParams.get('done') ?? ''];
  const campaigns = mine([...nodesOf(drafts), ...nodesOf(rejected), ...nodesOf(inReview), ...nodesOf(newest)]);
  const form = context.form.get('do');
  return page({
    title: 'Organise',
    section: 'account',
    status: errors ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/account">Account</a>
          </p>
          <h1>Organise</h1>
          <p class="lead">
            A project keeps campaigns. A campaign trains one recipe, asks for money and GPU time, and is reviewed before
            anybody can pledge to it.
          </p>
        </div>
        {said && <Notice tone="good" title={said} live />}
        <section class="stack" aria-labelledby="kept-head">
          <h2 id="kept-head">Campaigns you keep</h2>
          {campaigns.length === 0 ? (
            <Empty title="No campaign yet">
              {viewer.projects.length === 0
                ? 'Make a project first.'
                : 'Register a recipe, then write a campaign for it.'}
            </Empty>
          ) : (
            <ul class="rows">
              {campaigns.map((campaign) => (
                <KeptRow key={campaign.id} campaign={campaign} now={context.now} />
              ))}
            </ul>
          )}
          {viewer.projects.length > 0 && (
            <p class="actions">
              <a class="button" href="/organise/campaigns/new">
                New campaign
              </a>
              <a class="button quiet" href="/organise/recipes/new">
                Register a recipe
              </a>
              <a class="button quiet" href="/organise/datasets/new">
                Register a dataset
              </a>
              <a class="button quiet" href="/review">
                Campaigns in review
              </a>
              {viewer.projects.some(({ viewerRoles }) =>
                viewerRoles.some((role) => /^(owner|treasurer)$/i.test(role)),
              ) && (
                <>
                  <a class="button quiet" href="/organise/disputes">
                    Disputes
                  </a>
                  <a class="button quiet" href="/organise/refunds">
                    Failed refunds
                  </a>
                </>
              )}
            </p>
          )}
        </section>
        <section class="stack" aria-labelledby="projects-head">
          <h2 id="projects-head">Your projects</h2>
          {viewer.projects.length > 0 && (
            <ul class="rows">
              {viewer.projects.map((project) => (
                <li key={project.id}>
                  <span class="rows-main">{project.name}</span>
                  <span class="rows-amount">{project.viewerRoles.join(', ')}</span>
                  {project.viewerRoles.some((role) => /^(owner|maintainer)$/i.test(role)) && (
                    <span class="rows-when">
                      <a href={`/organise/projects/${encodeURIComponent(project.id)}/webhooks`}>Webhooks</a>
                    </span>
                  )}
                  {project.organisation.name !== project.name && (
                    <span class="rows-when">{project.organisation.name}</span>
                  )}
                </li>
              ))}
            </ul>
          )}
          <div class="panels">
            <form class="form panel" method="post" action="/organise">
              <h3>Make a project</h3>
              {form === 'project' && <UserErrors errors={errors ?? []} fields={['name', 'organisationName']} />}
              <input type="hidden" name="do" value="project" />
              <Field label="Name of the project" errors={form === 'project' ? (errors ?? []) : []}>
                <input
                  name="name"
                  id="project-name"
                  autoComplete="off"
                  value={form === 'project' ? (context.form.get('name') ?? '') : ''}
                />
              </Field>
              <Field
                label="Organisation"
                hint="Who stands behind it. Optional; the project’s name when empty."
                errors={form === 'project' ? (errors ?? []) : []}
              >
                <input
                  name="organisationName"
                  autoComplete="organization"
                  value={context.form.get('organisationName') ?? ''}
                />
              </Field>
              <p class="actions">
                <button class="button">Make the project</button>
              </p>
            </form>
            {viewer.projects.some(ownedBy) && (
              <MemberForm
                projects={viewer.projects.filter(ownedBy)}
                me={viewer.contributor.id}
                form={context.form}
                errors={form === 'member' ? (errors ?? []) : []}
              />
            )}
          </div>
        </section>
      </div>
    ),
  });
}

const ownedBy = (project: MyProject) => project.viewerRoles.includes('owner');

/** Campaigns of projects in which one has a role, each once, those that wait for somebody first. */
function mine(campaigns: KeptLine[]): KeptLine[] {
  const seen = new Map(campaigns.map((campaign) => [campaign.id, campaign]));
  return [...seen.values()].filter((campaign) => campaign.project.viewerRoles.length > 0);
}

function KeptRow({ campaign, now }: { campaign: KeptLine; now: number }) {
  const [cash, compute] = [cashGoalOf(campaign), computeGoalOf(campaign)];
  return (
    <li>
      <span class="rows-main">
        <a href={`/campaigns/${encodeURIComponent(campaign.slug)}/manage`}>{campaign.title}</a>{' '}
        <State of={campaign.state} />
      </span>
      <span class="rows-amount">
        {[cash && money(cash, 'short'), compute && gpuTime(compute)].filter(Boolean).join(' + ')}
      </span>
      <span class="rows-when">
        {campaign.project.name}
        {campaign.deadline &&
          ` · ${Date.parse(campaign.deadline) < now ? 'ended' : 'ends'} ${relative(campaign.deadline, now)}`}
      </span>
    </li>
  );
}

function MemberForm(props: { projects: MyProject[]; me: string; form: URLSearchParams; errors: UserError[] }) {
  const { form, errors } = props;
  const typed = form.get('do') === 'member';
  return (
    <form class="form panel" method="post" action="/organise">
      <h3>Set somebody’s roles</h3>
      <UserErrors errors={errors} fields={['contributorId', 'projectId']} />
      <input type="hidden" name="do" value="member" />
      <Field label="Project" errors={errors}>
        <select name="projectId">
          {props.projects.map((project) => (
            <option key={project.id} value={project.id} selected={form.get('projectId') === project.id}>
              {project.name}
            </option>
          ))}
        </select>
      </Field>
      <Field
        label="Id of the person"
        hint={
          <>
            People find theirs on this page. Yours is <code class="hash">{props.me}</code>.
          </>
        }
        errors={errors}
      >
        <input name="contributorId" autoComplete="off" spellcheck={false} value={form.get('contributorId') ?? ''} />
      </Field>
      <fieldset class="form tight">
        <legend>Roles from now on</legend>
        {roles.map(([role, label, note]) => (
          <label key={role} class="check">
            <input type="checkbox" name="role" value={role} checked={typed && form.getAll('role').includes(role)} />
            <span>
              {label} <span class="muted">{note}</span>
            </span>
          </label>
        ))}
      </fieldset>
      <p class="fine">None ticked: the person leaves the project.</p>
      <p class="actions">
        <button class="button quiet">Set the roles</button>
      </p>
    </form>
  );
}

async function act(context: PageContext): Promise<UserError[]> {
  const { form } = context;
  const text = (name: string) => form.get(name)?.trim() ?? '';
  switch (text('do')) {
    case 'project': {
      const organisationName = text('organisationName');
      const input = { name: text('name'), ...(organisationName ? { organisationName } : {}) };
      return (await mutate(context, projectCreate, input)).errors;
    }
    case 'member': {
      const input = { projectId: text('projectId'), contributorId: text('contributorId'), roles: form.getAll('role') };
      return (await mutate(context, projectMemberSet, input)).errors;
    }
    default:
      return [refusal('This form is not known here.', undefined, 'Reload the page and try again.')];
  }
}
