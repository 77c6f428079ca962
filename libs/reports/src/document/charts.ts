/** The pictures of a report. Arithmetic only (no trigonometry, no platform-dependent functions), rounded to 1/100. */
import type { Chart, Mark } from './document.js';

const WIDTH = 720;

export interface LinePoint {
  readonly x: number;
  readonly y: number;
}

export function lineChart(input: {
  title: string;
  description: string;
  xLabel: string;
  yLabel: string;
  points: readonly LinePoint[];
}): Chart {
  const height = 300;
  const box = { left: 64, right: WIDTH - 16, top: 28, bottom: height - 44 };
  const xs = input.points.map((point) => point.x);
  const ys = input.points.map((point) => point.y);
  const [minX, maxX] = [Math.min(...xs), Math.max(...xs)];
  const ticks = axisTicks(Math.min(...ys), Math.max(...ys));
  const [low, high] = [ticks[0] ?? 0, ticks.at(-1) ?? 1];
  const atX = (x: number): number =>
    round(
      maxX === minX ? (box.left + box.right) / 2 : box.left + ((x - minX) / (maxX - minX)) * (box.right - box.left),
    );
  const atY = (y: number): number => round(box.bottom - ((y - low) / (high - low)) * (box.bottom - box.top));
  const marks: Mark[] = [
    ...ticks.flatMap((tick): Mark[] => [
      {
        kind: 'line',
        points: [
          [box.left, atY(tick)],
          [box.right, atY(tick)],
        ],
        tone: 'grid',
        width: 1,
      },
      {
        kind: 'text',
        x: box.left - 8,
        y: atY(tick) + 4,
        text: tickText(tick, high - low),
        anchor: 'end',
        tone: 'muted',
      },
    ]),
    { kind: 'text', x: box.left - 48, y: 14, text: input.yLabel, anchor: 'start', tone: 'muted' },
    { kind: 'text', x: box.left, y: height - 22, text: String(minX), anchor: 'start', tone: 'muted' },
    { kind: 'text', x: box.right, y: height - 22, text: String(maxX), anchor: 'end', tone: 'muted' },
    {
      kind: 'text',
      x: round((box.left + box.right) / 2),
      y: height - 6,
      text: input.xLabel,
      anchor: 'middle',
      tone: 'muted',
    },
    {
      kind: 'line',
      points: input.points.map((point) => [atX(point.x), atY(point.y)] as const),
      tone: 'accent',
      width: 2,
    },
    ...input.points.map((point): Mark => ({ kind: 'dot', x: atX(point.x), y: atY(point.y), tone: 'accent' })),
  ];
  return { kind: 'chart', title: input.title, description: input.description, width: WIDTH, height, marks };
}

export interface Bar {
  readonly label: string;
  /** In minor units; only its size is drawn. */
  readonly value: bigint;
  readonly text: string;
  readonly tone: 'accent' | 'good' | 'bad' | 'muted';
}

/** Horizontal bars from a common left edge, each with its figure written beside it. */
export function barChart(input: { title: string; description: string; bars: readonly Bar[] }): Chart {
  const row = 34;
  const left = 170;
  const room = WIDTH - left - 150;
  const top = 8;
  const most = input.bars.reduce((max, bar) => (abs(bar.value) > max ? abs(bar.value) : max), 1n);
  const marks = input.bars.flatMap((bar, i): Mark[] => {
    const y = top + i * row;
    const width = Number((abs(bar.value) * BigInt(room * 100)) / most) / 100;
    return [
      { kind: 'text', x: left - 10, y: y + 18, text: bar.label, anchor: 'end', tone: 'ink' },
      { kind: 'rect', x: left, y: y + 4, width: Math.max(width, 1), height: row - 14, tone: bar.tone },
      {
        kind: 'text',
        x: round(left + Math.max(width, 1) + 8),
        y: y + 18,
        text: bar.text,
        anchor: 'start',
        tone: 'ink',
      },
    ];
  });
  return {
    kind: 'chart',
    title: input.title,
    description: input.description,
    width: WIDTH,
    height: top * 2 + row * input.bars.length,
    marks,
  };
}

/** Three to six round values that enclose the range. */
function axisTicks(low: number, high: number): number[] {
  const span = high > low ? high - low : Math.max(Math.abs(high), 1);
  let step = 1;
  while (step > span / 3) step /= 10;
  while (step * 10 <= span / 3) step *= 10;
  const factor = [1, 2, 5, 10].find((f) => step * f * 5 >= span) ?? 10;
  const unit = step * factor;
  const first = Math.floor(low / unit);
  const last = Math.max(Math.ceil(high / unit), first + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => round((first + i) * unit * 100) / 100);
}

function tickText(value: number, span: number): string {
  return value.toFixed(span < 1 ? 2 : span < 10 ? 1 : 0);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}
