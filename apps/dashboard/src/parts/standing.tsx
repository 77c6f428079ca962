/** Where a campaign stands that no longer simply raises: frozen, extended, stopped, failed, or waiting to pay out. */
import type { CampaignRecord, Closing, ClosingFigure } from '../api/campaign.shapes.js';
import type { Goals, Progress } from '../api/shapes.js';
import { money, percent, share } from '../format/amount.js';
import { dateTime, plural, relative } from '../format/moment.js';
import { span } from '../format/span.js';
import { Bar } from './bar.js';
import { Notice } from './notice.js';
import { raised } from './progress.js';

export interface Stands extends Goals {
  slug: string;
  state: string;
  progress: Progress;
  record: CampaignRecord;
  now: number;
}

const causes: Record<string, string> = {
  deadline: 'The deadline has passed',
  hard_cap: 'The hard cap is reached',
  extension_over: 'The extension is over',
};
const fails: Record<string, string> = {
  below_goal: 'Less was collected than its goals ask for.',
  nothing_given: 'Nothing was given.',
  collapse: 'Refunds and disputes brought it below its goals before any money had left.',
};

export function StandingSection(campaign: Stands) {
  const { record, state, now } = campaign;
  switch (state) {
    case 'SETTLING':
      return <Settling {...campaign} />;
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

function Settling({ record, progress, cashGoal, now }: Stands) {
  const last = record.settlements.at(-1);
  const there = raised(progress).cash;
  const net = BigInt(there.amountMinor) - BigInt(progress.cashPledged.amountMinor);
  const whole = cashGoal?.amountMinor ?? '0';
  const collected = { ...there, amountMinor: net.toString() };
  return (
    <section class="panel standing" aria-labelledby="standing-head">
      <h2 id="standing-head" class="panel-head cash-ink">
        Pledges are frozen and being charged
      </h2>
      <p class="figure">
        <strong>{money(collected, 'short')}</strong>
        <span>
          really collected
          {cashGoal && whole !== '0' && ` of ${money(cashGoal, 'short')} · ${percent(collected.amountMinor, whole)}`}
        </span>
      </p>
      <Bar
        label={`${percent(collected.amountMinor, whole)} of the goal collected`}
        layers={[
          { tone: 'cash-promised', from: 0, to: share(there.amountMinor, whole) },
          { tone: 'cash', from: 0, to: share(collected.amountMinor, whole) },
        ]}
      />
      <p class="panel-note">
        {causes[last?.cause ?? ''] ?? 'The deadline has passed'}. {money(progress.cashPledged)} still waits for its
        charge.
        {record.settlementEndsAt &&
          ` The verdict falls when every pledge is at rest, at the latest ${relative(record.settlementEndsAt, now)}, on ${dateTime(record.settlementEndsAt)}.`}{' '}
        It looks at money that is really there, not at promises.
      </p>
      {record.settlement && <ClosingFigures of={record.settlement} />}
    </section>
  );
}

/** How the frozen pledges stand: charged, on their way, waiting for their backers, failed, given up. */
function ClosingFigures({ of }: { of: Closing }) {
  const rows: [label: string, note: string, figure: ClosingFigure][] = [
    ['Waiting', 'frozen and not charged yet', of.frozen],
    ['Charging', 'on their way', of.charging],
    ['Collected', 'really there', of.collected],
    ['Needs action', 'a bank asks the backer', of.needsAction],
    ['Failed', 'tried again until the window closes', of.errored],
    ['Dropped', 'given up', of.dropped],
  ];
  return (
    <dl class="terms">
      {rows.map(([label, note, figure]) => (
        <div key={label}>
          <dt>
            {label}
            <small>
              {note}, {plural(figure.pledges, 'pledge')}
            </small>
          </dt>
          <dd>{money(figure.amount)}</dd>
        </div>
      ))}
    </dl>
  );
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
