/** The close of a campaign while it goes on: what is charged, what waits, what failed, and when it ends. */
import type { CampaignLive, Closing, ClosingFigure } from '../api/shapes.js';
import { money, percent, share } from '../format/amount.js';
import { dateTime, plural, relative } from '../format/moment.js';
import { Bar } from './bar.js';
import { raised } from './progress.js';

const causes: Record<string, string> = {
  deadline: 'The deadline has passed',
  hard_cap: 'The hard cap is reached',
  extension_over: 'The extension is over',
};
export function ClosingSection({ campaign, now }: { campaign: CampaignLive; now: number }) {
  const { progress, cashGoal, settlementEndsAt, settlement } = campaign;
  const last = campaign.settlements.at(-1);
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
        {settlementEndsAt &&
          ` The verdict falls when every pledge is at rest, at the latest ${relative(settlementEndsAt, now)}, on ${dateTime(settlementEndsAt)}.`}{' '}
        It looks at money that is really there, not at promises.
      </p>
      {settlement && <ClosingFigures of={settlement} />}
    </section>
  );
}

/** How the frozen pledges stand: charged, on their way, waiting for their backers, failed, given up. */
function ClosingFigures({ of }: { of: Closing }) {
  const rows: [label: string, note: string, figure: ClosingFigure][] = [
    ['Waiting', 'frozen and not charged yet', of.frozen],
    ['Charging', 'on their way', of.charging],
    ['Awaited', 'bank transfers on their way', of.awaited],
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
