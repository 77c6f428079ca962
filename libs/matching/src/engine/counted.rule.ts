import {
  type Counted,
  type CountedProject,
  type MatchExclusion,
  type MatchGift,
  type MatchRound,
  MILLIONTHS,
} from './match.type.js';

/** By code unit: the same on any machine, whatever its language. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * What counts of a round: exclusions first, then gifts of one donor to one project summed, then the minimum per donor,
 * the cap per donor and project, and the identity weight. Gifts to projects that aren't in the round don't count.
 */
export function countGifts(round: MatchRound): Counted {
  const sums = new Map<string, Map<number, bigint>>(round.projects.map(({ id }) => [id, new Map()]));
  const giftCounts = new Map<string, number>();
  const donors = new Map<string, number>();
  const totals: bigint[] = [];
  const isExcluded = exclusionTest(round.exclusions ?? []);
  let excludedGifts = 0;
  for (const gift of round.gifts) {
    const project = sums.get(gift.project);
    if (!project) continue;
    if (isExcluded(gift)) {
      excludedGifts += 1;
      continue;
    }
    let donor = donors.get(gift.donor);
    if (donor === undefined) {
      donor = donors.size;
      donors.set(gift.donor, donor);
      totals.push(0n);
    }
    totals[donor] = (totals[donor] ?? 0n) + gift.amountMinor;
    project.set(donor, (project.get(donor) ?? 0n) + gift.amountMinor);
    giftCounts.set(gift.project, (giftCounts.get(gift.project) ?? 0) + 1);
  }
  const donorIds = [...donors.keys()];
  const { weights, donorsBelowMinimum, donorsOfNoWeight } = weigh(round, donorIds, totals);
  const cut = { cappedGifts: 0 };
  const projects = [...round.projects]
    .sort((a, b) => byText(a.id, b.id))
    .map(({ id, capMinor }) =>
      countProject(round, sums.get(id) ?? new Map(), weights, cut, {
        id,
        capMinor: capMinor ?? round.capPerProjectMinor,
        giftCount: giftCounts.get(id) ?? 0,
      }),
    );
  return { projects, donorIds, left: { excludedGifts, donorsBelowMinimum, donorsOfNoWeight, ...cut } };
}

function weigh(round: MatchRound, donorIds: readonly string[], totals: readonly bigint[]) {
  const minimum = round.minimumPerDonorMinor ?? 0n;
  const standard = round.defaultWeightMillionths ?? MILLIONTHS;
  let donorsBelowMinimum = 0;
  let donorsOfNoWeight = 0;
  const weights = donorIds.map((id, index) => {
    if ((totals[index] ?? 0n) < minimum) {
      donorsBelowMinimum += 1;
      return 0n;
    }
    const weight = round.weightMillionths?.get(id) ?? standard;
    if (weight === 0n) donorsOfNoWeight += 1;
    return weight;
  });
  return { weights, donorsBelowMinimum, donorsOfNoWeight };
}

function countProject(
  round: MatchRound,
  sums: ReadonlyMap<number, bigint>,
  weights: readonly bigint[],
  cut: { cappedGifts: number },
  project: Pick<CountedProject, 'id' | 'capMinor' | 'giftCount'>,
): CountedProject {
  const cap = round.capPerDonorMinor;
  const donors: number[] = [];
  const amounts: bigint[] = [];
  let givenMinor = 0n;
  let countedMillionths = 0n;
  for (const [donor, sum] of sums) {
    givenMinor += sum;
    const isOver = cap !== undefined && sum > cap;
    if (isOver) cut.cappedGifts += 1;
    const counted = (isOver ? cap : sum) * (weights[donor] ?? 0n);
    if (counted === 0n) continue;
    donors.push(donor);
    amounts.push(counted);
    countedMillionths += counted;
  }
  return { ...project, donors, amounts, givenMinor, countedMillionths };
}

function exclusionTest(exclusions: readonly MatchExclusion[]): (gift: MatchGift) => boolean {
  if (exclusions.length === 0) return () => false;
  const of = (kind: MatchExclusion['kind']) => new Set(exclusions.filter((e) => e.kind === kind).map((e) => e.id));
  const donors = of('donor');
  const projects = of('project');
  const gifts = of('gift');
  return (gift) =>
    donors.has(gift.donor) || projects.has(gift.project) || (gift.id !== undefined && gifts.has(gift.id));
}
