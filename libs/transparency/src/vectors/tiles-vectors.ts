/** Runs a whole C2SP tlog-tiles log given as a map from path to base64 bytes: every tile, entry and checkpoint must agree. */
import { equalBytes, fromBase64, fromUtf8 } from '../merkle/bytes.js';
import { decodeEntries, parseTilePath, splitTile } from '../merkle/tiles.js';
import { MemoryTree } from '../merkle/tree.js';
import { portableTreeHash, type TreeHash } from '../merkle/tree-hash.js';
import { parseCheckpoint, parseSignedNote } from '../notes/index.js';
import { verifyConsistency } from '../merkle/proof.js';
import { type CaseResult, isRecord } from './vector-case.js';

export function isTilesVectors(file: unknown): file is { files: Record<string, string> } {
  return isRecord(file) && isRecord(file['files']) && typeof file['files']['checkpoint'] === 'string';
}

export function runTilesVectors(
  file: { files: Record<string, string> },
  hash: TreeHash = portableTreeHash,
): CaseResult[] {
  const files = new Map(
    Object.entries(file.files).map(([path, text]) => [path, fromBase64(text) ?? new Uint8Array(0)]),
  );
  const tree = treeOf(files, hash);
  return [...files].flatMap(([path, bytes]): CaseResult[] => {
    const tile = parseTilePath(path);
    if (tile?.level === 'entries') return [{ id: path, ok: decodeEntries(bytes)?.length === tile.width }];
    if (tile) {
      const hashes = splitTile(bytes) ?? [];
      const span = 256 ** (tile.level as number);
      const good = hashes.every((value, i) => {
        const start = (tile.index * 256 + i) * span;
        return equalBytes(value, tree.range({ start, end: start + span }));
      });
      return [{ id: path, ok: hashes.length === tile.width && good }];
    }
    return path.startsWith('checkpoint') ? checkpointCases(path, bytes, tree, hash) : [];
  });
}

/** From the widest bundle of each index. */
function treeOf(files: ReadonlyMap<string, Uint8Array>, hash: TreeHash): MemoryTree {
  const widest = new Map<number, Uint8Array[]>();
  for (const [path, bytes] of files) {
    const tile = parseTilePath(path);
    const entries = tile?.level === 'entries' ? decodeEntries(bytes) : undefined;
    if (tile && entries && entries.length > (widest.get(tile.index)?.length ?? 0)) widest.set(tile.index, entries);
  }
  const tree = new MemoryTree(hash);
  for (const [, entries] of [...widest].toSorted(([a], [b]) => a - b))
    for (const entry of entries) tree.append(hash.leaf(entry));
  return tree;
}

function checkpointCases(path: string, bytes: Uint8Array, tree: MemoryTree, hash: TreeHash): CaseResult[] {
  const note = parseSignedNote(fromUtf8(bytes) ?? '');
  const checkpoint = note && parseCheckpoint(note.text);
  if (!checkpoint || checkpoint.size > tree.size) return [{ id: path, ok: false }];
  const results = [{ id: path, ok: equalBytes(checkpoint.root, tree.root(checkpoint.size)) }];
  if (checkpoint.size > 0) {
    const proof = tree.consistencyProof(checkpoint.size);
    const claim = { from: checkpoint.size, to: tree.size, fromRoot: checkpoint.root, toRoot: tree.root(), proof };
    results.push({ id: `${path}/consistent`, ok: verifyConsistency(claim, hash) });
  }
  return results;
}
