/** `/`: everything that is being raised, trained or done. */
import { campaignsQuery } from '../api/documents.js';
import { nodesOf, type CampaignCard, type Connection } from '../api/shapes.js';
import { gpuTime, money, percent } from '../format/amount.js';
import { relative, plural } from '../format/moment.js';
import { page, type PageContext, type Result } from '../http/request.js';
import { More } from '../parts/more.js';
import { Empty } from '../parts/notice.js';
import { cashBar, cashGoalOf, computeGoalOf, computeStanding, raised, sharesOf } from '../parts/progress.js';
import { State } from '../parts/state.js';
import { WeightsField } from '../parts/weights-field.js';
import { failurePage } from './problem.page.js';

const filters = [
  ['', 'All'],
  ['LIVE', 'Raising'],
  ['TRAINING', 'Training'],
  ['COMPLETED', 'Completed'],
] as const;

export async function campaignsPage(context: PageContext): Promise<Result> {
  const wanted = context.url.searchParams.get('state') ?? '';
  const state = filters.some(([code]) => code === wanted) && wanted ? wanted : undefined;
  const after = context.url.searchParams.get('after') ?? undefined;
  const answer = await context.ask<{ campaigns: Connection<CampaignCard> }>(campaignsQuery, {
    first: 12,
    after,
    state,
  });
  if (!answer.data) return failurePage(answer.problems);
  const { campaigns } = answer.data;
  const list = nodesOf(campaigns);
  return page({
    title: 'Campaigns',
    section: 'campaigns',
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div class="hero">
          <h1>Models trained in the open, by the people who need them.</h1>
          <p class="lead">
            Communities put money and GPU time together, train a model on lent machines, and publish a record that
            anyone can check: every cent, every GPU-second, every checkpoint.
          </p>
        </div>
        <div class="list-head">
          <nav class="tabs" aria-label="Filter campaigns">
            {filters.map(([code, label]) => (
              <a
                key={code}
                href={code ? `/?state=${code}` : '/'}
                aria-current={(state ?? '') === code ? 'true' : undefined}
              >
                {label}
              </a>
            ))}
          </nav>
          <p class="legend">
            <span>Each dot is a share of a goal:</span>
            <span>
              <span class="dot cash" aria-hidden="true" /> money
            </span>
            <span>
              <span class="dot compute" aria-hidden="true" /> GPU time
            </span>
          </p>
        </div>
        {list.length === 0 ? (
          <Empty title={state ? 'No campaign in this state' : 'No campaign yet'}>
            {state ? 'Look at all of them instead.' : 'The first one will appear here as soon as it is approved.'}
          </Empty>
        ) : (
          <ul class="cards">
            {list.map((campaign) => (
              <Card key={campaign.id} campaign={campaign} now={context.now} />
            ))}
          </ul>
        )}
        <More url={context.url} connection={campaigns} label="More campaigns" />
      </div>
    ),
  });
}

function Card({ campaign, now }: { campaign: CampaignCard; now: number }) {
  const shares = sharesOf(campaign);
  const total = raised(campaign.progress);
  const { deadline, progress } = campaign;
  const cashGoal = cashGoalOf(campaign);
  const compute = computeStanding(campaign);
  return (
    <li class="card">
      <WeightsField seed={campaign.slug} cash={shares.cash} compute={shares.compute} columns={20} rows={9} />
      <div class="card-text">
        <p class="card-meta">
          <State of={campaign.state} />
          {campaign.project && <span>{campaign.project.name}</span>}
        </p>
        <h2>
          <a href={`/campaigns/${encodeURIComponent(campaign.slug)}`}>{campaign.title}</a>
        </h2>
        <p class="card-summary">{campaign.summary}</p>
      </div>
      <div class="card-bars">
        {cashGoal && (
          <div>
            <p>
              <strong>{money(total.cash, 'short')}</strong>
              <span>
                of {money(cashGoal, 'short')} · {percent(total.cash.amountMinor, cashGoal.amountMinor)}
              </span>
            </p>
            {cashBar(progress, cashGoal)}
          </div>
        )}
        {computeGoalOf(campaign) && (
          <div>
            <p>
              <strong>{gpuTime(compute.figure)}</strong>
              <span>{compute.note}</span>
            </p>
            {compute.bar}
          </div>
        )}
        <p class="card-foot">
          {plural(progress.cashBackers + progress.computeBackers, 'backer')}
          {deadline && campaign.state === 'LIVE' && <> · ends {relative(deadline, now)}</>}
        </p>
      </div>
    </li>
  );
}
