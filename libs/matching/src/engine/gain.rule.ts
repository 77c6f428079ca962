import { claimsOf } from './claim.rule.js';
import { type Counted, type CountedProject, type MatchRound, MILLIONTHS } from './match.type.js';
import type { Claim, Scale } from './scale.rule.js';

/** One more gift to the project at this place of the list. Nobody known: a person who hasn't given before. */
export interface Gain {
  readonly index: number;
  readonly donor: string | undefined;
  readonly amountMinor: bigint;
}

/** Above these a rule that looks at pairs or groups is too slow for one gift. */
const MAX_DONORS = 3000;
const MAX_GROUPS = 2000;

/**
 * The project's claim with one more gift, the others' gifts as they are, from the project's own gifts; undefined where
 * that would take too long. Rules that need only sums have a way of their own (`sums.rule.ts`). An estimate: what the pairwise rule takes from this project's
 * pairs for their gifts elsewhere is left out.
 */
export function withGift(round: MatchRound, counted: Counted, gain: Gain, scale: Scale): Claim | undefined {
  const project = counted.projects[gain.index];
  if (!project) return undefined;
  const changed = enlarge(round, counted, project, gain);
  return changed.donors.length > MAX_DONORS || (round.groups?.size ?? 0) > MAX_GROUPS
    ? undefined
    : claimsOf(round, { ...counted, donorIds: named(counted, gain), projects: [changed] }, scale)[0];
}

const named = (counted: Counted, gain: Gain): readonly string[] => [...counted.donorIds, gain.donor ?? ''];

function enlarge(round: MatchRound, counted: Counted, project: CountedProject, gain: Gain): CountedProject {
  const known = gain.donor === undefined ? -1 : counted.donorIds.indexOf(gain.donor);
  const donor = known < 0 ? counted.donorIds.length : known;
  const place = known < 0 ? -1 : project.donors.indexOf(known);
  const old = place < 0 ? 0n : (project.amounts[place] ?? 0n);
  const now = countedWith(round, gain, old, place >= 0);
  const amounts = place < 0 ? [...project.amounts, now] : project.amounts.map((a, n) => (n === place ? now : a));
  const changed: CountedProject = {
    ...project,
    donors: place < 0 ? [...project.donors, donor] : project.donors,
    amounts,
    countedMillionths: project.countedMillionths - old + now,
  };
  return now === 0n ? project : changed;
}

function countedWith(round: MatchRound, gain: Gain, old: bigint, gaveBefore: boolean): bigint {
  const isOut = (round.exclusions ?? []).some((e) => e.kind === 'donor' && e.id === gain.donor);
  const standard = round.defaultWeightMillionths ?? MILLIONTHS;
  const weight = gain.donor === undefined ? standard : (round.weightMillionths?.get(gain.donor) ?? standard);
  const isTooLittle = !gaveBefore && gain.amountMinor < (round.minimumPerDonorMinor ?? 0n);
  if (isOut || isTooLittle) return old;
  const sum = old + gain.amountMinor * weight;
  const most = round.capPerDonorMinor === undefined ? sum : round.capPerDonorMinor * weight;
  return sum < most ? sum : most;
}
