import { MILLIONTHS } from './match.type.js';

const FROM_SCORE = 15n * MILLIONTHS;
const FULL_SCORE = 25n * MILLIONTHS;

/**
 * The weight of an identity score, both in millionths: below 15 nothing, at 15 half, rising evenly to the whole at 25.
 * Source of the figures: the default of grants-stack-indexer (scores 0, 10, 15, 20, 25, 30 → 0, 0, 0.5, 0.75, 1, 1).
 */
export function weightOfScore(scoreMillionths: bigint): bigint {
  if (scoreMillionths < FROM_SCORE) return 0n;
  if (scoreMillionths >= FULL_SCORE) return MILLIONTHS;
  return MILLIONTHS / 2n + (scoreMillionths - FROM_SCORE) / 20n;
}

/** Reads "0.75" or "17.5" as millionths; undefined for another text, a negative number or more than six decimals. */
export function parseMillionths(text: string): bigint | undefined {
  const match = /^(\d{1,12})(?:\.(\d{1,6}))?$/.exec(text);
  if (!match) return undefined;
  return BigInt(match[1] ?? '0') * MILLIONTHS + BigInt((match[2] ?? '').padEnd(6, '0'));
}
