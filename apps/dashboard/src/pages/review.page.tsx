/** `/review`: campaigns that wait for somebody who did not write them. */
import { reviewQuery } from '../api/organise.documents.js';
import { nodesOf, type Connection, type Person, type UserError } from '../api/shapes.js';
import { relative } from '../format/moment.js';
import { may } from '../format/powers.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { Empty, Notice } from '../parts/notice.js';
import { stepDone, takeStep } from './keep.steps.js';
import { ReviewSteps, Terms, type Kept } from './manage.page.js';
import { failurePage } from './problem.page.js';

interface Answer {
  viewer: { platformRoles: string[]; contributor: Person } | null;
  campaigns: Connection<Kept & { createdAt: string }>;
}

export async function reviewPage(context: PageContext): Promise<Result> {
  if (!(await context.viewer)) return redirect('/sign-in?return=/review');
  const { form } = context;
  const step = form.get('do') ?? '';
  const id = form.get('id') ?? '';
  let errors: UserError[] = [];
  if (context.method === 'POST') {
    errors = await takeStep(context, { id });
    if (errors.length === 0) return redirect(`/review?done=${encodeURIComponent(step)}`);
  }
  const answer = await context.ask<Answer>(reviewQuery);
  if (!answer.data?.viewer) return failurePage(answer.problems);
  const { viewer, campaigns } = answer.data;
  const waiting = nodesOf(campaigns);
  const said = stepDone[context.url.searchParams.get('done') ?? ''];
  return page({
    title: 'Review',
    section: 'account',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap">
        <div>
          <p class="crumbs">
            <a href="/account">Account</a>
          </p>
          <h1>Review</h1>
          <p class="lead">
            Nobody can pledge to a campaign that no reviewer has seen. An operator decides, or a reviewer of the project
            who did not write it.
          </p>
        </div>
        {said && errors.length === 0 && <Notice tone="good" title={said} live />}
        {waiting.length === 0 ? (
          <Empty title="Nothing waits for review">Campaigns appear here when their organisers hand them in.</Empty>
        ) : (
          waiting.map((campaign) => {
            const standing = {
              state: campaign.state,
              roles: campaign.project.viewerRoles,
              platformRoles: viewer.platformRoles,
            };
            return (
              <article key={campaign.id} class="stack review" aria-labelledby={`review-${campaign.slug}`}>
                <h2 id={`review-${campaign.slug}`}>
                  <a href={`/campaigns/${encodeURIComponent(campaign.slug)}/manage`}>{campaign.title}</a>
                </h2>
                <p class="card-meta">
                  <span>{campaign.project.name}</span>
                  {campaign.deadline && <span>ends {relative(campaign.deadline, context.now)}</span>}
                </p>
                <p>{campaign.summary || 'No summary.'}</p>
                <Terms campaign={campaign} />
                {may('review', standing) ? (
                  <div class="panels">
                    <ReviewSteps
                      path="/review"
                      id={campaign.id}
                      errors={id === campaign.id ? errors : []}
                      step={step}
                      typed={id === campaign.id ? (form.get('reason') ?? '') : ''}
                    />
                  </div>
                ) : (
                  <p class="muted">Somebody with the role reviewer, or an operator, decides.</p>
                )}
              </article>
            );
          })
        )}
      </div>
    ),
  });
}
