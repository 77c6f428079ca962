/** Runs files of the form of transparency-dev/merkle's test data: hasher, inclusion, consistency and the subtree cases. */
import { fromBase64, toHex, utf8 } from '../merkle/bytes.js';
import {
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from '../merkle/proof.js';
import { portableTreeHash, type TreeHash } from '../merkle/tree-hash.js';
import { type CaseResult, isRecord, records } from './vector-case.js';

type Case = Record<string, unknown>;

export function isMerkleVectors(file: unknown): file is Record<string, unknown> {
  return (
    isRecord(file) &&
    (['inclusion', 'consistency', 'subtreeinclusion', 'subtreeconsistency'] as const).some((key) =>
      Array.isArray(file[key]),
    )
  );
}

export function runMerkleVectors(file: Record<string, unknown>, hash: TreeHash = portableTreeHash): CaseResult[] {
  const verdicts = (section: string, verify: (c: Case) => boolean): CaseResult[] =>
    records(file[section]).map((c, i) => ({
      id: typeof c['id'] === 'string' ? c['id'] : `${section}/${i}`,
      ok: verify(c) === (c['wantErr'] !== true),
    }));
  return [
    ...records(file['hasher']).map((c, i) => ({
      id: `hasher/${i}/${String(c['desc'])}`,
      ok: hasherCase(c, hash) === c['hex'],
    })),
    ...verdicts('inclusion', (c) =>
      verifyInclusion(
        {
          index: number(c['leafIdx']),
          size: number(c['treeSize']),
          leafHash: b64(c['leafHash']),
          root: b64(c['root']),
          proof: list(c['proof']),
        },
        hash,
      ),
    ),
    ...verdicts('consistency', (c) =>
      verifyConsistency(
        {
          from: number(c['size1']),
          to: number(c['size2']),
          fromRoot: b64(c['root1']),
          toRoot: b64(c['root2']),
          proof: list(c['proof']),
        },
        hash,
      ),
    ),
    ...verdicts('subtreeinclusion', (c) =>
      verifySubtreeInclusion(
        {
          index: number(c['leafIdx']),
          start: number(c['start']),
          end: number(c['end']),
          leafHash: b64(c['leafHash']),
          root: b64(c['root']),
          proof: list(c['proof']),
        },
        hash,
      ),
    ),
    ...verdicts('subtreeconsistency', (c) =>
      verifySubtreeConsistency(
        {
          start: number(c['start']),
          end: number(c['end']),
          size: number(c['size']),
          subtreeRoot: b64(c['root1']),
          root: b64(c['root2']),
          proof: list(c['proof']),
        },
        hash,
      ),
    ),
  ];
}

function hasherCase(c: Case, hash: TreeHash): string {
  if (typeof c['leaf'] === 'string') return toHex(hash.leaf(utf8(c['leaf'])));
  if (typeof c['left'] === 'string' && typeof c['right'] === 'string')
    return toHex(hash.node(utf8(c['left']), utf8(c['right'])));
  return toHex(hash.empty());
}

/** Values above 2^53 lose digits in JSON.parse; −1 stands for them, since every such case must be refused. */
function number(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : -1;
}

function b64(value: unknown): Uint8Array {
  return (typeof value === 'string' ? fromBase64(value) : undefined) ?? new Uint8Array(0);
}

function list(value: unknown): Uint8Array[] {
  return Array.isArray(value) ? value.map(b64) : [];
}
