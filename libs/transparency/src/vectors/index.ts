import {
  isDsseVectors,
  isHttpSignatureVectors,
  isJcsVectors,
  runDsseVectors,
  runHttpSignatureVectors,
  runJcsVectors,
} from './form-vectors.js';
import { isMerkleVectors, runMerkleVectors } from './merkle-vectors.js';
import { isNoteVectors, runNoteVectors } from './note-vectors.js';
import { isTilesVectors, runTilesVectors } from './tiles-vectors.js';
import type { CaseResult } from './vector-case.js';

export type { CaseResult } from './vector-case.js';

/** Runs every case of a vector file, whichever of the known forms it has; undefined for an unknown form. */
export async function runVectors(file: unknown): Promise<CaseResult[] | undefined> {
  if (isMerkleVectors(file)) return runMerkleVectors(file);
  if (isNoteVectors(file)) return runNoteVectors(file);
  if (isTilesVectors(file)) return runTilesVectors(file);
  if (isJcsVectors(file)) return runJcsVectors(file);
  if (isDsseVectors(file)) return runDsseVectors(file);
  if (isHttpSignatureVectors(file)) return runHttpSignatureVectors(file);
  return undefined;
}
