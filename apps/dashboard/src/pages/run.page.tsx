/** `/runs` and `/runs/:id`: trainings, and one of them in the open. */
import { runQuery, runsQuery } from '../api/documents.js';
import { nodesOf, type Connection, type RunLive } from '../api/shapes.js';
import { engineering, integer } from '../format/amount.js';
import { page, type PageContext, type Result } from '../http/request.js';
import { RunLiveView } from '../islands/run-live.js';
import { Island } from '../parts/island.js';
import { Empty } from '../parts/notice.js';
import { When } from '../parts/who-when.js';
import { State } from '../parts/state.js';
import { More } from '../parts/more.js';
import { failurePage, whyNothing } from './problem.page.js';

interface RunDetail extends RunLive {
  campaign: { slug: string; title: string } | null;
  recipe: {
    name: string;
    workload: string;
    parameters: string;
    tokens: string;
    gpuClass: string;
    checkpointEverySteps: number;
  } | null;
}

export async function runPage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const answer = await context.ask<{ run: RunDetail | null }>(runQuery, { id: params.id });
  const found = answer.data?.run;
  if (!found) return whyNothing(answer, 'run');
  const { campaign, recipe, ...run } = found;
  const data = { run, now: context.now };
  return page({
    title: campaign ? `Run of ${campaign.title}` : 'Run',
    section: 'runs',
    islands: ['run-live'],
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/runs">Runs</a>
            {campaign && <a href={`/campaigns/${encodeURIComponent(campaign.slug)}`}>{campaign.title}</a>}
          </p>
          <h1>{recipe?.name ?? 'Training run'}</h1>
          {recipe && (
            <p class="lead">
              {engineering(recipe.parameters)} parameters on {engineering(recipe.tokens)} tokens, with {recipe.workload}{' '}
              on lent {recipe.gpuClass === 'cpu' ? 'CPUs' : `${recipe.gpuClass} GPUs`}. A checkpoint every{' '}
              {integer(recipe.checkpointEverySteps)} steps.
            </p>
          )}
        </div>
        <Island name="run-live" data={data}>
          <RunLiveView {...data} />
        </Island>
      </div>
    ),
  });
}

interface RunLine {
  id: string;
  state: string;
  step: string;
  targetSteps: string;
  firstLoss: number | null;
  lastLoss: number | null;
  tokens: string;
  createdAt: string;
  campaign: { slug: string; title: string } | null;
}

export async function runsPage(context: PageContext): Promise<Result> {
  const after = context.url.searchParams.get('after') ?? undefined;
  const answer = await context.ask<{ runs: Connection<RunLine> }>(runsQuery, { first: 25, after });
  if (!answer.data) return failurePage(answer.problems);
  const runs = nodesOf(answer.data.runs);
  return page({
    title: 'Runs',
    section: 'runs',
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <h1>Training runs</h1>
          <p class="lead">
            Each run is one execution of a recipe, on <a href="/nodes">machines that people lend</a>.
          </p>
        </div>
        {runs.length === 0 ? (
          <Empty title="No run yet">A run starts when a campaign is funded and enough nodes have joined.</Empty>
        ) : (
          <div class="scroll">
            <table class="table stacked">
              <thead>
                <tr>
                  <th scope="col">Campaign</th>
                  <th scope="col">State</th>
                  <th scope="col" class="num">
                    Steps
                  </th>
                  <th scope="col" class="num">
                    Loss
                  </th>
                  <th scope="col" class="num">
                    Tokens
                  </th>
                  <th scope="col" class="num">
                    Created
                  </th>
                </tr>
              </thead>
              <tbody>
                {runs.map((run) => (
                  <tr key={run.id}>
                    <th scope="row">
                      <a href={`/runs/${encodeURIComponent(run.id)}`}>{run.campaign?.title ?? run.id}</a>
                    </th>
                    <td data-label="State">
                      <State of={run.state} />
                    </td>
                    <td data-label="Steps" class="num">
                      {integer(run.step)} / {integer(run.targetSteps)}
                    </td>
                    <td data-label="Loss" class="num">
                      {run.lastLoss === null
                        ? '–'
                        : `${Number(run.firstLoss).toFixed(2)} → ${Number(run.lastLoss).toFixed(2)}`}
                    </td>
                    <td data-label="Tokens" class="num">
                      {engineering(run.tokens)}
                    </td>
                    <td data-label="Created" class="num">
                      <When iso={run.createdAt} now={context.now} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
        <More url={context.url} connection={answer.data.runs} label="More runs" />
      </div>
    ),
  });
}
