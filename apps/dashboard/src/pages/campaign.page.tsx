/** `/campaigns/:slug`: one campaign, with its money, compute, budget, backers, runs and events. */
import { campaignRecordQuery } from '../api/campaign.documents.js';
import type { CampaignRecord } from '../api/campaign.shapes.js';
import { campaignQuery, campaignRunsQuery } from '../api/documents.js';
import { nodesOf, type Budget, type CampaignLive, type Connection } from '../api/shapes.js';
import { engineering, integer } from '../format/amount.js';
import { keeps } from '../format/powers.js';
import { date, plural, relative } from '../format/moment.js';
import type { ComponentChildren } from 'preact';
import { page, type PageContext, type Result } from '../http/request.js';
import { CampaignLiveView } from '../islands/campaign-live.js';
import { BudgetSection } from '../parts/budget.js';
import { Island } from '../parts/island.js';
import { Icon } from '../parts/mark.js';
import { askEstimates, MatchEstimateNote } from '../parts/match-estimate.js';
import { PlanSection } from '../parts/plan.js';
import { StandingSection } from '../parts/standing.js';
import { fundingModels, State, takesPledges, words } from '../parts/state.js';
import { UpdateArticle } from '../parts/updates.js';
import { whyNothing } from './problem.page.js';

interface RecipeFacts {
  name: string;
  digest: string;
  workload: string;
  parameters: string;
  tokens: string;
  gpuClass: string;
  minWorkers: number;
  maxWorkers: number;
  dataset: { name: string; licence: string; source: string } | null;
}
interface CampaignDetail extends CampaignLive {
  slug: string;
  title: string;
  summary: string;
  fundingModel: string;
  createdAt: string;
  project: { name: string; viewerRoles: string[] } | null;
  recipe: RecipeFacts | null;
  budget: Budget | null;
}
interface RunLine {
  id: string;
  state: string;
  step: string;
  targetSteps: string;
  lastLoss: number | null;
}

/** States in which money may be on its way to the project. */
const paying = new Set(['SUCCEEDED', 'TRAINING', 'COMPLETED', 'CLOSED']);

export async function campaignPage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const answer = await context.ask<{ campaignBySlug: CampaignDetail | null }>(campaignQuery, { slug: params.slug });
  const campaign = answer.data?.campaignBySlug;
  if (!campaign) return whyNothing(answer, 'campaign');
  const [runsAnswer, recordAnswer] = await Promise.all([
    context.ask<{ runs: Connection<RunLine> }>(campaignRunsQuery, { campaignId: campaign.id }),
    context.ask<{ campaignBySlug: CampaignRecord | null }>(campaignRecordQuery, { slug: params.slug }),
  ]);
  const record = recordAnswer.data?.campaignBySlug ?? null;
  const path = `/campaigns/${encodeURIComponent(campaign.slug)}`;
  const runs = nodesOf(runsAnswer.data?.runs);
  const viewer = await context.viewer;
  const keeper = viewer !== null && keeps(campaign.project?.viewerRoles ?? [], viewer.platformRoles);
  const offers = nodesOf(campaign.computePledges).filter(({ state }) => state === 'OFFERED').length;
  const pledgePath = `/campaigns/${encodeURIComponent(campaign.slug)}/pledge`;
  const open = takesPledges(campaign.state);
  const live: CampaignLive = {
    id: campaign.id,
    state: campaign.state,
    progress: campaign.progress,
    settlementEndsAt: campaign.settlementEndsAt,
    settlements: campaign.settlements,
    settlement: campaign.settlement,
    cashGoal: campaign.cashGoal,
    computeGoal: campaign.computeGoal,
    deadline: campaign.deadline,
    pledges: campaign.pledges,
    computePledges: campaign.computePledges,
    events: campaign.events,
  };
  const estimates = open ? await askEstimates(context, campaign.id, null) : null;
  const data = { campaign: live, slug: campaign.slug, now: context.now };
  return page({
    title: campaign.title,
    description: campaign.summary,
    section: 'campaigns',
    islands: ['campaign-live'],
    problems: [...answer.problems, ...runsAnswer.problems, ...recordAnswer.problems],
    body: (
      <div class="wrap">
        <div class="lead-row">
          <div class="lead-text">
            <p class="crumbs">
              <a href="/">Campaigns</a>
              {campaign.project && <span>{campaign.project.name}</span>}
            </p>
            <h1>{campaign.title}</h1>
            <p class="lead">{campaign.summary}</p>
          </div>
          <aside class="call" aria-label="Take part" data-refresh="call">
            <p class="call-state">
              <State of={campaign.state} />
              {campaign.deadline && (open || Date.parse(campaign.deadline) < context.now) && (
                <span>
                  {open ? `ends ${relative(campaign.deadline, context.now)}` : `ran until ${date(campaign.deadline)}`}
                </span>
              )}
            </p>
            {open ? (
              <p class="call-actions">
                <a class="button cash" href={pledgePath}>
                  <Icon name="card" /> Pledge money
                </a>
                <a class="button compute" href={`${pledgePath}?with=compute`}>
                  <Icon name="chip" /> Give GPU time
                </a>
              </p>
            ) : (
              runs[0] && (
                <p class="call-actions">
                  <a class="button" href={`/runs/${encodeURIComponent(runs[0].id)}`}>
                    {campaign.state === 'COMPLETED' ? 'See the run' : 'Watch the run'} <Icon name="arrow" />
                  </a>
                </p>
              )
            )}
            {keeper && (
              <p class="call-note">
                <a href={`${path}/manage`}>Keep this campaign</a> · <a href={`${path}/updates`}>Write an update</a>
                {offers > 0 && ` · ${plural(offers, 'offer waits', 'offers wait')} for an answer`}
              </p>
            )}
            {paying.has(campaign.state) && (
              <p class="call-note">
                <a href={`${path}/money`}>Where the money stands</a>
              </p>
            )}
            <p class="call-note">{fundingModels[campaign.fundingModel] ?? words(campaign.fundingModel)}</p>
          </aside>
        </div>
        <div data-refresh="match">
          <MatchEstimateNote
            of={estimates}
            asked={null}
            path={`/campaigns/${encodeURIComponent(campaign.slug)}/pledge`}
            now={context.now}
          />
        </div>
        <div data-refresh="standing">
          {record && <StandingSection {...campaign} record={record} now={context.now} />}
        </div>
        <Island name="campaign-live" data={data}>
          <CampaignLiveView {...data} />
        </Island>
        {record && <UpdatesSection record={record} path={path} />}
        {record && (
          <PlanSection campaign={{ ...campaign, ...record }} slug={campaign.slug} version={record.termsVersion} />
        )}
        {campaign.budget && (
          <BudgetSection
            budget={campaign.budget}
            parameters={campaign.recipe?.parameters ?? null}
            tokens={campaign.recipe?.tokens ?? null}
          />
        )}
        <div class="panels">
          {campaign.recipe && <RecipeSection recipe={campaign.recipe} />}
          <section class="stack" aria-labelledby="runs-head" data-refresh="runs">
            <h2 id="runs-head">Training runs</h2>
            {runs.length === 0 ? (
              <p class="muted">A run starts when the campaign is funded and enough nodes have joined.</p>
            ) : (
              <ul class="rows">
                {runs.map((run, at) => (
                  <li key={run.id}>
                    <span class="rows-main">
                      <a href={`/runs/${encodeURIComponent(run.id)}`}>{at === 0 ? 'Latest run' : `Earlier run`}</a>{' '}
                      <State of={run.state} />
                    </span>
                    <span class="rows-amount">
                      {integer(run.step)} / {integer(run.targetSteps)} steps
                    </span>
                    <span class="rows-when">
                      {run.lastLoss === null ? 'no loss yet' : `loss ${run.lastLoss.toFixed(3)}`}
                    </span>
                  </li>
                ))}
              </ul>
            )}
          </section>
        </div>
      </div>
    ),
  });
}

function UpdatesSection({ record, path }: { record: CampaignRecord; path: string }) {
  const [newest] = nodesOf(record.updates);
  if (!newest) return null;
  return (
    <section class="stack" aria-labelledby="updates-head">
      <h2 id="updates-head">Updates</h2>
      <UpdateArticle update={newest} level={3} />
      <p>
        <a href={`${path}/updates`}>
          {newest.number > 1 ? `All ${newest.number} updates` : 'Its own page, with a feed'}
        </a>
      </p>
    </section>
  );
}

function RecipeSection({ recipe }: { recipe: RecipeFacts }) {
  return (
    <section class="stack" aria-labelledby="recipe-head">
      <h2 id="recipe-head">What is trained</h2>
      <dl class="facts">
        <Fact label="Recipe">{recipe.name}</Fact>
        <Fact label="Parameters">
          <span title={integer(recipe.parameters)}>{engineering(recipe.parameters)}</span>
        </Fact>
        <Fact label="Tokens">
          <span title={integer(recipe.tokens)}>{engineering(recipe.tokens)}</span>
        </Fact>
        <Fact label="Nodes">
          {recipe.minWorkers}–{recipe.maxWorkers} × {recipe.gpuClass}
        </Fact>
        {recipe.dataset && (
          <Fact label="Data">
            <a href={recipe.dataset.source}>{recipe.dataset.name}</a>, {recipe.dataset.licence}
          </Fact>
        )}
        <Fact label="Digest">
          <code class="hash">{recipe.digest}</code>
        </Fact>
      </dl>
    </section>
  );
}

function Fact(props: { label: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.label}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}
