import type { Tx, Viewer } from '#platform';
import { claimsOf } from './engine/claim.rule.js';
import { countGifts } from './engine/counted.rule.js';
import { withGift } from './engine/gain.rule.js';
import { MILLIONTHS, type MatchRound, type MatchRule, type Unsaturated } from './engine/match.type.js';
import { type Claim, type Scale, scaleOf } from './engine/scale.rule.js';
import { divide } from './engine/shares.rule.js';
import { SUMS_SCALE, claimOfSums, isSumRule, sumsWith } from './engine/sums.rule.js';
import { parseMillionths, weightOfScore } from './engine/weight.rule.js';
import { ruleOf } from './file/round-file.reader.js';
import { type CountingTerms, countedSums, giftCount, giftsOfDonor } from './store/gift-sums.store.js';
import { giftsSoFar } from './store/gift.store.js';
import { exclusionsOf } from './store/review.store.js';
import { type RoundCampaignRow, type RoundRow, campaignsOf, groupsOf, scoresOf } from './store/round.store.js';

/** Above this a rule that looks at every gift is not estimated. */
const MAX_GIFTS = 100_000;
/** Up to this many gifts everything is computed again with the one more, so that nothing is left out. */
const MAX_WHOLE = 2_000;
const DIGITS = 9;

export interface Parts {
  readonly claims: readonly Claim[];
  readonly parts: readonly bigint[];
}

/** An open round as its gifts stand now: what each campaign would get, and what one more gift would change. */
export interface Standing extends Parts {
  readonly round: RoundRow;
  readonly campaignIds: readonly string[];
  readonly asOf: Date;
  /** What each campaign would get by other claims. */
  readonly divided: (claims: readonly Claim[]) => readonly bigint[];
  /** The claims with one more gift of the viewer to a campaign; undefined where that would take too long. */
  readonly claimsWith: (
    tx: Tx,
    viewer: Viewer,
    index: number,
    amountMinor: bigint,
  ) => Promise<readonly Claim[] | undefined>;
}

/** Undefined where the rule is too costly to ask. */
export async function readStanding(tx: Tx, round: RoundRow): Promise<Standing | undefined> {
  const rule = ruleOf(round.rule.rule);
  const campaigns = (await campaignsOf(tx, [round.id])).toSorted((a, b) => (a.campaignId < b.campaignId ? -1 : 1));
  const terms = await countingTerms(tx, round);
  if (isSumRule(rule)) return bySums(tx, round, rule, campaigns, terms);
  if ((await giftCount(tx, terms, MAX_GIFTS + 1)) > MAX_GIFTS) return undefined;
  return byGifts(tx, round, rule, campaigns, terms);
}

async function bySums(
  tx: Tx,
  round: RoundRow,
  rule: Extract<MatchRule, { kind: 'linear' | 'quadratic' | 'capital_constrained' }>,
  campaigns: readonly RoundCampaignRow[],
  terms: CountingTerms,
): Promise<Standing> {
  const known = await countedSums(tx, terms);
  const sums = campaigns.map((c) => known.get(c.campaignId) ?? { donors: 0, counted: 0n, roots: 0n });
  const claims = sums.map((one) => claimOfSums(rule, one));
  const divided = divider(round, campaigns, SUMS_SCALE);
  return {
    round,
    campaignIds: campaigns.map((c) => c.campaignId),
    claims,
    parts: divided(claims),
    asOf: tx.now,
    divided,
    async claimsWith(now, viewer, index, amountMinor) {
      const own = sums[index];
      const campaignId = campaigns[index]?.campaignId;
      if (!own || campaignId === undefined) return undefined;
      const before =
        viewer.kind === 'contributor'
          ? await giftsOfDonor(now, terms, { contributorId: viewer.contributorId, campaignId })
          : { here: 0n, all: 0n };
      const pseudonym = viewer.kind === 'contributor' ? viewer.pseudonym : undefined;
      const counts = (here: bigint, all: bigint) => countsFor(terms, pseudonym, campaignId, { here, all });
      const old = counts(before.here, before.all);
      const more = counts(before.here + amountMinor, before.all + amountMinor);
      return claims.with(index, claimOfSums(rule, sumsWith(own, old, more)));
    },
  };
}

/** What a donor's gifts to a campaign count for, in millionths, given what he gave in the whole round. */
function countsFor(
  terms: CountingTerms,
  pseudonym: string | undefined,
  campaignId: string,
  given: { readonly here: bigint; readonly all: bigint },
): bigint {
  if (terms.excluded.campaign.includes(campaignId)) return 0n;
  if (pseudonym !== undefined && terms.excluded.donor.includes(pseudonym)) return 0n;
  if (given.all < (terms.minimumPerDonorMinor ?? 0n)) return 0n;
  const weight = (pseudonym === undefined ? undefined : terms.weights.get(pseudonym)) ?? terms.defaultWeight;
  const cap = terms.capPerDonorMinor;
  return (cap !== undefined && given.here > cap ? cap : given.here) * weight;
}

async function byGifts(
  tx: Tx,
  round: RoundRow,
  rule: MatchRule,
  campaigns: readonly RoundCampaignRow[],
  terms: CountingTerms,
): Promise<Standing> {
  const groups = new Map<string, string[]>();
  for (const { groupId, pseudonym } of await groupsOf(tx, round.id))
    groups.set(groupId, [...(groups.get(groupId) ?? []), pseudonym]);
  const input: MatchRound = {
    rule,
    poolMinor: round.poolMinor,
    unsaturated: round.rule.unsaturated,
    projects: campaigns.map(({ campaignId }) => ({ id: campaignId })),
    gifts: (await giftsSoFar(tx, round.id, round.opensAt, round.closesAt)).map((g) => ({
      id: g.pledgeId,
      donor: g.pseudonym,
      project: g.campaignId,
      amountMinor: g.amountMinor,
    })),
    ...(terms.capPerDonorMinor === undefined ? {} : { capPerDonorMinor: terms.capPerDonorMinor }),
    ...(terms.minimumPerDonorMinor === undefined ? {} : { minimumPerDonorMinor: terms.minimumPerDonorMinor }),
    defaultWeightMillionths: terms.defaultWeight,
    weightMillionths: terms.weights,
    groups,
    exclusions: (['donor', 'gift', 'campaign'] as const).flatMap((kind) =>
      terms.excluded[kind].map((id) => ({ kind: kind === 'campaign' ? ('project' as const) : kind, id, reason: '' })),
    ),
  };
  const scale = scaleOf(DIGITS);
  const counted = countGifts(input);
  const claims = claimsOf(input, counted, scale);
  const divided = divider(round, campaigns, scale);
  return {
    round,
    campaignIds: campaigns.map((c) => c.campaignId),
    claims,
    parts: divided(claims),
    asOf: tx.now,
    divided,
    async claimsWith(_, viewer, index, amountMinor) {
      const donor = viewer.kind === 'contributor' ? viewer.pseudonym : undefined;
      const project = campaigns[index]?.campaignId ?? '';
      if (input.gifts.length > MAX_WHOLE) {
        const claim = withGift(input, counted, { index, donor, amountMinor }, scale);
        return claim && claims.with(index, claim);
      }
      const all = { ...input, gifts: [...input.gifts, { donor: donor ?? 'somebody new', project, amountMinor }] };
      return claimsOf(all, countGifts(all), scale);
    },
  };
}

/** An estimate takes figures as they are, whatever their decimals leave undecided. */
function divider(round: RoundRow, campaigns: readonly RoundCampaignRow[], scale: Scale) {
  const all = round.rule.capPerProject === undefined ? undefined : BigInt(round.rule.capPerProject);
  const caps = campaigns.map(({ capMinor }) => capMinor ?? all);
  const unsaturated: Unsaturated = round.rule.unsaturated;
  return (claims: readonly Claim[]): readonly bigint[] =>
    divide({ claims, caps, poolMinor: round.poolMinor, unsaturated, scale }, true)?.parts ?? [];
}

async function countingTerms(tx: Tx, round: RoundRow): Promise<CountingTerms> {
  const { capPerDonor, minimumPerDonor, defaultWeight } = round.rule;
  const scores = await scoresOf(tx, round.id);
  const exclusions = (await exclusionsOf(tx, [round.id])).filter((e) => e.state !== 'lifted');
  const excluded = (kind: (typeof exclusions)[number]['kind']) =>
    exclusions.filter((e) => e.kind === kind).map((e) => e.subjectId);
  return {
    roundId: round.id,
    from: round.opensAt,
    to: round.closesAt,
    capPerDonorMinor: capPerDonor === undefined ? undefined : BigInt(capPerDonor),
    minimumPerDonorMinor: minimumPerDonor === undefined ? undefined : BigInt(minimumPerDonor),
    defaultWeight: parseMillionths(defaultWeight) ?? MILLIONTHS,
    weights: new Map(scores.map((s) => [s.pseudonym, weightOfScore(parseMillionths(s.score) ?? 0n)])),
    excluded: { donor: excluded('donor'), gift: excluded('gift'), campaign: excluded('campaign') },
  };
}
