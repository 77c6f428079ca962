/** The price of a run, term by term, so that anybody can follow it with a pencil. */
import { decimal, engineering, flop, gpuSeconds, gpuTime, integer, money } from '../format/amount.js';
import type { Budget, BudgetLine } from '../api/shapes.js';

export function BudgetSection(props: { budget: Budget; parameters: string | null; tokens: string | null }) {
  const { budget, parameters, tokens } = props;
  return (
    <section class="stack" aria-labelledby="budget-head">
      <h2 id="budget-head">Why it costs this much</h2>
      <div class="equation" role="list">
        {parameters && tokens && (
          <>
            <Step value={engineering(parameters)} label="parameters N" exact={integer(parameters)} />
            <Operator sign="×" />
            <Step value={engineering(tokens)} label="tokens D" exact={integer(tokens)} />
            <Operator sign="× 6 =" />
          </>
        )}
        <Step value={flop(budget.flop)} label="of training" exact={integer(budget.flop)} />
        <Operator sign="÷" />
        <Step
          value={`${flop(budget.peakFlopPerSecond)}/s × ${budget.mfu}`}
          label="peak speed × what of it is used"
          exact={integer(budget.peakFlopPerSecond)}
        />
        <Operator sign="→" />
        <Step value={gpuTime(budget.gpuTime)} label="with reserve" exact={gpuSeconds(budget.gpuTime)} strong />
      </div>
      <div class="scroll">
        <table class="table stacked">
          <thead>
            <tr>
              <th scope="col">Term</th>
              <th scope="col">How it is worked out</th>
              <th scope="col" class="num">
                Amount
              </th>
            </tr>
          </thead>
          <tbody>
            {budget.lines.map((line) => (
              <tr key={line.code}>
                <th scope="row">{line.label}</th>
                <td data-label="How it is worked out" class="whole">
                  <span class="formula">{line.formula}</span>
                  {line.source && <Source text={line.source} />}
                </td>
                <td data-label="Amount" class="num" title={`${integer(line.amount)} ${line.unit}`}>
                  {amountOf(line, budget.gpuTime.class)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Source({ text }: { text: string }) {
  return <small class="source">{/^https?:/.test(text) ? <a href={text}>source</a> : text}</small>;
}

/** Lines carry their own unit; the ones we know are shown as people read them, others as they are. */
export function amountOf(line: Pick<BudgetLine, 'amount' | 'unit'>, acceleratorClass: string): string {
  const { amount, unit } = line;
  switch (unit) {
    case 'US cent':
      return money({ amountMinor: amount, currency: 'USD' });
    case 'GPU-millisecond':
      return gpuTime({ milliseconds: amount, class: acceleratorClass });
    case 'FLOP':
      return flop(amount);
    case 'FLOP/s':
      return `${flop(amount)}/s`;
    case 'basis point':
      return `${decimal(amount, 2, BigInt(amount) % 100n === 0n ? 0 : 2)} %`;
    default:
      return integer(amount);
  }
}

function Step(props: { value: string; label: string; exact: string; strong?: boolean }) {
  return (
    <span role="listitem" class={props.strong ? 'step strong' : 'step'} title={props.exact}>
      <strong>{props.value}</strong>
      <small>{props.label}</small>
    </span>
  );
}

function Operator({ sign }: { sign: string }) {
  return (
    <span role="listitem" class="operator">
      {sign}
    </span>
  );
}
