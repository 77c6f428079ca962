export { computeMatch } from './engine/match.rule.js';
export { type MatchGift, type MatchRound, type MatchRule } from './engine/match.type.js';
export { readRound } from './file/round-file.reader.js';
export { resultFile, resultOf, verifyResult } from './file/result-file.js';
export { PoolCommands } from './pool.commands.js';
export { RoundCommands } from './round.commands.js';
export { ReviewCommands } from './review.commands.js';
export { matchingInvariants } from './matching.invariants.js';
export { MatchingModule } from './matching.module.js';
