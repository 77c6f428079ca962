export { computeMatch } from './engine/match.rule.js';
export { type MatchGift, type MatchRound, type MatchRule } from './engine/match.type.js';
export { type RoundFile, readRound } from './file/round-file.reader.js';
export { type MatchCheck, resultFile, resultOf, verifyResult } from './file/result-file.js';
