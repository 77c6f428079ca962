import { clusterClaims } from './cluster.rule.js';
import { connectionClaims } from './connection.rule.js';
import { type Counted, type CountedProject, type MatchRound, MILLIONTHS } from './match.type.js';
import { offsetClaims } from './offset.rule.js';
import { pairwiseClaims } from './pairwise.rule.js';
import { RootTable, exactly } from './root.rule.js';
import { type Claim, type Scale, claimBeyondGifts, giftsOf } from './scale.rule.js';

/** The claims of all projects of a round, in their order. */
export function claimsOf(round: MatchRound, counted: Counted, scale: Scale): Claim[] {
  const { rule } = round;
  switch (rule.kind) {
    case 'linear':
      return counted.projects.map((project) => linearClaim(project, rule.ratioMillionths, scale));
    case 'quadratic':
    case 'capital_constrained': {
      const roots = new RootTable(scale.rootSquared);
      return counted.projects.map((project) => quadraticClaim(project, roots, scale));
    }
    case 'pairwise':
      return pairwiseClaims(counted, rule, scale);
    case 'cluster':
    case 'squared_cluster':
      return clusterClaims(round, counted, scale);
    case 'connection_oriented':
      return connectionClaims(round, rule, counted, scale);
    case 'offset':
      return offsetClaims(round, counted, scale);
  }
}

function linearClaim(project: CountedProject, ratioMillionths: bigint, scale: Scale): Claim {
  const gifts = project.countedMillionths * scale.rootSquared;
  // P² is a multiple of a million at every number of digits in use, so this loses nothing.
  const claim = (gifts / MILLIONTHS) * ratioMillionths;
  return { figure: exactly(gifts + claim), claim: exactly(claim) };
}

function quadraticClaim(project: CountedProject, roots: RootTable, scale: Scale): Claim {
  // One person is no agreement: (√c)² - c is nothing, and is told exactly.
  if (project.donors.length < 2) return { figure: giftsOf(project, scale), claim: exactly(0n) };
  let low = 0n;
  let high = 0n;
  for (const amount of project.amounts) {
    const root = roots.of(amount);
    low += root.low;
    high += root.high;
  }
  return claimBeyondGifts(project, { low: low * low, high: high * high }, scale);
}
