/** Where a campaign stands that no longer simply raises: extended, stopped, failed, or waiting to pay out. */
import type { CampaignRecord } from '../api/campaign.shapes.js';
import type { Goals, Progress } from '../api/shapes.js';
import { money } from '../format/amount.js';
import { dateTime, relative } from '../format/moment.js';
import { span } from '../format/span.js';
import { Notice } from './notice.js';

export interface Stands extends Goals {
  slug: string;
  state: string;
  progress: Progress;
  record: CampaignRecord;
  now: number;
}

const fails: Record<string, string> = {
  below_goal: 'Less was collected than its goals ask for.',
  nothing_given: 'Nothing was given.',
  collapse: 'Refunds and disputes brought it below its goals before any money had left.',
};

export function StandingSection(campaign: Stands) {
  const { record, state, now } = campaign;
  switch (state) {
    case 'EXTENDED':
      return <Extended {...campaign} />;
    case 'SUSPENDED':
      return (
        <Notice tone="bad" title="Suspended by the platform">
          <p>
            {record.decisionReason} No pledge is taken, nothing is charged and nothing is paid out; every deadline
            waits.
          </p>
        </Notice>
      );
    case 'SUCCEEDED':
    case 'TRAINING':
      return record.disbursedAt === null && record.safetyEndsAt !== null && Date.parse(record.safetyEndsAt) > now ? (
        <Notice tone="good" title="Funded. No money has left yet">
          <p>
            The safety window of {span(record.plan.windows.safetyWindowSeconds)} is over{' '}
            {relative(record.safetyEndsAt, now)}, on {dateTime(record.safetyEndsAt)}.
          </p>
        </Notice>
      ) : null;
    case 'FAILED':
    case 'CANCELLED':
    case 'REFUNDING':
    case 'REFUNDED':
      return <Ended {...campaign} />;
    case 'CLOSED':
      return (
        <Notice tone="info" title="Closed">
          <p>The last payout was made and every window for disputes is over. Its record stays.</p>
        </Notice>
      );
    default:
      return null;
  }
}

function Extended({ slug, record, deadline, now }: Stands) {
  const { backs, consents } = record.viewer;
  const judged = record.settlements.at(-1)?.judgedCash;
  return (
    <section class="panel standing" aria-labelledby="standing-head">
      <h2 id="standing-head" class="panel-head warn-ink">
        Narrowly short: extended once
      </h2>
      <p>
        {judged && `${money(judged, 'short')} was there at the verdict. `}
        {deadline && `The campaign goes on until ${dateTime(deadline)} (${relative(deadline, now)}). `}
        The money of backers who agree waits with it; everybody else gets theirs back.
      </p>
      {backs && (
        <p class="actions">
          <a class="button" href={`/campaigns/${encodeURIComponent(slug)}/extension`}>
            {consents === null ? 'Decide about my money' : 'Change my answer'}
          </a>
          <span class="muted">
            {consents === null
              ? 'You have not answered yet: without an answer your money goes back.'
              : consents
                ? 'You agreed: your money waits.'
                : 'You did not agree: your money goes back.'}
          </span>
        </p>
      )}
    </section>
  );
}

function Ended({ state, record, progress }: Stands) {
  const cancelled = record.endedAs === 'CANCELLED';
  const left = money(progress.cashHeld);
  const refunds =
    state === 'REFUNDED'
      ? 'Every pledge is at its end and everything that could go back went back.'
      : state === 'REFUNDING'
        ? `Refunds are on their way; ${money(progress.cashRefunded)} went back so far, ${left} is still held.`
        : 'Whatever was collected goes back.';
  return (
    <Notice tone={cancelled ? 'warn' : 'bad'} title={cancelled ? 'Given up' : 'It did not reach its goals'}>
      <p>
        {cancelled ? record.decisionReason : (fails[record.failReason ?? ''] ?? '')} {refunds}
      </p>
    </Notice>
  );
}
