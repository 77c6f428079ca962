/** `/campaigns/:slug/extension`: a backer says whether the money may wait for the extension. */
import { campaignExtensionConsent, campaignExtensionQuery } from '../api/campaign.documents.js';
import { mutate } from '../api/mutate.js';
import type { Goals, Progress } from '../api/shapes.js';
import { money } from '../format/amount.js';
import { dateTime } from '../format/moment.js';
import { page, redirect, type PageContext, type Result } from '../http/request.js';
import { UserErrors } from '../parts/form.js';
import { Notice } from '../parts/notice.js';
import { whyNothing } from './problem.page.js';

interface Extended extends Goals {
  id: string;
  slug: string;
  title: string;
  state: string;
  progress: Pick<Progress, 'cashCaptured' | 'cashRefunded' | 'cashDisputed'>;
  viewer: { backs: boolean; consents: boolean | null };
}

export async function extensionPage(context: PageContext, params: Record<string, string>): Promise<Result> {
  const slug = params.slug ?? '';
  const campaignPath = `/campaigns/${encodeURIComponent(slug)}`;
  const path = `${campaignPath}/extension`;
  if (!context.signedIn) return redirect(`/sign-in?return=${encodeURIComponent(path)}`);
  const answer = await context.ask<{ campaignBySlug: Extended | null }>(campaignExtensionQuery, { slug });
  const campaign = answer.data?.campaignBySlug;
  if (!campaign) return whyNothing(answer, 'campaign');
  const sent = context.method === 'POST';
  const agrees = context.form.get('agrees') === 'yes';
  const errors = sent
    ? (await mutate(context, campaignExtensionConsent, { campaignId: campaign.id, agrees })).errors
    : [];
  if (sent && errors.length === 0) return redirect(campaignPath);
  const { progress, cashGoal, deadline, viewer } = campaign;
  const net =
    BigInt(progress.cashCaptured.amountMinor) -
    BigInt(progress.cashRefunded.amountMinor) -
    BigInt(progress.cashDisputed.amountMinor);
  const open = campaign.state === 'EXTENDED';
  return page({
    title: `Extension of ${campaign.title}`,
    section: 'campaigns',
    status: errors.length > 0 ? 422 : 200,
    problems: answer.problems,
    body: (
      <div class="wrap narrow">
        <div>
          <p class="crumbs">
            <a href="/">Campaigns</a>
            <a href={campaignPath}>{campaign.title}</a>
          </p>
          <h1>May your money wait?</h1>
          {open && (
            <p class="lead">
              The campaign has {money({ ...progress.cashCaptured, amountMinor: net.toString() })}
              {cashGoal && ` of ${money(cashGoal)}`} and goes on{deadline && ` until ${dateTime(deadline)}`}, once.
            </p>
          )}
        </div>
        {!open && (
          <Notice tone="info" title="Nothing to decide">
            <p>The campaign is not being extended now.</p>
          </Notice>
        )}
        {open && !viewer.backs && (
          <Notice tone="info" title="This is for its backers">
            <p>No pledge of yours holds here. You can still pledge until the new deadline.</p>
          </Notice>
        )}
        {open && viewer.backs && (
          <form class="form panel" method="post" action={path}>
            <UserErrors errors={errors} />
            <p>
              If you agree, your pledge stays until the new deadline and is judged again with all others. If you do not,
              or say nothing, you get it back when the extension is over. You may change your mind until then.
            </p>
            {viewer.consents !== null && (
              <p class="muted">Your answer now: {viewer.consents ? 'my money may wait.' : 'I want it back.'}</p>
            )}
            <p class="actions">
              <button class="button cash" name="agrees" value="yes">
                It may wait
              </button>
              <button class="button quiet" name="agrees" value="no">
                Give it back
              </button>
            </p>
          </form>
        )}
      </div>
    ),
  });
}
