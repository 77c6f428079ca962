import { isRefused } from '#kernel';
import { type MatchGift, type MatchRound, type MatchRule, computeMatch } from '#matching';

interface BenchResult {
  readonly name: string;
  readonly ours: number;
  readonly peer: number;
  readonly unit: string;
  readonly ratio: number;
  readonly note: string;
}

const PROJECTS = 1000;
const GIFTS = 1_000_000;
const POOL = 50_000_000_00n;

/**
 * Gifts a second through the exact engine, beside the plain way of it in floating point: sums and roots in doubles, the
 * pool scaled and cut to whole units. The two take turns; the figure of each is its best round, since everything else
 * on the machine only makes it slower. The exact one is checked: its parts sum to the pool. The peer's don't, and how
 * many units it loses is told.
 */
export async function run(ctx: { seconds: number; log: (line: string) => void }): Promise<BenchResult[]> {
  const rules: [string, MatchRule, number][] = [
    ['match, linear', { kind: 'linear', ratioMillionths: 1_000_000n }, GIFTS],
    ['match, quadratic', { kind: 'quadratic' }, GIFTS],
    ['match, pairwise', { kind: 'pairwise', boundMinor: 10_000n, form: 'bounded', pairs: 'twice' }, GIFTS],
    ['match, cluster', { kind: 'cluster' }, GIFTS],
    ['match, connection-oriented', { kind: 'connection_oriented', unitMinor: 100n, connection: 'hard' }, GIFTS],
  ];
  const gifts = makeGifts(GIFTS);
  const groups = makeGroups();
  const results: BenchResult[] = [];
  for (const [name, rule, count] of rules) {
    const round: MatchRound = {
      rule,
      poolMinor: POOL,
      unsaturated: 'scale_up',
      projects: Array.from({ length: PROJECTS }, (_, n) => ({ id: `project-${n}` })),
      gifts: gifts.slice(0, count),
      ...(rule.kind === 'cluster' || rule.kind === 'connection_oriented' ? { groups } : {}),
    };
    results.push(compare(name, round, (ctx.seconds * 1000) / rules.length, ctx.log));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return results;
}

function compare(name: string, round: MatchRound, forMs: number, log: (line: string) => void): BenchResult {
  const end = performance.now() + forMs;
  let ours = Infinity;
  let peer = Infinity;
  let lost = 0n;
  do {
    const start = performance.now();
    const outcome = computeMatch(round);
    ours = Math.min(ours, performance.now() - start);
    if (isRefused(outcome)) throw new Error(outcome.first.message);
    const paid = outcome.projects.reduce((sum, p) => sum + p.matchMinor, 0n);
    if (paid !== POOL) throw new Error(`${name} paid ${paid} of ${POOL}`);
    const begin = performance.now();
    const parts = inFloatingPoint(round);
    peer = Math.min(peer, performance.now() - begin);
    lost = POOL - parts.reduce((sum, part) => sum + BigInt(part), 0n);
  } while (performance.now() < end);
  const rate = (ms: number) => (round.gifts.length / ms) * 1000;
  log(
    `${name}: ${round.gifts.length} gifts to ${PROJECTS} projects in ${(ours / 1000).toFixed(2)} s, exact; floating point ${(peer / 1000).toFixed(2)} s, ${lost} units lost`,
  );
  return {
    name,
    ours: rate(ours),
    peer: rate(peer),
    unit: 'gifts/s',
    ratio: peer / ours,
    note: `exact beside doubles: ${round.gifts.length} gifts in ${(ours / 1000).toFixed(2)} s and ${(peer / 1000).toFixed(2)} s; the peer ${round.rule.kind === 'linear' || round.rule.kind === 'quadratic' || round.rule.kind === 'pairwise' ? 'computes the same rule' : 'computes plain quadratic'} and misses the pool by ${lost} units`,
  };
}

/** What the product never does with an amount. */
const asDouble = (units: bigint): number => Number(units);

/** How it is usually written. */
function inFloatingPoint(round: MatchRound): number[] {
  const projects = new Map<string, Map<string, number>>(round.projects.map(({ id }) => [id, new Map()]));
  for (const gift of round.gifts) {
    const sums = projects.get(gift.project);
    sums?.set(gift.donor, (sums.get(gift.donor) ?? 0) + asDouble(gift.amountMinor));
  }
  const rows = [...projects.values()].map((sums) => [...sums]);
  const claims = round.rule.kind === 'pairwise' ? floatPairs(rows) : rows.map((row) => floatClaim(row, round.rule));
  const total = claims.reduce((a, b) => a + b, 0);
  return claims.map((claim) => Math.floor((asDouble(round.poolMinor) * claim) / total));
}

function floatClaim(row: readonly (readonly [string, number])[], rule: MatchRule): number {
  let sum = 0;
  let roots = 0;
  for (const [, amount] of row) {
    sum += amount;
    roots += Math.sqrt(amount);
  }
  return rule.kind === 'linear' ? sum : roots * roots - sum;
}

/** Donor by donor, as a table of all pairs would not fit into memory. */
function floatPairs(rows: readonly (readonly (readonly [string, number])[])[]): number[] {
  const numbers = new Map<string, number>();
  const numberOf = (donor: string): number => {
    const known = numbers.get(donor) ?? numbers.size;
    numbers.set(donor, known);
    return known;
  };
  const sorted = rows.map((row) =>
    row.map(([d, a]) => [numberOf(d), Math.sqrt(a)] as const).sort((a, b) => a[0] - b[0]),
  );
  const donors = sorted.map((row) => Int32Array.from(row, ([donor]) => donor));
  const roots = sorted.map((row) => Float64Array.from(row, ([, root]) => root));
  const places: [number, number][][] = Array.from({ length: numbers.size }, () => []);
  for (const [project, own] of donors.entries())
    for (const [at, donor] of own.entries()) places[donor]?.push([project, at]);
  const claims = new Float64Array(rows.length);
  const shared = new Float64Array(numbers.size);
  for (const own of places) {
    for (const sign of [1, 0, -1])
      for (const [project, at] of own) {
        const others = donors[project] as Int32Array;
        const their = roots[project] as Float64Array;
        const mine = their[at] ?? 0;
        for (let n = at + 1; n < others.length; n += 1) {
          const other = others[n] as number;
          const product = mine * (their[n] as number);
          if (sign === 1) shared[other] = (shared[other] as number) + product;
          else if (sign === -1) shared[other] = 0;
          else
            claims[project] =
              (claims[project] as number) + (2 * product * 10_000) / (10_000 + (shared[other] as number));
        }
      }
  }
  return [...claims];
}

const DONORS = 200_000;

/** The same gifts in every run: amounts from $1 to $2,500, most of them small. */
function makeGifts(count: number): MatchGift[] {
  let state = 88_172_645_463_325_252n;
  const next = (below: number): number => {
    state ^= (state << 13n) & 0xffffffffffffffffn;
    state ^= state >> 7n;
    state ^= (state << 17n) & 0xffffffffffffffffn;
    return Number(state % BigInt(below));
  };
  return Array.from({ length: count }, () => ({
    donor: `donor-${next(DONORS)}`,
    project: `project-${next(PROJECTS)}`,
    amountMinor: BigInt(100 + next(next(250_000) + 1)),
  }));
}

/** A fifth of the donors in 200 groups, some in two. */
function makeGroups(): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>(Array.from({ length: 200 }, (_, n) => [`group-${n}`, []]));
  for (let n = 0; n < DONORS; n += 5) {
    groups.get(`group-${n % 200}`)?.push(`donor-${n}`);
    if (n % 15 === 0) groups.get(`group-${(n + 1) % 200}`)?.push(`donor-${n}`);
  }
  return groups;
}
