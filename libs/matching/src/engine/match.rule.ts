import type { Outcome } from '#kernel';
import { refuseMatch } from '../matching.refusal.js';
import { claimsOf } from './claim.rule.js';
import { countGifts } from './counted.rule.js';
import { type Counted, FIGURE_SCALE, type MatchOutcome, type MatchRound, type ProjectResult } from './match.type.js';
import { pairCount } from './pairwise.rule.js';
import { pairwiseClaimsInDoubles } from './pairwise-double.rule.js';
import { type Claim, scaleOf } from './scale.rule.js';
import { FRACTION, type Shares, divide } from './shares.rule.js';

/*
 * 1. The same round gives the same parts on any machine, in whatever order its projects and gifts come.
 * 2. Parts are whole minor units; with the claims at or above the pool, or scaled up, they sum to the pool exactly.
 * 3. Roots are worked out to 12 decimals of a minor unit, and where these leave a border or a remainder undecided to 24
 *    and to 60. Figures that agree to twenty decimals even then are the same, and the smaller project id goes first.
 */

/** Version of this algorithm, written into every result. A change that moves a unit gets a new one. */
export const ALGORITHM = 'commonweights-match/1';

/** Digits of a root of millionths of a minor unit; three more of a minor unit. */
const DIGITS = [9, 21, 57] as const;
/** From here on pairs are first looked at in doubles, between bounds: whole numbers take a thousand times as long. */
const MANY_PAIRS = 1_000_000;
/** What whole numbers still decide where doubles left it open, in minutes. */
const MAX_EXACT_PAIRS = 30_000_000;
const MAX_PAIRS = 1_000_000_000;
const MAX_GROUPS = 20_000;
/** The offset rule solves a system of as many rows. */
const MAX_OFFSET_GROUPS = 200;

/**
 * The whole computation. Refused: `MATCH_NO_AGREEMENT` (capital-constrained with no project of two donors),
 * `MATCH_TOO_MANY_PAIRS` (pairwise beyond 1,000,000,000 pairs, or 30,000,000 where two figures are as good as equal), `MATCH_TOO_MANY_GROUPS`.
 */
export function computeMatch(round: MatchRound): Outcome<MatchOutcome> {
  const counted = countGifts(round);
  const refused = refusalOf(round, counted);
  if (refused) return refused;
  const quick = inDoubles(round, counted);
  if (quick) return quick;
  if (round.rule.kind === 'pairwise' && pairCount(counted) > MAX_EXACT_PAIRS)
    return refuseMatch('MATCH_TOO_MANY_PAIRS', ['gifts'], 'Two figures are too close to tell apart by so many pairs.');
  for (const digits of DIGITS) {
    const scale = scaleOf(digits);
    const claims = claimsOf(round, counted, scale);
    const isLast = digits === DIGITS.at(-1) || claims.every(({ claim }) => claim.low === claim.high);
    const shares = divide(orderOf(round, counted, claims, digits), isLast);
    if (shares) return outcomeOf(round, counted, claims, shares, digits);
  }
  throw new Error('The last number of digits always decides.');
}

const orderOf = (round: MatchRound, counted: Counted, claims: readonly Claim[], digits: number) => ({
  claims,
  caps: counted.projects.map(({ capMinor }) => capMinor),
  poolMinor: round.poolMinor,
  unsaturated: round.unsaturated,
  scale: scaleOf(digits),
});

/** Rounds of many pairs, where bounds in doubles decide; undefined for all others. */
function inDoubles(round: MatchRound, counted: Counted): MatchOutcome | undefined {
  const { rule } = round;
  if (rule.kind !== 'pairwise' || pairCount(counted) < MANY_PAIRS) return undefined;
  const [digits] = DIGITS;
  const claims = pairwiseClaimsInDoubles(counted, rule, scaleOf(digits));
  const shares = divide({ ...orderOf(round, counted, claims, digits), mayStraddle: true }, false);
  return shares && outcomeOf(round, counted, claims, shares, digits);
}

function refusalOf(round: MatchRound, counted: Counted) {
  const { kind } = round.rule;
  if (kind === 'capital_constrained' && counted.projects.every(({ donors }) => donors.length < 2))
    return refuseMatch('MATCH_NO_AGREEMENT', ['rule'], 'No project has gifts of two donors that count.');
  if (kind === 'pairwise' && pairCount(counted) > MAX_PAIRS)
    return refuseMatch('MATCH_TOO_MANY_PAIRS', ['gifts'], `There are ${pairCount(counted)} pairs.`);
  if ((round.groups?.size ?? 0) > (kind === 'offset' ? MAX_OFFSET_GROUPS : MAX_GROUPS))
    return refuseMatch('MATCH_TOO_MANY_GROUPS', ['groups'], `There are ${round.groups?.size ?? 0}.`);
  return undefined;
}

function outcomeOf(
  round: MatchRound,
  counted: Counted,
  claims: readonly Claim[],
  shares: Shares,
  digits: number,
): MatchOutcome {
  const scale = scaleOf(digits);
  const told = (value: bigint) => (value * FIGURE_SCALE) / scale.figure;
  const projects = counted.projects.map((project, index): ProjectResult => ({
    id: project.id,
    giftCount: project.giftCount,
    donorCount: project.donors.length,
    givenMinor: project.givenMinor,
    countedMillionths: project.countedMillionths,
    figure: told(claims[index]?.figure.low ?? 0n),
    claim: told(claims[index]?.claim.low ?? 0n),
    share: ((shares.shares[index] ?? 0n) * FIGURE_SCALE) / FRACTION,
    isCapped: shares.capped[index] ?? false,
    capMinor: project.capMinor,
    roundedUp: shares.roundedUp[index] ?? false,
    matchMinor: shares.parts[index] ?? 0n,
  }));
  return {
    projects,
    paidMinor: shares.paid,
    leftMinor: round.poolMinor - shares.paid,
    isSaturated: shares.isSaturated,
    digits: digits + 3,
    capRounds: shares.capRounds,
    left: counted.left,
  };
}
