import { z } from 'zod';
import { type Json, type Outcome, canonicalJson, formatMinorUnits, isRefused } from '#kernel';
import type { SigningKey } from '#transparency';
import { bytes, notes } from '#transparency/pure';
import { ALGORITHM, computeMatch } from '../engine/match.rule.js';
import { FIGURE_SCALE, type MatchOutcome, type ProjectResult } from '../engine/match.type.js';
import { type RoundFile, readRound } from './round-file.reader.js';

export const RESULT_FORMAT = 'commonweights-match-result/v1';
const SIGNED_FORMAT = 'commonweights-signed-match/v1';

/** What a round gave, as anybody who has the round computes it again. Amounts and figures are texts. */
export type MatchResult = { readonly [key: string]: Json };

/** Computes the round of a file. Refused as {@link computeMatch} is. */
export function resultOf(file: RoundFile): Outcome<MatchResult> {
  const outcome = computeMatch(file.round);
  return isRefused(outcome) ? outcome : writeResult(file, outcome);
}

export function writeResult(file: RoundFile, outcome: MatchOutcome): MatchResult {
  const claims = outcome.projects.reduce((sum, { claim }) => sum + claim, 0n);
  const figures = outcome.projects.reduce((sum, { figure }) => sum + figure, 0n);
  return {
    format: RESULT_FORMAT,
    algorithm: ALGORITHM,
    input: { sha256: file.sha256, gifts: file.round.gifts.length, projects: file.round.projects.length },
    round: file.head,
    outcome: {
      pool: String(file.round.poolMinor),
      paid: String(outcome.paidMinor),
      left: String(outcome.leftMinor),
      saturated: outcome.isSaturated,
      figures: told(figures),
      claims: told(claims),
      // What a unit of claim is paid by; the α of the capital-constrained form.
      perClaim: claims === 0n ? null : told((outcome.paidMinor * FIGURE_SCALE * FIGURE_SCALE) / claims),
      rootDecimals: outcome.digits,
      capRounds: outcome.capRounds,
      notCounted: { ...outcome.left },
    },
    projects: outcome.projects.map(writeProject),
  };
}

const told = (figure: bigint): string => formatMinorUnits(figure, 12);

const writeProject = (p: ProjectResult): Json => ({
  id: p.id,
  gifts: p.giftCount,
  donors: p.donorCount,
  given: String(p.givenMinor),
  counted: formatMinorUnits(p.countedMillionths, 6),
  figure: told(p.figure),
  claim: told(p.claim),
  share: told(p.share),
  cap: p.capMinor === undefined ? null : String(p.capMinor),
  capped: p.isCapped,
  roundedUp: p.roundedUp,
  match: String(p.matchMinor),
  withGifts: String(p.givenMinor + p.matchMinor),
});

/** The file as it is handed out: canonical JSON, signed where there is a key. */
export function resultFile(result: MatchResult, key?: SigningKey): string {
  const signature = key && {
    algorithm: 'Ed25519',
    key: key.verifierKeyText,
    value: bytes.toBase64(key.sign(bytes.utf8(canonicalJson(result)))),
  };
  return `${canonicalJson({ format: SIGNED_FORMAT, result, signature: signature ?? null })}\n`;
}

export interface MatchCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const fileSchema = z.strictObject({
  format: z.literal(SIGNED_FORMAT),
  result: z.record(z.string(), z.unknown()),
  signature: z.strictObject({ algorithm: z.literal('Ed25519'), key: z.string(), value: z.string() }).nullable(),
});

/**
 * Checks a result against the round it claims to be of: form, signature, digest of the round, and every figure computed
 * anew. Never throws on bad content. A key that the reader trusts goes before the one in the file.
 */
export async function verifyResult(text: string, roundText: string, trusted?: string): Promise<MatchCheck[]> {
  const file = readFile(text);
  if (!file) return [{ name: 'form', ok: false, detail: `It is not a ${SIGNED_FORMAT} file in canonical JSON.` }];
  const checks: MatchCheck[] = [{ name: 'form', ok: true, detail: SIGNED_FORMAT }, await signatureCheck(file, trusted)];
  const round = readRound(roundText);
  if (isRefused(round)) {
    const { message, detail } = round.first;
    return [...checks, { name: 'round', ok: false, detail: `${message} ${detail ?? ''}`.trim() }];
  }
  const stated = (file.result['input'] as { sha256?: unknown } | undefined)?.sha256;
  checks.push({
    name: 'round',
    ok: stated === round.sha256,
    detail: stated === round.sha256 ? `SHA-256 ${round.sha256}` : `The result is of another round (${String(stated)}).`,
  });
  const anew = resultOf(round);
  const same = !isRefused(anew) && canonicalJson(anew) === canonicalJson(file.result);
  return [...checks, { name: 'figures', ok: same, detail: same ? sumUp(anew) : differenceOf(file.result, anew) }];
}

type ResultFile = z.infer<typeof fileSchema>;

function readFile(text: string): ResultFile | undefined {
  try {
    const parsed = fileSchema.safeParse(JSON.parse(text));
    return parsed.success && canonicalJson(parsed.data) === text.trimEnd() ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

async function signatureCheck({ result, signature }: ResultFile, trusted?: string): Promise<MatchCheck> {
  const name = 'signature';
  if (!signature) {
    const detail = trusted === undefined ? 'The file is not signed.' : 'The file is not signed, and a key was given.';
    return { name, ok: trusted === undefined, detail };
  }
  const key = notes.parseVerifierKey(trusted ?? signature.key);
  const value = bytes.fromBase64(signature.value);
  if (!key || !value) return { name, ok: false, detail: 'The key or the signature has no right form.' };
  const ok = await notes.verifyEd25519(key.publicKey, bytes.utf8(canonicalJson(result)), value);
  if (!ok) return { name, ok, detail: `The signature is not by ${key.name}.` };
  const whose = trusted === undefined ? 'by the key in the file' : 'by the key you gave';
  return { name, ok, detail: `${key.name}, ${whose}` };
}

const sumUp = (result: MatchResult): string => {
  const { paid, left } = result['outcome'] as { paid: string; left: string };
  return `Every figure was computed again: paid ${paid}, left ${left}.`;
};

function differenceOf(stated: ResultFile['result'], anew: Outcome<MatchResult>): string {
  if (isRefused(anew)) return anew.first.message;
  const key = Object.keys(anew).find((k) => canonicalJson(anew[k]) !== canonicalJson(stated[k] ?? null));
  const list = (of: unknown) => (Array.isArray(of) ? (of as { id: string }[]) : []);
  const project = list(anew['projects']).find(
    (p, n) => canonicalJson(p) !== canonicalJson(list(stated['projects'])[n] ?? null),
  );
  return `"${key ?? 'something'}" is not what the round gives${project ? `, first at project ${project.id}` : ''}.`;
}
