import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes, fromBase64, toBase64, utf8 } from './bytes.js';
import { verifyConsistency, verifyInclusion, verifySubtreeConsistency } from './proof.js';
import { portableSha256 } from './sha256.js';
import { decodeEntries, encodeEntries, parseTilePath, tileExists, tilePath } from './tiles.js';
import { completedBy, completeNodes, isSubtree, MemoryTree, splitPoint } from './tree.js';
import { portableTreeHash as hash, type Hash } from './tree-hash.js';

function treeOf(size: number): MemoryTree {
  const tree = new MemoryTree(hash);
  for (let i = 0; i < size; i += 1) tree.append(hash.leaf(utf8(`leaf ${i}`)));
  return tree;
}

/** The definition of RFC 6962 section 2.1, word for word, to compare with. */
function rootByDefinition(leaves: readonly Hash[]): Hash {
  if (leaves.length < 2) return leaves[0] ?? hash.empty();
  const k = splitPoint(leaves.length);
  return hash.node(rootByDefinition(leaves.slice(0, k)), rootByDefinition(leaves.slice(k)));
}

const big = treeOf(300);
const size = fc.integer({ min: 1, max: 300 });

describe('SHA-256', () => {
  it('agrees with node:crypto on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        expect(equalBytes(portableSha256(data), createHash('sha256').update(data).digest())).toBe(true);
      }),
    );
  });
});

describe('the tree', () => {
  it('has the root that RFC 6962 defines, at every size', () => {
    const leaves = Array.from({ length: 70 }, (_, i) => hash.leaf(utf8(`leaf ${i}`)));
    for (let n = 0; n <= leaves.length; n += 1)
      expect(equalBytes(big.root(n), rootByDefinition(leaves.slice(0, n)))).toBe(true);
  });

  it('stores exactly the complete subtrees', () => {
    const stored = Array.from({ length: 256 }, (_, i) => completedBy(i)).flat();
    expect(stored).toHaveLength(255);
    expect(new Set(stored.map(({ level, index }) => `${level}/${index}`)).size).toBe(255);
  });

  it('splits a range into nodes that cover it without a gap', () => {
    fc.assert(
      fc.property(size, (n) => {
        let at = 0;
        for (const { level, index } of completeNodes({ start: 0, end: n })) {
          expect(index * 2 ** level).toBe(at);
          at += 2 ** level;
        }
        expect(at).toBe(n);
      }),
    );
  });
});

describe('proofs', () => {
  it('of inclusion verify for every leaf and size, and for no other leaf, index, size or root', () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), (n, a, b) => {
        const index = a % n;
        const claim = {
          index,
          size: n,
          leafHash: big.range({ start: index, end: index + 1 }),
          root: big.root(n),
          proof: big.inclusionProof(index, n),
        };
        expect(verifyInclusion(claim, hash)).toBe(true);
        expect(verifyInclusion({ ...claim, leafHash: hash.leaf(utf8('forged')) }, hash)).toBe(false);
        expect(verifyInclusion({ ...claim, root: hash.leaf(utf8('forged')) }, hash)).toBe(false);
        const other = b % n;
        if (other !== index) expect(verifyInclusion({ ...claim, index: other }, hash)).toBe(false);
        expect(verifyInclusion({ ...claim, proof: [...claim.proof, claim.root] }, hash)).toBe(false);
      }),
    );
  });

  it('of consistency verify from every size to every later one, and never for a rewritten past', () => {
    const forged = new MemoryTree(hash);
    for (let i = 0; i < 300; i += 1) forged.append(hash.leaf(utf8(i === 3 ? 'rewritten' : `leaf ${i}`)));
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const claim = {
          from,
          to,
          fromRoot: big.root(from),
          toRoot: big.root(to),
          proof: big.consistencyProof(from, to),
        };
        expect(verifyConsistency(claim, hash)).toBe(true);
        if (from > 3) {
          const rewritten = { ...claim, toRoot: forged.root(to), proof: forged.consistencyProof(from, to) };
          expect(verifyConsistency(rewritten, hash)).toBe(false);
        }
      }),
    );
  });

  it('of consistency from size 0 are refused', () => {
    expect(verifyConsistency({ from: 0, to: 0, fromRoot: hash.empty(), toRoot: hash.empty(), proof: [] }, hash)).toBe(
      false,
    );
    expect(verifyConsistency({ from: 0, to: 5, fromRoot: hash.empty(), toRoot: big.root(5), proof: [] }, hash)).toBe(
      false,
    );
  });

  it('of a subtree need a start that fits its size', () => {
    expect([isSubtree(0, 6), isSubtree(8, 13), isSubtree(4, 6)]).toEqual([true, true, true]);
    expect([isSubtree(2, 5), isSubtree(2, 6), isSubtree(3, 3), isSubtree(-1, 1)]).toEqual([false, false, false, false]);
    const claim = { start: 0, end: 300, size: 300, subtreeRoot: big.root(), root: big.root(), proof: [] };
    expect(verifySubtreeConsistency(claim, hash)).toBe(true);
  });
});

describe('tiles', () => {
  it('have one path each', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 2 ** 40 }),
        fc.integer({ min: 1, max: 256 }),
        fc.constantFrom(0, 1, 5, 'entries' as const),
        (index, width, level) => {
          expect(parseTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
        },
      ),
    );
    for (const bad of [
      'tile/0/1',
      'tile/00/000',
      'tile/64/000',
      'tile/0/x000/001',
      'tile/0/000.p/256',
      'tile/0/000.p/0',
      'tile/0/000/',
      '/tile/0/000',
      'tile/0/../000',
    ]) {
      expect(parseTilePath(bad), bad).toBeUndefined();
    }
  });

  it('exist only when all their hashes do', () => {
    expect(tileExists({ level: 0, index: 0, width: 256 }, 255)).toBe(false);
    expect(tileExists({ level: 0, index: 0, width: 255 }, 255)).toBe(true);
    expect(tileExists({ level: 1, index: 0, width: 1 }, 256)).toBe(true);
    expect(tileExists({ level: 1, index: 0, width: 1 }, 255)).toBe(false);
  });

  it('keep entries of any length up to 65,535 bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 })), (entries) => {
        expect(decodeEntries(encodeEntries(entries))).toEqual(entries);
      }),
    );
    expect(() => encodeEntries([new Uint8Array(65_536)])).toThrow(RangeError);
    expect(decodeEntries(Uint8Array.of(0, 3, 1))).toBeUndefined();
  });
});

describe('base64', () => {
  it('has one spelling for each value', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (data) => {
        expect(fromBase64(toBase64(data))).toEqual(data);
      }),
    );
    expect(['QQ', 'QR==', 'Q Q=', 'QQ=', '-_-_'].map(fromBase64)).toEqual(Array(5).fill(undefined));
  });
});
