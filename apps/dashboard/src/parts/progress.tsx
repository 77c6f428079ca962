/** What a campaign has: money and compute side by side, each stage of a promise apart from the next. */
import { gpuSeconds, gpuTime, money, percent, share, type GpuTime, type Money } from '../format/amount.js';
import { plural } from '../format/moment.js';
import type { Goals, Progress } from '../api/shapes.js';
import { Bar } from './bar.js';
import { Icon } from './mark.js';

export interface Shares {
  cash: number;
  compute: number;
}

/** What stands towards the goals: money promised or paid less what went back, and GPU time that donors committed. */
export function raised(progress: Progress): { cash: Money; compute: GpuTime } {
  const total =
    BigInt(progress.cashPledged.amountMinor) +
    BigInt(progress.cashCaptured.amountMinor) -
    BigInt(progress.cashRefunded.amountMinor) -
    BigInt(progress.cashDisputed.amountMinor);
  return { cash: { ...progress.cashCaptured, amountMinor: total.toString() }, compute: progress.computePledged };
}

/** A goal of zero is no goal: the campaign asks for the other kind only. */
export const cashGoalOf = (goals: Goals): Money | null =>
  goals.cashGoal && goals.cashGoal.amountMinor !== '0' ? goals.cashGoal : null;
export const computeGoalOf = (goals: Goals): GpuTime | null =>
  goals.computeGoal && goals.computeGoal.milliseconds !== '0' ? goals.computeGoal : null;

interface Standing extends Goals {
  state: string;
  progress: Progress;
}

export function sharesOf(campaign: Standing): Shares {
  const { cash, compute } = raised(campaign.progress);
  const [cashGoal, computeGoal] = [cashGoalOf(campaign), computeGoalOf(campaign)];
  // A campaign that asks for one kind only is drawn in that kind alone.
  const cashShare = cashGoal ? share(cash.amountMinor, cashGoal.amountMinor) : null;
  const computeShare = computeGoal
    ? isDone(campaign)
      ? 100
      : share(compute.milliseconds, computeGoal.milliseconds)
    : null;
  return {
    cash: cashShare ?? computeShare ?? 0,
    compute: computeShare ?? cashShare ?? 0,
  };
}

/** After its training a campaign gives back what it did not need, so what is left is no measure of what was raised. */
const isDone = (campaign: { state: string }): boolean => campaign.state === 'COMPLETED';

/** An amount never breaks inside: `132.3 CPU-` alone on a line says nothing. */
const Amount = ({ text }: { text: string }) => <span class="nowrap">{text}</span>;

/** The compute of a campaign in one line and a bar: what is promised towards the goal, or in the end what was used. */
export function computeStanding(campaign: Standing) {
  const { progress } = campaign;
  const goal = computeGoalOf(campaign);
  if (isDone(campaign)) {
    return {
      figure: progress.computeDelivered,
      note: goal ? (
        <>
          used, of <Amount text={gpuTime(goal)} /> asked for
        </>
      ) : (
        <>used</>
      ),
      bar: computeBar(progress, progress.computeDelivered),
    };
  }
  const { compute } = raised(progress);
  return {
    figure: compute,
    note: goal ? (
      <>
        of <Amount text={gpuTime(goal)} /> · {percent(compute.milliseconds, goal.milliseconds)}
      </>
    ) : (
      <>no compute goal</>
    ),
    bar: computeBar(progress, goal),
  };
}

export function cashBar(progress: Progress, goal: Money | null) {
  const whole = goal?.amountMinor ?? '0';
  const paid = BigInt(raised(progress).cash.amountMinor) - BigInt(progress.cashPledged.amountMinor);
  const captured = share(paid, whole);
  const all = share(raised(progress).cash.amountMinor, whole);
  return (
    <Bar
      label={`${percent(progress.cashCaptured.amountMinor, whole)} of the cash goal captured`}
      layers={[
        { tone: 'cash-promised', from: 0, to: all },
        { tone: 'cash', from: 0, to: captured },
      ]}
    />
  );
}

function computeBar(progress: Progress, goal: GpuTime | null) {
  const whole = goal?.milliseconds ?? '0';
  const part = (time: GpuTime) => share(time.milliseconds, whole);
  return (
    <Bar
      label={`${percent(progress.computePledged.milliseconds, whole)} of the compute goal pledged, ${percent(progress.computeAccepted.milliseconds, whole)} accepted`}
      layers={[
        { tone: 'compute-promised', from: 0, to: part(progress.computePledged) },
        { tone: 'compute-delivered', from: 0, to: part(progress.computeDelivered) },
        { tone: 'compute', from: 0, to: part(progress.computeAccepted) },
      ]}
    />
  );
}

interface Term {
  tone?: string;
  label: string;
  value: string;
  exact?: string;
  note: string;
}

function Terms({ terms }: { terms: Term[] }) {
  return (
    <dl class="terms">
      {terms.map((term) => (
        <div key={term.label}>
          <dt>
            <span class={`swatch ${term.tone ?? 'none'}`} aria-hidden="true" />
            {term.label}
            <small>{term.note}</small>
          </dt>
          <dd title={term.exact}>{term.value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function ProgressPanels({ campaign }: { campaign: Standing }) {
  const { progress } = campaign;
  const cashGoal = cashGoalOf(campaign);
  const compute = computeStanding(campaign);
  const total = raised(progress);
  const time = (value: GpuTime) => ({ value: gpuTime(value), exact: gpuSeconds(value) });
  return (
    <div class="panels">
      <section class="panel" aria-labelledby="cash-head">
        <h2 id="cash-head" class="panel-head cash-ink">
          <Icon name="card" /> Money
        </h2>
        <p class="figure">
          <strong>{money(total.cash, 'short')}</strong>
          <span>
            {cashGoal
              ? `of ${money(cashGoal, 'short')} · ${percent(total.cash.amountMinor, cashGoal.amountMinor)}`
              : 'no cash goal'}
          </span>
        </p>
        {cashBar(progress, cashGoal)}
        <p class="panel-note">{plural(progress.cashBackers, 'backer')}</p>
        <Terms
          terms={[
            {
              tone: 'cash-promised',
              label: 'Pledged',
              note: 'promised, not charged yet',
              value: money(progress.cashPledged),
            },
            { tone: 'cash', label: 'Captured', note: 'paid by backers', value: money(progress.cashCaptured) },
            { label: 'Refunded', note: 'given back', value: money(progress.cashRefunded) },
            { label: 'Disputed', note: 'claimed back through a bank', value: money(progress.cashDisputed) },
            { label: 'Fees', note: 'kept by the payment processor', value: money(progress.cashFees) },
            { tone: 'held', label: 'Held', note: 'in the campaign’s escrow now', value: money(progress.cashHeld) },
          ]}
        />
      </section>
      <section class="panel" aria-labelledby="compute-head">
        <h2 id="compute-head" class="panel-head compute-ink">
          <Icon name="chip" /> Compute
        </h2>
        <p class="figure">
          <strong title={gpuSeconds(compute.figure)}>{gpuTime(compute.figure)}</strong>
          <span>{compute.note}</span>
        </p>
        {compute.bar}
        <p class="panel-note">
          {isDone(campaign) ? 'what was not needed went back to its donors' : plural(progress.computeBackers, 'donor')}
        </p>
        <Terms
          terms={[
            { label: 'Offered', note: 'not accepted yet', ...time(progress.computeOffered) },
            {
              tone: 'compute-promised',
              label: 'Pledged',
              note: 'committed by donors',
              ...time(progress.computePledged),
            },
            { tone: 'none', label: 'Reserved', note: 'on a lease at this moment', ...time(progress.computeReserved) },
            {
              tone: 'compute-delivered',
              label: 'Delivered',
              note: 'measured on donors’ machines',
              ...time(progress.computeDelivered),
            },
            { tone: 'compute', label: 'Accepted', note: 'verified and settled', ...time(progress.computeAccepted) },
          ]}
        />
      </section>
    </div>
  );
}
