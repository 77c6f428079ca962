/**
 * The picture of a campaign: a field of weights, part green for money, part violet for compute, that fills from the left as each
 * goal is approached. The pattern is drawn from the campaign's own slug, so that each has its face. Dots are zero-length strokes
 * with round caps: a few paths instead of hundreds of circles.
 */
interface Props {
  seed: string;
  cash: number;
  compute: number;
  columns?: number;
  rows?: number;
}

const pitch = 14;
const sizes = [3.5, 6, 8.5];

export function WeightsField({ seed, cash, compute, columns = 40, rows = 6 }: Props) {
  const next = generator(seed);
  const strokes = new Map<string, string>();
  for (let column = 0; column < columns; column += 1) {
    for (let row = 0; row < rows; row += 1) {
      const draw = next();
      const kind = draw % 2 === 0 ? 'cash' : 'compute';
      const size = (draw >> 3) % 3;
      // A ragged edge: each weight has its own threshold near its column.
      const threshold = ((column + ((draw >> 7) % 100) / 50 - 0.5) / columns) * 100;
      const reached = kind === 'cash' ? cash : compute;
      const lit = reached > 0 && threshold < reached;
      const key = `${lit ? kind : 'off'} w${size}`;
      strokes.set(key, `${strokes.get(key) ?? ''}M${column * pitch + 7} ${row * pitch + 7}h0`);
    }
  }
  return (
    <svg
      class="field"
      preserveAspectRatio="xMinYMid slice"
      viewBox={`0 0 ${columns * pitch} ${rows * pitch}`}
      aria-hidden="true"
    >
      {[...strokes].map(([key, path]) => (
        <path key={key} class={key} d={path} stroke-width={sizes[Number(key.slice(-1))]} />
      ))}
    </svg>
  );
}

/** FNV-1a to seed, xorshift to go on: the same picture on the server and in the browser. */
function generator(seed: string): () => number {
  let state = 2166136261;
  for (let at = 0; at < seed.length; at += 1) state = Math.imul(state ^ seed.charCodeAt(at), 16777619);
  state |= 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 4;
  };
}
