import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ChallengePlan,
  challengeSeed,
  factor,
  lookedAt,
  planFault,
  planOperations,
  residues,
  rotations,
  symmetric,
} from './challenge.plan.js';
import { ChallengeProver, type OpenedMatrix } from './challenge.prover.js';
import { verifyOpening } from './challenge.verifier.js';
import { link, timesVectors } from './exact.product.js';
import { leafHash, treeLevels, treeRoot } from './row-tree.js';

const SMALL: ChallengePlan = { side: 16, segments: 4, linksPerSegment: 2, opened: 4, rows: 12, columns: 6 };
/** 32 bytes that are the same in every run. */
const bytes = (text: string): Buffer => createHash('sha256').update(text).digest();
const seedOf = (n: number, key = 'key'): Buffer => challengeSeed(bytes(`nonce ${n}`), bytes(key), `challenge ${n}`);

function honest(seed: Buffer, plan: ChallengePlan, reveal: Buffer): { commitment: Buffer; opening: OpenedMatrix[] } {
  const prover = new ChallengeProver(seed, plan);
  const commitment = prover.commit();
  return { commitment, opening: prover.open(reveal) };
}

describe('the chain', () => {
  it('is exact: each link is the product modulo 251, row by row', () => {
    const seed = seedOf(1);
    const side = 16;
    const a = factor(seed, side);
    const x = residues(seed, 'start', side * side);
    const next = link(a, x, side, side, 5);
    for (let i = 0; i < side; i += 1) {
      for (let j = 0; j < side; j += 1) {
        let sum = 0n;
        for (let k = 0; k < side; k += 1)
          sum += BigInt(a[i * side + k] as number) * BigInt(x[((k + 5) % side) * side + j] as number);
        expect(BigInt(next[i * side + j] as number)).toBe(BigInt(symmetric(Number(sum % 251n))));
      }
    }
    expect(Math.max(...a) <= 7 && Math.min(...a) >= -8).toBe(true);
    expect(Math.max(...next) <= 125 && Math.min(...next) >= -125).toBe(true);
  });

  it('is the same on every machine: seed, streams and commitment as a second implementation has them', () => {
    const seed = challengeSeed(new Uint8Array(32).fill(1), new Uint8Array(32).fill(2), 'vector');
    expect(seed.toString('hex')).toBe(VECTOR.seed);
    expect([...factor(seed, 16).subarray(0, 8)]).toEqual(VECTOR.factor);
    expect([...residues(seed, 'start', 8)]).toEqual(VECTOR.start);
    expect([...rotations(seed, SMALL)]).toEqual(VECTOR.rotations);
    expect(new ChallengeProver(seed, SMALL).commit().toString('hex')).toBe(VECTOR.commitment);
  });

  it('costs 2 n³ a link, and a node refuses a plan that is out of bounds', () => {
    expect(planOperations(SMALL)).toBe(2 * 16 ** 3 * 8);
    expect(planFault(SMALL)).toBeUndefined();
    const faults: Partial<ChallengePlan>[] = [
      { side: 24 },
      { side: 8 },
      { side: 32_768 },
      { segments: 3 },
      { linksPerSegment: 0 },
      { opened: 5 },
      { rows: 17 },
      { columns: 5 },
    ];
    for (const fault of faults) {
      expect(planFault({ ...SMALL, ...fault }), JSON.stringify(fault)).toBeDefined();
      expect(() => new ChallengeProver(seedOf(1), { ...SMALL, ...fault })).toThrow(RangeError);
    }
  });
});

describe('an honest answer', () => {
  it('passes, whatever is looked at', () => {
    const shapes = fc.record({
      side: fc.constantFrom(16, 32),
      segments: fc.constantFrom(1, 2, 4, 8),
      linksPerSegment: fc.integer({ min: 1, max: 3 }),
      opened: fc.integer({ min: 1, max: 8 }),
      rows: fc.integer({ min: 1, max: 16 }),
      columns: fc.integer({ min: 6, max: 8 }),
    });
    fc.assert(
      fc.property(shapes, fc.string(), fc.string(), (shape, nonce, reveal) => {
        const plan = { ...shape, opened: Math.min(shape.opened, shape.segments) };
        const seed = challengeSeed(bytes(nonce), bytes('key'), 'id');
        const { commitment, opening } = honest(seed, plan, bytes(reveal));
        expect(verifyOpening(seed, plan, commitment, bytes(reveal), opening)).toEqual({ fault: undefined, detail: '' });
      }),
      { numRuns: 60 },
    );
  });

  it('is looked at where nobody could know before: different reveals open different segments and rows', () => {
    const plan = { ...SMALL, segments: 64, opened: 8 };
    const seen = new Set(Array.from({ length: 50 }, (_, n) => lookedAt(bytes(`${n}`), plan).segments.join()));
    expect(seen.size).toBe(50);
    for (const segment of lookedAt(bytes('x'), plan).segments) expect(segment).toBeLessThan(64);
  });
});

/**
 * Ways to pass without having done the work, or with another's. Each gets the nonce, commits, learns the reveal and answers;
 * where it helps, the forger knows the whole protocol and answers with vectors that follow the chain, which is cheap.
 */
type Attack = (n: number, seed: Buffer, reveal: Buffer) => { commitment: Buffer; opening: OpenedMatrix[] };

const noise = (text: string, side: number): Int8Array => residues(bytes(text), 'start', side * side);
const chain = (seed: Buffer, plan: ChallengePlan): Int8Array[] => {
  const a = factor(seed, plan.side);
  const turns = rotations(seed, plan);
  let x = residues(seed, 'start', plan.side ** 2);
  return Array.from({ length: plan.segments }, (_, segment) => {
    for (let i = 0; i < plan.linksPerSegment; i += 1)
      x = link(a, x, plan.side, plan.side, turns[segment * plan.linksPerSegment + i] as number);
    return x;
  });
};
/** The vectors that an honest node would answer with: side² work a link, where the products take side³. */
const cheapVectors = (seed: Buffer, plan: ChallengePlan, reveal: Buffer): Int8Array[] => {
  const a = factor(seed, plan.side);
  const turns = rotations(seed, plan);
  const vectors = residues(reveal, 'vectors', plan.side * plan.columns);
  let v = timesVectors(residues(seed, 'start', plan.side ** 2), plan.side, vectors, plan.columns);
  return Array.from({ length: plan.segments }, (_, segment) => {
    for (let i = 0; i < plan.linksPerSegment; i += 1)
      v = link(a, v, plan.side, plan.columns, turns[segment * plan.linksPerSegment + i] as number);
    return v;
  });
};
const withVectors = (opening: OpenedMatrix[], vectors: Int8Array[]): OpenedMatrix[] =>
  opening.map((o) => ({ ...o, product: Buffer.from((vectors[o.matrix - 1] as Int8Array).buffer).toString('base64') }));
function committed(seed: Buffer, plan: ChallengePlan, matrices: Int8Array[], reveal: Buffer) {
  const prover = new ChallengeProver(seed, plan);
  return { commitment: prover.commitTo(matrices), opening: prover.open(reveal) };
}

const ATTACKS: Record<string, Attack> = {
  'replays the answer to an earlier challenge': (n, _seed, reveal) => honest(seedOf(n + 1_000_000), SMALL, reveal),
  'answers what was looked at another time': (n, seed) => honest(seed, SMALL, bytes(`earlier reveal ${n}`)),
  'works it out before, for a nonce it guessed': (n, _seed, reveal) =>
    honest(challengeSeed(bytes(`guess ${n}`), bytes('key'), `challenge ${n}`), SMALL, reveal),
  'answers with another node’s work': (n, _seed, reveal) => honest(seedOf(n, 'the other node'), SMALL, reveal),
  'works with smaller matrices': (_n, seed, reveal) => {
    const plan = { ...SMALL, segments: 2, opened: 2 };
    return honest(seed, plan, reveal);
  },
  'cuts the chain and goes on with noise': (n, seed, reveal) => {
    const cut = n % SMALL.segments;
    const matrices = chain(seed, SMALL).map((x, i) => (i < cut ? x : noise(`${n} ${i}`, SMALL.side)));
    return committed(seed, SMALL, matrices, reveal);
  },
  'leaves links out': (n, seed, reveal) => {
    const whole = chain(seed, SMALL);
    const matrices = whole.map((_, i) => whole[Math.max(0, i - 1 - (n % 2))] as Int8Array);
    return committed(seed, SMALL, matrices, reveal);
  },
  'commits to noise and answers with vectors that follow the chain': (n, seed, reveal) => {
    const matrices = Array.from({ length: SMALL.segments }, (_, i) => noise(`${n} ${i}`, SMALL.side));
    const { commitment, opening } = committed(seed, SMALL, matrices, reveal);
    return { commitment, opening: withVectors(opening, cheapVectors(seed, SMALL, reveal)) };
  },
  'works out half of the rows and answers with vectors that follow the chain': (n, seed, reveal) => {
    const { side } = SMALL;
    const matrices = chain(seed, SMALL).map((x, i) => {
      const half = Int8Array.from(x);
      half.set(noise(`${n} ${i}`, side).subarray(0, (side * side) / 2), ((n % 2) * side * side) / 2);
      return half;
    });
    const { commitment, opening } = committed(seed, SMALL, matrices, reveal);
    return { commitment, opening: withVectors(opening, cheapVectors(seed, SMALL, reveal)) };
  },
  'opens right matrices that it did not commit to': (n, seed, reveal) => {
    const matrices = Array.from({ length: SMALL.segments }, (_, i) => noise(`${n} ${i}`, SMALL.side));
    return {
      commitment: committed(seed, SMALL, matrices, reveal).commitment,
      opening: honest(seed, SMALL, reveal).opening,
    };
  },
};

describe('a cheat', () => {
  it.each(Object.entries(ATTACKS))('who %s never passes in 1,000 tries', (_name, attack) => {
    let passed = 0;
    for (let n = 0; n < 1_000; n += 1) {
      const seed = seedOf(n);
      const reveal = bytes(`reveal ${n}`);
      const { commitment, opening } = attack(n, seed, reveal);
      if (verifyOpening(seed, SMALL, commitment, reveal, opening).fault === undefined) passed += 1;
    }
    expect(passed).toBe(0);
  });

  it('is told by what gave him away', () => {
    const seed = seedOf(3);
    const reveal = bytes('reveal 3');
    const right = honest(seed, SMALL, reveal);
    const verdict = (opening: OpenedMatrix[], commitment = right.commitment) =>
      verifyOpening(seed, SMALL, commitment, reveal, opening).fault;
    const [first, ...rest] = right.opening as [OpenedMatrix, ...OpenedMatrix[]];
    expect(verdict(rest)).toBe('shape');
    expect(verdict([{ ...first, product: 'AAAA' }, ...rest])).toBe('shape');
    expect(verdict([{ ...first, path: first.path.slice(1) }, ...rest])).toBe('commitment');
    expect(verdict(right.opening, bytes('another root'))).toBe('commitment');
    const product = Buffer.from(first.product, 'base64');
    product[0] = product[0] === 1 ? 2 : 1;
    const vectors = cheapVectors(seed, SMALL, reveal);
    const wrong = withVectors(right.opening, [Int8Array.from(product), ...vectors.slice(1)]);
    expect(['rows', 'chain']).toContain(verdict(wrong));
    expect(verdict(ATTACKS['cuts the chain and goes on with noise']?.(3, seed, reveal).opening ?? [])).toBe(
      'commitment',
    );
    const cut = (ATTACKS['cuts the chain and goes on with noise'] as Attack)(3, seed, reveal);
    expect(verdict(cut.opening, cut.commitment)).toBe('chain');
    // −126 is the same remainder as 125: only one of them is a matrix.
    const aliased = Buffer.from(first.product, 'base64');
    aliased[0] = 130;
    expect(verdict([{ ...first, product: aliased.toString('base64') }, ...rest])).toBe('shape');
  });
});

describe('a tree over rows', () => {
  it('has RFC 6962’s prefixes', () => {
    const leaves = [bytes('a'), bytes('b')].map(leafHash);
    const sha = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
    expect(leaves[0]).toEqual(sha(Uint8Array.of(0), bytes('a')));
    expect(treeRoot(treeLevels(leaves))).toEqual(sha(Uint8Array.of(1), ...leaves));
  });
});

/** Worked out a second time by apps/agent/solvers/chain.py, which shares no line with this. */
const VECTOR = {
  seed: '2dc42f4a628d9845687ce1271d90c5ec45e6d386caa25a70fe99ad04f4fb7cc2',
  factor: [3, -8, 5, 4, 4, -3, -2, 7],
  start: [-82, 17, 112, 24, 101, -105, -91, -57],
  rotations: [6, 12, 11, 3, 14, 7, 3, 15],
  commitment: '5c8c156059cfcb9e9b4ae67295c5501c9fbc67d4794b8b562f2e0869d66759f0',
};
