/** C2SP tlog-proof v1: one file that proves one leaf offline. */
import { fromBase64, toBase64 } from '../merkle/bytes.js';
import { verifyInclusion } from '../merkle/proof.js';
import { HASH_BYTES, type Hash, type TreeHash } from '../merkle/tree-hash.js';
import { openCheckpoint } from './checkpoint.js';
import type { VerifierKey } from './verifier-key.js';

export interface TlogProof {
  readonly index: number;
  readonly extra?: Uint8Array;
  readonly proof: readonly Hash[];
  /** The signed note, as it came. */
  readonly checkpoint: string;
}

const HEADER = 'c2sp.org/tlog-proof@v1';
const INDEX = /^index (0|[1-9]\d{0,15})$/;

export function formatTlogProof({ index, extra, proof, checkpoint }: TlogProof): string {
  const lines = [HEADER, ...(extra ? [`extra ${toBase64(extra)}`] : []), `index ${index}`, ...proof.map(toBase64)];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

export function parseTlogProof(text: string): TlogProof | undefined {
  const divide = text.indexOf('\n\n');
  if (divide < 0) return undefined;
  const [header, ...lines] = text.slice(0, divide).split('\n');
  if (header !== HEADER) return undefined;
  let extra: Uint8Array | undefined;
  if (lines[0]?.startsWith('extra ')) {
    extra = fromBase64((lines.shift() as string).slice('extra '.length));
    if (!extra) return undefined;
  }
  const index = INDEX.exec(lines.shift() ?? '')?.[1];
  if (index === undefined || !Number.isSafeInteger(Number(index))) return undefined;
  const proof = lines.map(fromBase64);
  if (!proof.every((hash): hash is Uint8Array => hash?.length === HASH_BYTES)) return undefined;
  return { index: Number(index), ...(extra ? { extra } : {}), proof, checkpoint: text.slice(divide + 2) };
}

/** That `data` is leaf `index` of the log that signed the proof's checkpoint. */
export async function verifyTlogProof(
  text: string,
  data: Uint8Array,
  logKey: VerifierKey,
  hash: TreeHash,
): Promise<boolean> {
  const parsed = parseTlogProof(text);
  const opened = parsed && (await openCheckpoint(parsed.checkpoint, logKey));
  if (!opened) return false;
  const { size, root } = opened.checkpoint;
  return verifyInclusion({ index: parsed.index, size, leafHash: hash.leaf(data), root, proof: parsed.proof }, hash);
}
