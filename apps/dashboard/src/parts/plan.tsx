/** What backers agree to, in words and bars: goals, what the money is for, when it leaves, what happens if it falls short. */
import type { ComponentChildren } from 'preact';
import type { Evidence, Plan, StretchGoal } from '../api/campaign.shapes.js';
import type { Goals } from '../api/shapes.js';
import { decimal, gpuTime, integer, money, share, type Money } from '../format/amount.js';
import { date } from '../format/moment.js';
import { span } from '../format/span.js';
import { Bar } from './bar.js';
import { cashGoalOf, computeGoalOf } from './progress.js';
import { words } from './state.js';

export interface Planned extends Goals {
  plan: Plan;
  fundingModel: string;
}

export function PlanSection({ campaign, slug, version }: { campaign: Planned; slug?: string; version?: number }) {
  const { plan } = campaign;
  return (
    <section class="stack" aria-labelledby="plan-head">
      <h2 id="plan-head">What backers agree to</h2>
      {slug && version !== undefined && version > 0 && (
        <p class="muted">
          These are the terms in{' '}
          <a href={`/campaigns/${encodeURIComponent(slug)}/terms/${version}`}>version {version}</a>. Every version that
          a backer agreed to stays readable.
        </p>
      )}
      <div class="panels">
        <GoalsPanel campaign={campaign} />
        {plan.budgetLines.length > 0 && <BudgetPanel plan={plan} />}
        <TranchesPanel plan={plan} />
        <RulesPanel campaign={campaign} />
      </div>
    </section>
  );
}

const amountOf = (goal: StretchGoal, campaign: Goals): string =>
  goal.unit === 'CASH'
    ? money({ amountMinor: goal.amount, currency: campaign.cashGoal?.currency ?? 'USD' }, 'short')
    : gpuTime({ milliseconds: goal.amount, class: campaign.computeGoal?.class ?? 'cpu' });

function GoalsPanel({ campaign }: { campaign: Planned }) {
  const { plan } = campaign;
  const [cash, compute] = [cashGoalOf(campaign), computeGoalOf(campaign)];
  return (
    <div class="panel">
      <h3>Goals</h3>
      <dl class="terms">
        {cash && (
          <Term
            label="Money, at least"
            note={campaign.fundingModel === 'KEEP_IT_ALL' ? 'aimed for' : 'or all goes back'}
          >
            {money(cash, 'short')}
          </Term>
        )}
        {plan.cashOptimum && (
          <Term label="Money, at best" note="what the work would gladly have">
            {money(plan.cashOptimum, 'short')}
          </Term>
        )}
        {plan.hardCap && (
          <Term label="Hard cap" note="no pledge goes past it">
            {money(plan.hardCap, 'short')}
          </Term>
        )}
        {compute && (
          <Term label="GPU time" note="counted on its own">
            {gpuTime(compute)}
          </Term>
        )}
      </dl>
      {plan.stretchGoals.length > 0 && (
        <>
          <h4 class="eyebrow goals-more">With more</h4>
          <ol class="ladder">
            {plan.stretchGoals.map((goal) => (
              <li key={goal.number} class={goal.reachedAt ? 'reached' : undefined}>
                <span class="ladder-title">{goal.title}</span>
                <span class="ladder-amount">{amountOf(goal, campaign)}</span>
                <span class="ladder-note">
                  {goal.reachedAt ? `reached ${date(goal.reachedAt)}` : goal.unit === 'CASH' ? 'money' : 'GPU time'}
                </span>
              </li>
            ))}
          </ol>
        </>
      )}
    </div>
  );
}

function BudgetPanel({ plan }: { plan: Plan }) {
  const whole = plan.budgetLines.reduce((sum, { amount }) => sum + BigInt(amount.amountMinor), 0n);
  return (
    <div class="panel">
      <h3>What the money is for</h3>
      <ul class="shares">
        {plan.budgetLines.map((line) => (
          <li key={line.kind}>
            <p>
              <span>{words(line.kind)}</span>
              <strong>{money(line.amount, 'short')}</strong>
            </p>
            <Bar
              label={`${words(line.kind)}: ${Math.round(share(line.amount.amountMinor, whole.toString()))} percent`}
              layers={[{ tone: 'cash', from: 0, to: share(line.amount.amountMinor, whole.toString()) }]}
            />
            {line.note && <small class="muted">{line.note}</small>}
          </li>
        ))}
      </ul>
    </div>
  );
}

const basisPoints = (value: number): string => `${decimal(String(value), 2, value % 100 === 0 ? 0 : 2)} %`;

/** `0.5 %`-like figures of a vote and all the rest, as one sentence. */
export function evidenceText(evidence: Evidence): string {
  const more = evidence.description ? ` ${evidence.description}` : '';
  switch (evidence.kind.toUpperCase()) {
    case 'CHECKPOINT':
      return `A promoted checkpoint${evidence.minTokens ? ` after at least ${integer(evidence.minTokens)} tokens` : ''}.${more}`;
    case 'EVALUATION':
      return `An evaluation: ${evidence.metric ?? ''} ${/least/i.test(evidence.direction ?? '') ? 'at least' : 'at most'} ${evidence.threshold ?? ''}.${more}`;
    case 'VOTE':
      return `A vote of the backers: more than ${basisPoints(evidence.majorityBp ?? 5000)} of the votes${
        evidence.quorumBp ? `, at least ${basisPoints(evidence.quorumBp)} of backers voting` : ''
      }, open for ${span(evidence.votingSeconds ?? 0)}.${more}`;
    default:
      return `A report.${more}`;
  }
}

function TranchesPanel({ plan }: { plan: Plan }) {
  const approvals = plan.approvers.length === 0 ? 'reviewers or treasurers of the project' : 'named people';
  return (
    <div class="panel">
      <h3>When money leaves</h3>
      {plan.tranches.length === 0 ? (
        <p class="panel-note">
          All of it at once, {span(plan.windows.safetyWindowSeconds)} after success at the earliest.
        </p>
      ) : (
        <ol class="ladder">
          {plan.tranches.map((tranche) => (
            <li key={tranche.number}>
              <span class="ladder-title">{tranche.title}</span>
              <span class="ladder-amount">{basisPoints(tranche.shareBp)}</span>
              <span class="ladder-note">
                for {words(tranche.budgetKind).toLowerCase()}. {evidenceText(tranche.evidence)}
              </span>
            </li>
          ))}
        </ol>
      )}
      <p class="panel-note">
        Each payout takes {plan.approvalsRequired} {plan.approvalsRequired === 1 ? 'approval' : 'approvals'} by{' '}
        {approvals}, never by whoever brought the evidence.
      </p>
    </div>
  );
}

const modelRule: Record<string, string> = {
  ALL_OR_NOTHING: 'Nothing is charged before the deadline. Below a goal, nothing is kept.',
  KEEP_IT_ALL: 'Charged at once, kept whatever the sum.',
  TRANCHES: 'Charged at once and held in escrow. Below a goal everything goes back.',
};

function RulesPanel({ campaign }: { campaign: Planned }) {
  const { plan } = campaign;
  const { windows } = plan;
  const compute = computeGoalOf(campaign);
  const cover = plan.coverPricePerGpuHour;
  return (
    <div class="panel">
      <h3>Rules</h3>
      <dl class="rules">
        <Rule label="Charging">
          {modelRule[campaign.fundingModel] ?? words(campaign.fundingModel)}
          {campaign.fundingModel === 'ALL_OR_NOTHING' &&
            ` A charge that fails is tried again every ${span(windows.retryEverySeconds)} for ${span(windows.settlementWindowSeconds)}.`}
        </Rule>
        {compute && (
          <Rule label="If GPU time is missing">
            {cover
              ? `Money above the minimum may rent it at ${money(cover as Money)} an hour, a price fixed before the first pledge.`
              : 'Money covers none of it: each goal is judged on its own.'}
          </Rule>
        )}
        <Rule label="If there is more">
          {plan.surplus === 'OPTIMUM' && plan.cashOptimum
            ? `It is spent as planned up to ${money(plan.cashOptimum, 'short')}, and kept in reserve above.`
            : 'It is kept in reserve.'}{' '}
          GPU time that is not needed goes back to its donors.
        </Rule>
        {campaign.fundingModel !== 'KEEP_IT_ALL' && (
          <Rule label="If it falls just short">
            {plan.extension
              ? `Once, by at most ${basisPoints(plan.extension.toleranceBp)}: ${plan.extension.days} more days, with the money of those who agree.`
              : 'It is never extended.'}
          </Rule>
        )}
        <Rule label="Safety">
          The first money leaves {span(windows.safetyWindowSeconds)} after success at the earliest, and only while the
          goals are still met. For disputes a share stays back: cards {windows.reserveDays.card} days, US debits{' '}
          {windows.reserveDays.usBankAccount}, SEPA debits {windows.reserveDays.sepaDebit}, bank transfers{' '}
          {windows.reserveDays.bankTransfer}.
        </Rule>
      </dl>
    </div>
  );
}

const Term = (props: { label: string; note: string; children: ComponentChildren }) => (
  <div>
    <dt>
      {props.label}
      <small>{props.note}</small>
    </dt>
    <dd>{props.children}</dd>
  </div>
);

const Rule = (props: { label: string; children: ComponentChildren }) => (
  <div>
    <dt>{props.label}</dt>
    <dd>{props.children}</dd>
  </div>
);
