/**
 * The loss of a run over its steps. Drawn in percent coordinates, so that it fits any width without a script; the table
 * under it says the same to those who can't see it.
 */
import { useState } from 'preact/hooks';
import type { Attempt, Checkpoint } from '../api/shapes.js';
import { integer } from '../format/amount.js';

interface Point {
  step: number;
  loss: number;
  attempt: number;
}
interface Props {
  points: Point[];
  targetSteps: number;
  checkpoints: Checkpoint[];
  attempts: Attempt[];
}

/** Round numbers that cover the range, four to six of them. */
export function ticks(low: number, high: number, wanted = 5): number[] {
  const span = high - low || 1;
  const raw = span / wanted;
  const magnitude = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * magnitude).find((s) => s >= raw) ?? magnitude;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first) + 1 }, (_, at) =>
    Number(((first + at) * step).toPrecision(12)),
  );
}

export function LossChart({ points, targetSteps, checkpoints, attempts }: Props) {
  const [focus, setFocus] = useState<Point | null>(null);
  const losses = points.map((point) => point.loss);
  const high = Math.max(...losses);
  const low = Math.min(...losses);
  const room = (high - low || 1) * 0.08;
  const [bottom, top] = [low - room, high + room];
  const last = points.reduce<Point | null>((best, point) => (!best || point.step > best.step ? point : best), null);
  const end = Math.max(targetSteps, last?.step ?? 1, 1);
  const x = (step: number) => (step / end) * 100;
  const y = (loss: number) => ((top - loss) / (top - bottom)) * 100;
  const draw = (list: Point[]) =>
    list
      .map(
        (point, at) => `${at === 0 ? 'M' : 'L'}${(x(point.step) * 10).toFixed(1)} ${(y(point.loss) * 10).toFixed(1)}`,
      )
      .join('');
  const { kept, lost } = historyOf(points, attempts);
  const path = draw(kept);
  const lossAt = (step: number) => nearest(kept, step)?.loss ?? low;
  const restarts = attempts.filter((attempt) => attempt.number > 1 && attempt.restoredFromStep !== null);

  const follow = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    setFocus(nearest(kept, ((event.clientX - box.left) / box.width) * end));
  };

  return (
    <figure class="chart">
      <figcaption class="chart-caption">
        <span>
          <span class="swatch compute" aria-hidden="true" /> Loss
        </span>
        <span>
          <span class="swatch ring" aria-hidden="true" /> Checkpoint
        </span>
        {restarts.length > 0 && (
          <span>
            <span class="swatch restart" aria-hidden="true" /> Where a restart went on
          </span>
        )}
        <output class="chart-readout">
          {focus ? `step ${integer(focus.step)} · loss ${focus.loss.toFixed(3)}` : ''}
        </output>
      </figcaption>
      <svg
        class="plot"
        width="100%"
        height="260"
        role="img"
        aria-label={summaryOf(kept)}
        onPointerMove={follow}
        onPointerLeave={() => setFocus(null)}
      >
        <rect class="plot-catch" width="100%" height="100%" />
        {ticks(bottom, top).map((tick) => (
          <g key={tick}>
            <line class="plot-grid" x1="0" x2="100%" y1={`${y(tick)}%`} y2={`${y(tick)}%`} />
            <text x="-10" y={`${y(tick)}%`} dy="0.32em" text-anchor="end">
              {tick.toFixed(tick % 1 === 0 ? 1 : String(tick).split('.')[1]?.length)}
            </text>
          </g>
        ))}
        {ticks(0, end, 4).map((tick) => (
          <text
            key={tick}
            x={`${x(tick)}%`}
            y="100%"
            dy="1.6em"
            text-anchor={tick === 0 ? 'start' : x(tick) > 97 ? 'end' : 'middle'}
          >
            {integer(Math.round(tick))}
          </text>
        ))}
        {restarts.map((attempt) => (
          <line
            key={attempt.id}
            class="plot-restart"
            x1={`${x(Number(attempt.restoredFromStep ?? 0))}%`}
            x2={`${x(Number(attempt.restoredFromStep ?? 0))}%`}
            y1="0"
            y2="100%"
          />
        ))}
        <svg viewBox="0 0 1000 1000" preserveAspectRatio="none" width="100%" height="100%">
          {lost.map((list, at) => (
            <path key={at} class="plot-lost" d={draw(list)} vector-effect="non-scaling-stroke" />
          ))}
          {last && (
            <path
              class="plot-area"
              d={`${path}L${x(kept.at(-1)?.step ?? 0) * 10} 1000L${x(kept[0]?.step ?? 0) * 10} 1000Z`}
            />
          )}
          <path class="plot-line" d={path} vector-effect="non-scaling-stroke" />
        </svg>
        {checkpoints.map((checkpoint) => (
          <circle
            key={checkpoint.id}
            class="plot-checkpoint"
            cx={`${x(Number(checkpoint.step))}%`}
            cy={`${y(lossAt(Number(checkpoint.step)))}%`}
            r="4"
          />
        ))}
        {focus && (
          <>
            <line class="plot-cursor" x1={`${x(focus.step)}%`} x2={`${x(focus.step)}%`} y1="0" y2="100%" />
            <circle class="plot-dot" cx={`${x(focus.step)}%`} cy={`${y(focus.loss)}%`} r="4.5" />
          </>
        )}
      </svg>
      <details class="alternative">
        <summary>Loss as a table</summary>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col" class="num">
                Loss
              </th>
            </tr>
          </thead>
          <tbody>
            {sample(kept, 16).map((point) => (
              <tr key={point.step}>
                <th scope="row">{integer(point.step)}</th>
                <td class="num">{point.loss.toFixed(4)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}

/**
 * Steps that count, and steps that were made, lost with a node and made again: those of an attempt beyond the step from which a
 * later one went on.
 */
function historyOf(points: Point[], attempts: Attempt[]): { kept: Point[]; lost: Point[][] } {
  const cut = (attempt: number) =>
    Math.min(
      ...attempts
        .filter((later) => later.number > attempt && later.startedAt)
        .map((later) => Number(later.restoredFromStep ?? 0)),
    );
  const kept = points.filter((point) => point.step <= cut(point.attempt)).sort((a, b) => a.step - b.step);
  const lost = [...new Set(points.map((point) => point.attempt))]
    // The last point that counts begins the line, so that it leaves the curve where it was lost.
    .map((number) =>
      points.filter((point) => point.attempt === number && point.step >= cut(number)).sort((a, b) => a.step - b.step),
    )
    .filter((list) => list.length > 1);
  return { kept, lost };
}

function summaryOf(points: Point[]): string {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return 'No loss measured yet';
  return `Loss over steps: ${first.loss.toFixed(2)} at step ${first.step}, ${last.loss.toFixed(2)} at step ${last.step}. The table below has the values.`;
}

function nearest(points: Point[], step: number): Point | null {
  let best: Point | null = null;
  for (const point of points) if (!best || Math.abs(point.step - step) < Math.abs(best.step - step)) best = point;
  return best;
}

/** Evenly spread points, the first and the last among them. */
export function sample<T>(list: T[], count: number): T[] {
  if (list.length <= count) return list;
  return Array.from({ length: count }, (_, at) => list[Math.round((at * (list.length - 1)) / (count - 1))] as T);
}
