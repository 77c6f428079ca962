/** `/organise/datasets/new` and `/organise/recipes/new`: what a campaign is made of, put on record by its hash. */
import { datasetRegister, projectsQuery, recipeFormQuery, recipeRegister } from '../api/organise.documents.js';
import { mutate, refusal } from '../api/mutate.js';
import { nodesOf, type Connection, type UserError } from '../api/shapes.js';
import { bytes } from '../format/amount.js';
import { parseCount } from '../format/typed.js';
import { mainSettings, ownField, readSettings, sizeOf, workloads, type Workload } from '../format/workload.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { Field, Secret, UserErrors } from '../parts/form.js';
import { Notice } from '../parts/notice.js';
import { words } from '../parts/state.js';
import { failurePage } from './problem.page.js';

interface ProjectChoice {
  id: string;
  name: string;
  viewerRoles: string[];
}
/** Projects in which one may write; null when nobody is signed in. */
export async function writableProjects(context: PageContext): Promise<ProjectChoice[] | null> {
  const { data } = await context.ask<{ viewer: { projects: ProjectChoice[] } | null }>(projectsQuery);
  if (!data?.viewer) return null;
  return data.viewer.projects.filter(({ viewerRoles }) =>
    viewerRoles.some((role) => role === 'owner' || role === 'maintainer'),
  );
}

export function OrganiseCrumbs() {
  return (
    <p class="crumbs">
      <a href="/account">Account</a>
      <a href="/organise">Organise</a>
    </p>
  );
}

const datasetFields = ['name', 'licence', 'source', 'sha256', 'bytes', 'tokens'];

export async function datasetFormPage(context: PageContext): Promise<Result> {
  if (!(await context.viewer)) return redirect('/sign-in?return=/organise/datasets/new');
  const { form } = context;
  let errors: UserError[] = [];
  if (context.method === 'POST') {
    const made = await registerDataset(context);
    if (made.id) return redirect(`/organise/recipes/new?dataset=${encodeURIComponent(made.id)}`);
    errors = made.errors;
  }
  const value = (name: string) => form.get(name) ?? '';
  return page({
    title: 'Register a dataset',
    section: 'account',
    status: errors.length > 0 ? 422 : 200,
    body: (
      <div class="wrap narrow">
        <div>
          <OrganiseCrumbs />
          <h1>Register a dataset</h1>
          <p class="lead">
            A dataset is the hash of its bytes. The bytes stay where they are; the record says what was trained on and
            under which licence.
          </p>
        </div>
        <form class="form panel" method="post" action="/organise/datasets/new">
          <UserErrors errors={errors} fields={datasetFields} />
          <Field label="Name" errors={errors}>
            <input name="name" autoComplete="off" value={value('name')} />
          </Field>
          <Field label="Licence" hint="An SPDX expression such as CC0-1.0, or in words." errors={errors}>
            <input name="licence" autoComplete="off" value={value('licence')} />
          </Field>
          <Field
            label="Source"
            hint="Where anybody can get the same bytes: an address, or npm:PACKAGE."
            errors={errors}
          >
            <input name="source" autoComplete="off" spellcheck={false} value={value('source')} />
          </Field>
          <Field label="SHA-256" hint="64 hexadecimal digits, as sha256sum prints them." errors={errors}>
            <input name="sha256" autoComplete="off" spellcheck={false} class="mono" value={value('sha256')} />
          </Field>
          <div class="split">
            <Field label="Size in bytes" errors={errors}>
              <input name="bytes" inputMode="numeric" autoComplete="off" value={value('bytes')} />
            </Field>
            <Field label="Size in tokens" hint="Optional" errors={errors}>
              <input name="tokens" inputMode="numeric" autoComplete="off" value={value('tokens')} />
            </Field>
          </div>
          <p class="actions">
            <button class="button">Register it</button>
          </p>
          <div>
            <p class="fine">Both figures of a file:</p>
            <Secret id="dataset-command" text="sha256sum data.txt; wc -c data.txt" />
          </div>
        </form>
      </div>
    ),
  });
}

async function registerDataset(context: PageContext): Promise<{ id: string | null; errors: UserError[] }> {
  const text = (name: string) => context.form.get(name)?.trim() ?? '';
  const [size, tokens] = [parseCount(text('bytes')), parseCount(text('tokens'))];
  const errors = [
    size === null && refusal('This is no size.', 'bytes', 'Give a whole number of bytes, 1 or more.'),
    text('tokens') !== '' &&
      tokens === null &&
      refusal('This is no count.', 'tokens', 'Give a whole number, or leave it empty.'),
  ].filter((error) => error !== false);
  if (errors.length > 0) return { id: null, errors };
  const { payload, errors: refused } = await mutate<{ dataset: { id: string } | null }>(context, datasetRegister, {
    name: text('name'),
    licence: text('licence'),
    source: text('source'),
    sha256: text('sha256').toLowerCase(),
    bytes: String(size),
    ...(tokens === null ? {} : { tokens: tokens.toString() }),
  });
  return { id: refused.length === 0 ? (payload?.dataset?.id ?? null) : null, errors: refused };
}

interface RecipeChoices {
  datasets: Connection<{ id: string; name: string; licence: string; bytes: string }>;
  acceleratorClasses: { class: string; label: string }[];
}
const settingFields = new Set(
  workloads.flatMap(({ defaults }) => Object.keys(defaults).map((name) => `setting-${name}`)),
);
const recipeFields = [
  'projectId',
  'name',
  'datasetId',
  'gpuClass',
  'parameters',
  'tokens',
  'minWorkers',
  'maxWorkers',
].concat(ownField, ...settingFields);

export async function recipeFormPage(context: PageContext): Promise<Result> {
  const projects = await writableProjects(context);
  if (!projects) return redirect('/sign-in?return=/organise/recipes/new');
  if (projects.length === 0) return redirect('/organise');
  const { form } = context;
  const query = context.url.searchParams;
  const workload =
    workloads.find(({ name }) => name === (form.get('workload') ?? query.get('workload'))) ?? workloads[0];
  if (!workload) throw new Error('There is no workload to make a recipe of.');
  const posted = context.method === 'POST' && form.get('do') !== 'size';
  let errors: UserError[] = [];
  const { settings, wrong } = readSettings(
    workload,
    (name) => form.get(`setting-${name}`) ?? (name === ownField ? form.get(name) : null),
  );
  if (context.method === 'POST') {
    errors = wrong.map((name) =>
      refusal(
        'This is no number.',
        name === ownField ? name : `setting-${name}`,
        `By default it is ${workload.defaults[name]}.`,
      ),
    );
  }
  if (posted) {
    const made = errors.length > 0 ? { id: null, errors } : await registerRecipe(context, workload, settings);
    if (made.id) return redirect(`/organise/campaigns/new?recipe=${encodeURIComponent(made.id)}`);
    errors = made.errors;
  }
  const answer = await context.ask<RecipeChoices>(recipeFormQuery);
  if (!answer.data) return failurePage(answer.problems);
  const datasets = nodesOf(answer.data.datasets);
  const size = sizeOf(settings);
  const sized = (name: 'parameters' | 'tokens') =>
    form.get('do') === 'register' ? (form.get(name) ?? '') : (size?.[name].toString() ?? form.get(name) ?? '');
  return page({
    title: 'Register a recipe',
    section: 'account',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap narrow">
        <div>
          <OrganiseCrumbs />
          <h1>Register a recipe</h1>
          <p class="lead">
            A recipe says completely what is trained: the program, its settings, the data. Its address is the hash of
            what it says, so it never changes.
          </p>
        </div>
        {query.get('dataset') && <Notice tone="good" title="The dataset is on record" live />}
        <form class="inline-form" method="get" action="/organise/recipes/new">
          {query.get('dataset') && <input type="hidden" name="dataset" value={query.get('dataset') ?? ''} />}
          <Field label="Program">
            <select name="workload" id="workload-choice">
              {workloads.map(({ name }) => (
                <option key={name} value={name} selected={name === workload.name}>
                  {name}
                </option>
              ))}
            </select>
          </Field>
          <button class="button quiet">Fill in its defaults</button>
        </form>
        <p class="fine follows">{workload.description}</p>
        <form class="form panel" method="post" action="/organise/recipes/new">
          <UserErrors errors={errors} fields={recipeFields} />
          <input type="hidden" name="workload" value={workload.name} />
          <Field label="Project" errors={errors}>
            <select name="projectId">
              {projects.map(({ id, name }) => (
                <option key={id} value={id} selected={form.get('projectId') === id}>
                  {name}
                </option>
              ))}
            </select>
          </Field>
          <Field label="Name of the recipe" errors={errors}>
            <input name="name" autoComplete="off" value={form.get('name') ?? ''} />
          </Field>
          <Field
            label="Dataset"
            hint={
              <>
                Not in the list? <a href="/organise/datasets/new">Register it first.</a>
              </>
            }
            errors={errors}
          >
            <select name="datasetId">
              {datasets.map(({ id, name, licence, bytes: size }) => (
                <option key={id} value={id} selected={(form.get('datasetId') ?? query.get('dataset')) === id}>
                  {name}, {licence}, {bytes(size)}
                </option>
              ))}
            </select>
          </Field>
          <fieldset class="form">
            <legend>Settings of {workload.name}</legend>
            <div class="grid-fields">
              {mainSettings.map((name) => (
                <Setting key={name} name={name} workload={workload} form={form} errors={errors} />
              ))}
            </div>
            <details class="alternative" open={wrong.some((name) => !mainSettings.includes(name))}>
              <summary>More settings</summary>
              <div class="grid-fields">
                {Object.keys(workload.defaults)
                  .filter((name) => !mainSettings.includes(name) && name !== ownField)
                  .map((name) => (
                    <Setting key={name} name={name} workload={workload} form={form} errors={errors} />
                  ))}
              </div>
            </details>
          </fieldset>
          <div class="split">
            <Field label="Parameters" hint="(vocab + context) · d + layers · (12 d² + 2 d) + d" errors={errors}>
              <input name="parameters" inputMode="numeric" autoComplete="off" value={sized('parameters')} />
            </Field>
            <Field label="Tokens to train on" hint="steps · batchSize · context" errors={errors}>
              <input name="tokens" inputMode="numeric" autoComplete="off" value={sized('tokens')} />
            </Field>
          </div>
          <p class="actions">
            <button class="button quiet small" name="do" value="size">
              Work both out from the settings
            </button>
          </p>
          <Field label="Kind of device" errors={errors}>
            <select name="gpuClass">
              {answer.data.acceleratorClasses.map((entry) => (
                <option
                  key={entry.class}
                  value={entry.class}
                  selected={(form.get('gpuClass') ?? 'cpu') === entry.class}
                >
                  {entry.label}
                </option>
              ))}
            </select>
          </Field>
          <div class="grid-fields">
            <Field label="Fewest nodes" errors={errors}>
              <input name="minWorkers" inputMode="numeric" autoComplete="off" value={form.get('minWorkers') ?? '2'} />
            </Field>
            <Field label="Most nodes" errors={errors}>
              <input name="maxWorkers" inputMode="numeric" autoComplete="off" value={form.get('maxWorkers') ?? '3'} />
            </Field>
            <Field label="Checkpoint steps" hint="From one to the next." errors={errors}>
              <input
                name={ownField}
                inputMode="numeric"
                autoComplete="off"
                value={form.get(ownField) ?? String(workload.defaults[ownField] ?? '100')}
              />
            </Field>
          </div>
          <p class="actions">
            <button class="button" name="do" value="register">
              Register it
            </button>
          </p>
        </form>
      </div>
    ),
  });
}

function Setting(props: { name: string; workload: Workload; form: URLSearchParams; errors: UserError[] }) {
  const { name, workload } = props;
  const standard = workload.defaults[name];
  return (
    <Field label={words(name.replaceAll(/([A-Z])/g, ' $1'))} errors={props.errors}>
      <input
        name={`setting-${name}`}
        inputMode={typeof standard === 'number' ? 'decimal' : 'text'}
        autoComplete="off"
        spellcheck={false}
        value={props.form.get(`setting-${name}`) ?? String(standard)}
      />
    </Field>
  );
}

async function registerRecipe(
  context: PageContext,
  workload: Workload,
  settings: Record<string, string | number>,
): Promise<{ id: string | null; errors: UserError[] }> {
  const text = (name: string) => context.form.get(name)?.trim() ?? '';
  const names = ['parameters', 'tokens', 'minWorkers', 'maxWorkers', ownField] as const;
  const counts = Object.fromEntries(names.map((name) => [name, parseCount(text(name))]));
  const errors = names
    .filter(
      (name) => counts[name] === null || (!/^(parameters|tokens)$/.test(name) && (counts[name] ?? 0n) > 10_000_000n),
    )
    .map((name) => refusal('This is no count that makes sense here.', name, 'Give a whole number, 1 or more.'));
  if (errors.length > 0) return { id: null, errors };
  const { payload, errors: refused } = await mutate<{ recipe: { id: string } | null }>(context, recipeRegister, {
    projectId: text('projectId'),
    name: text('name'),
    workload: workload.name,
    driver: workload.driver,
    hyperparameters: settings,
    datasetId: text('datasetId'),
    gpuClass: text('gpuClass'),
    parameters: String(counts['parameters']),
    tokens: String(counts['tokens']),
    minWorkers: Number(counts['minWorkers']),
    maxWorkers: Number(counts['maxWorkers']),
    checkpointEverySteps: Number(counts[ownField]),
  });
  return { id: refused.length === 0 ? (payload?.recipe?.id ?? null) : null, errors: refused };
}
