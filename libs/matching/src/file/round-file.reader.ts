import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Json, MAX_MINOR_UNITS, type Outcome, canonicalJson } from '#kernel';
import { byText } from '../engine/counted.rule.js';
import type { MatchExclusion, MatchRound, MatchRule } from '../engine/match.type.js';
import { parseMillionths, weightOfScore } from '../engine/weight.rule.js';
import { refuseMatch } from '../matching.refusal.js';

export const ROUND_FORMAT = 'commonweights-match-round/v1';

/** A round read from a file: what to compute, and what the file says in one order, to be hashed. */
export interface RoundFile {
  readonly currency: string;
  readonly round: MatchRound;
  /** Everything but the gifts, in one order. */
  readonly head: Json;
  /**
   * SHA-256 over lines ended by a newline: the canonical JSON of the head, then the canonical JSON of
   * [project, donor, amount, id or null] of each gift, sorted by code unit. The same for any order of the file.
   */
  readonly sha256: string;
}

const name = z.string().min(1).max(200);
const isAmount = (text: string): boolean =>
  /^(0|[1-9]\d{0,18})$/.test(text) && (text.length < 19 || BigInt(text) <= MAX_MINOR_UNITS);
const amountOrZero = z.string().refine(isAmount, { error: 'has to be a whole number of minor units as text' });
const amount = amountOrZero.refine((text) => text !== '0', { error: 'has to be at least "1"' });
const share = z.string().refine((text) => {
  const millionths = parseMillionths(text);
  return millionths !== undefined && millionths <= 1_000_000n;
}, 'has to be a decimal from "0" to "1" with up to six decimals');
const score = z
  .string()
  .refine((text) => parseMillionths(text) !== undefined, 'has to be a decimal with up to six decimals');

const rule = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('linear'), ratio: score.default('1') }),
  z.strictObject({ kind: z.literal('quadratic') }),
  z.strictObject({ kind: z.literal('capital_constrained') }),
  z.strictObject({
    kind: z.literal('pairwise'),
    bound: amount,
    form: z.enum(['bounded', 'reciprocal']).default('bounded'),
    pairs: z.enum(['twice', 'once']).default('twice'),
  }),
  z.strictObject({ kind: z.literal('cluster') }),
  z.strictObject({ kind: z.literal('squared_cluster') }),
  z.strictObject({
    kind: z.literal('connection_oriented'),
    unit: amount.default('100'),
    connection: z.enum(['hard', 'soft', 'walk']).default('hard'),
    // Left out where it is not written, so that the digests of older rounds stay what they are.
    discount: z.enum(['root', 'harsh']).optional(),
  }),
  z.strictObject({ kind: z.literal('offset') }),
]);

/** What an organiser settles before a round opens. */
export const roundTerms = z.strictObject({
  rule,
  unsaturated: z.enum(['raw', 'scale_up']).default('raw'),
  capPerProject: amountOrZero.optional(),
  capPerDonor: amount.optional(),
  minimumPerDonor: amount.optional(),
  defaultWeight: share.default('1'),
});
export type RoundTerms = z.infer<typeof roundTerms>;

const roundSchema = roundTerms.extend({
  format: z.literal(ROUND_FORMAT),
  currency: z.string().regex(/^[A-Z]{3}$/, 'has to be three capital letters'),
  pool: amountOrZero,
  projects: z
    .array(z.strictObject({ id: name, cap: amountOrZero.optional() }))
    .min(1)
    .max(100_000),
  // A million gifts are checked by hand below: the schema library takes twenty seconds for them.
  gifts: z.array(z.unknown()),
  weights: z.record(name, share).default({}),
  scores: z.record(name, score).default({}),
  groups: z.record(name, z.array(name)).default({}),
  exclusions: z
    .array(
      z.strictObject({
        kind: z.enum(['donor', 'project', 'gift']),
        id: name,
        reason: z.string().min(3).max(500),
      }),
    )
    .default([]),
});
interface WrittenGift {
  readonly project: string;
  readonly donor: string;
  readonly amount: string;
  readonly id?: string;
}
type Written = Omit<z.infer<typeof roundSchema>, 'gifts'> & { readonly gifts: readonly WrittenGift[] };

/** Reads a round from its JSON. Refused: `MATCH_FILE_INVALID`, `MATCH_PROJECT_UNKNOWN`, `MATCH_NAMED_TWICE`. */
export function readRound(text: string): Outcome<RoundFile> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return refuseMatch('MATCH_FILE_INVALID', [], `It is not JSON: ${(error as Error).message}.`);
  }
  const parsed = roundSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return invalid((issue?.path ?? []).map(String), issue?.message ?? 'wrong');
  }
  for (const [index, gift] of parsed.data.gifts.entries()) {
    const faulty = giftFault(gift);
    if (faulty) return invalid(['gifts', String(index), ...faulty.path], faulty.message);
  }
  const written = parsed.data as Written;
  const twice = namedTwice(written);
  if (twice) return twice;
  const head = headOf(written);
  return { currency: written.currency, round: roundOf(written), head, sha256: digestOf(head, written.gifts) };
}

const invalid = (path: readonly string[], message: string) =>
  refuseMatch('MATCH_FILE_INVALID', path, `${path.join('.') || 'The file'}: ${message}.`);

const GIFT_FIELDS: ReadonlySet<string> = new Set(['project', 'donor', 'amount', 'id']);

/** What is wrong with a gift; undefined when nothing is. */
function giftFault(gift: unknown): { readonly path: readonly string[]; readonly message: string } | undefined {
  if (typeof gift !== 'object' || gift === null || Array.isArray(gift))
    return { path: [], message: 'has to be an object' };
  const fields = gift as Record<string, unknown>;
  for (const field in fields)
    if (!GIFT_FIELDS.has(field)) return { path: [field], message: 'is nothing that a gift has' };
  for (const field of ['project', 'donor', 'id']) {
    const value = fields[field];
    if (field === 'id' && value === undefined) continue;
    if (typeof value !== 'string' || value.length < 1 || value.length > 200)
      return { path: [field], message: 'has to be a text of 1 to 200 characters' };
  }
  const { amount } = fields;
  if (typeof amount !== 'string' || !isAmount(amount))
    return { path: ['amount'], message: 'has to be a whole number of minor units as text' };
  return amount === '0' ? { path: ['amount'], message: 'has to be at least "1"' } : undefined;
}

function namedTwice(written: Written): Outcome<never> | undefined {
  const projects = new Set<string>();
  for (const [index, { id }] of written.projects.entries()) {
    if (projects.has(id)) return refuseMatch('MATCH_NAMED_TWICE', ['projects', String(index), 'id'], `Project ${id}.`);
    projects.add(id);
  }
  const gifts = new Set<string>();
  for (const [index, gift] of written.gifts.entries()) {
    if (!projects.has(gift.project))
      return refuseMatch('MATCH_PROJECT_UNKNOWN', ['gifts', String(index), 'project'], `Got ${gift.project}.`);
    if (gift.id === undefined) continue;
    if (gifts.has(gift.id)) return refuseMatch('MATCH_NAMED_TWICE', ['gifts', String(index), 'id'], `Gift ${gift.id}.`);
    gifts.add(gift.id);
  }
  const both = Object.keys(written.weights).find((donor) => donor in written.scores);
  return both === undefined
    ? undefined
    : refuseMatch('MATCH_NAMED_TWICE', ['scores', both], `Donor ${both} has a weight and a score.`);
}

function roundOf(written: Written): MatchRound {
  const weights = new Map<string, bigint>();
  for (const [donor, weight] of Object.entries(written.weights)) weights.set(donor, parseMillionths(weight) ?? 0n);
  for (const [donor, points] of Object.entries(written.scores))
    weights.set(donor, weightOfScore(parseMillionths(points) ?? 0n));
  return {
    rule: ruleOf(written.rule),
    poolMinor: BigInt(written.pool),
    unsaturated: written.unsaturated,
    projects: written.projects.map(({ id, cap }) => (cap === undefined ? { id } : { id, capMinor: BigInt(cap) })),
    gifts: written.gifts.map(({ donor, project, amount: minor, id }) => ({
      donor,
      project,
      amountMinor: BigInt(minor),
      ...(id === undefined ? {} : { id }),
    })),
    ...(written.capPerProject === undefined ? {} : { capPerProjectMinor: BigInt(written.capPerProject) }),
    ...(written.capPerDonor === undefined ? {} : { capPerDonorMinor: BigInt(written.capPerDonor) }),
    ...(written.minimumPerDonor === undefined ? {} : { minimumPerDonorMinor: BigInt(written.minimumPerDonor) }),
    weightMillionths: weights,
    defaultWeightMillionths: parseMillionths(written.defaultWeight) ?? 0n,
    groups: new Map(Object.entries(written.groups)),
    exclusions: written.exclusions,
  };
}

export function ruleOf(written: Written['rule']): MatchRule {
  switch (written.kind) {
    case 'linear':
      return { kind: 'linear', ratioMillionths: parseMillionths(written.ratio) ?? 0n };
    case 'pairwise':
      return { kind: 'pairwise', boundMinor: BigInt(written.bound), form: written.form, pairs: written.pairs };
    case 'connection_oriented':
      return {
        kind: 'connection_oriented',
        unitMinor: BigInt(written.unit),
        connection: written.connection,
        ...(written.discount === undefined ? {} : { discount: written.discount }),
      };
    case 'quadratic':
    case 'capital_constrained':
    case 'cluster':
    case 'squared_cluster':
    case 'offset':
      return written;
  }
}

const byKind = (a: MatchExclusion, b: MatchExclusion): number =>
  byText(a.kind, b.kind) || byText(a.id, b.id) || byText(a.reason, b.reason);

/** Defaults filled in, lists in the order of their names; canonical JSON sorts the rest. */
function headOf(written: Written): Json {
  const { gifts: _gifts, ...head } = written;
  const inOrder = {
    ...head,
    projects: [...head.projects].sort((a, b) => byText(a.id, b.id)),
    groups: Object.fromEntries(
      Object.entries(head.groups).map(([id, members]) => [id, [...new Set(members)].sort(byText)]),
    ),
    exclusions: [...head.exclusions].sort(byKind),
  };
  return inOrder as unknown as Json;
}

const SLICE = 10_000;

function digestOf(head: Json, gifts: readonly WrittenGift[]): string {
  const hash = createHash('sha256');
  hash.update(`${canonicalJson(head)}\n`);
  const lines = gifts.map(({ project, donor, amount: minor, id }) =>
    JSON.stringify([project, donor, minor, id ?? null]),
  );
  // Without a comparison of its own, sort() goes by code unit too, and four times as fast.
  // oxlint-disable-next-line typescript/require-array-sort-compare -- code units are the order that is wanted
  lines.sort();
  for (let at = 0; at < lines.length; at += SLICE) hash.update(`${lines.slice(at, at + SLICE).join('\n')}\n`);
  return hash.digest('hex');
}
