/**
 * A report with everything needed to check it offline, in one JSON file:
 * the report, an Ed25519 signature over its canonical JSON by the log's key, the signed checkpoint of the log it speaks
 * of, and each cited event with its proof of inclusion.
 *
 * The signature is over the bare canonical JSON, which starts with a brace; a checkpoint starts with the log's
 * name. Neither can be taken for the other.
 */
import { canonicalJson } from '#kernel';
import { bytes, notes, portableTreeHash, proofs, tree, type TreeHash } from '#transparency/pure';
import { type CitedEvent, eventOfLeaf } from './cited-event.js';
import { selectEvents } from './event-selection.js';
import { reportText, runReport, type RunReport } from './run-report.js';

export const SIGNED_REPORT_FORMAT = 'commonweights-signed-report/v1';

export interface SignedReport {
  readonly format: typeof SIGNED_REPORT_FORMAT;
  readonly report: RunReport;
  readonly signature: { readonly algorithm: 'Ed25519'; readonly key: string; readonly value: string };
  readonly evidence: {
    /** The signed note of the log at the report's log size. */
    readonly checkpoint: string;
    readonly leaves: readonly { readonly index: number; readonly data: string; readonly proof: readonly string[] }[];
  };
}

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface Verification {
  readonly ok: boolean;
  readonly checks: readonly Check[];
  /** Present when the file could be read, whether or not its checks hold. */
  readonly signed?: SignedReport;
}

export interface VerifyOptions {
  /** C2SP verifier key that the reader trusts. Without it the key in the file is used, which proves less. */
  readonly key?: string;
  /** A checkpoint of the same log that the reader got elsewhere. */
  readonly checkpoint?: string;
  /** Every leaf of the log below the report's size, in order, as text: proves that no event was left out. */
  readonly leaves?: readonly string[];
  readonly hash?: TreeHash;
}

/** Checks a signed report without asking anybody. Never throws on bad content: what is wrong is in the checks. */
export async function verifySignedReport(text: string, options: VerifyOptions = {}): Promise<Verification> {
  const signed = readSignedReport(text);
  if (!signed) {
    return {
      ok: false,
      checks: [{ name: 'form', ok: false, detail: `The file is not a ${SIGNED_REPORT_FORMAT} in canonical JSON.` }],
    };
  }
  const key = notes.parseVerifierKey(options.key ?? signed.signature.key);
  const checks: Check[] = [
    {
      name: 'form',
      ok: true,
      detail: `${signed.report.definition} v${signed.report.definitionVersion}, ${signed.report.slug} version ${signed.report.version}`,
    },
  ];
  if (!key)
    return finish(
      [...checks, { name: 'key', ok: false, detail: 'The key is not a C2SP Ed25519 verifier key (name+id+base64).' }],
      signed,
    );
  checks.push(keyCheck(signed, key, options.key !== undefined));
  checks.push(await signatureCheck(signed, key));
  const { check, root } = await checkpointCheck(signed, key);
  checks.push(check);
  if (options.checkpoint !== undefined) checks.push(await knownCheckpointCheck(signed, key, options.checkpoint));
  const hash = options.hash ?? portableTreeHash;
  checks.push(inclusionCheck(signed, root, hash), figuresCheck(signed));
  if (options.leaves !== undefined) checks.push(completenessCheck(signed, root, options.leaves, hash));
  return finish(checks, signed);
}

/** Reads the file's text; undefined unless it is exactly the canonical form (a final newline is allowed). */
export function readSignedReport(text: string): SignedReport | undefined {
  try {
    const value = JSON.parse(text) as SignedReport;
    const { format, report, signature, evidence } = value;
    const shaped =
      format === SIGNED_REPORT_FORMAT &&
      Number.isSafeInteger(report.log.size) &&
      [
        report.log.origin,
        report.log.rootHash,
        report.slug,
        report.facts.subject.runId,
        signature.key,
        signature.value,
        evidence.checkpoint,
      ].every((field) => typeof field === 'string') &&
      Array.isArray(report.cites) &&
      evidence.leaves.every(
        (leaf) => Number.isSafeInteger(leaf.index) && typeof leaf.data === 'string' && Array.isArray(leaf.proof),
      );
    return shaped && canonicalJson(value) === text.trimEnd() ? value : undefined;
  } catch {
    return undefined;
  }
}

function keyCheck({ signature }: SignedReport, key: notes.VerifierKey, isGiven: boolean): Check {
  const name = 'key';
  if (!isGiven)
    return {
      name,
      ok: true,
      detail: `${key.name}, taken from the file itself: compare it with one from a source you trust (--key)`,
    };
  const ok = notes.formatVerifierKey(key) === signature.key;
  return { name, ok, detail: ok ? `${key.name}, as given` : 'The file names another key than the one given.' };
}

async function signatureCheck({ report, signature }: SignedReport, key: notes.VerifierKey): Promise<Check> {
  const value = bytes.fromBase64(signature.value);
  const ok = value !== undefined && (await notes.verifyEd25519(key.publicKey, bytes.utf8(reportText(report)), value));
  return {
    name: 'signature',
    ok,
    detail: ok ? 'The report is what the key signed.' : 'The signature is not this key’s over this report.',
  };
}

async function checkpointCheck(
  { report, evidence }: SignedReport,
  key: notes.VerifierKey,
): Promise<{ check: Check; root: Uint8Array | undefined }> {
  const opened = await notes.openCheckpoint(evidence.checkpoint, key);
  const { origin, size, rootHash } = report.log;
  const ok =
    opened !== undefined &&
    opened.checkpoint.origin === origin &&
    opened.checkpoint.size === size &&
    bytes.toBase64(opened.checkpoint.root) === rootHash;
  const detail = ok
    ? `The log ${origin} signed its ${size} events with this root.`
    : 'The checkpoint is not signed by this key, or speaks of another log, size or root than the report.';
  return { check: { name: 'checkpoint', ok, detail }, root: ok ? opened.checkpoint.root : undefined };
}

async function knownCheckpointCheck({ report }: SignedReport, key: notes.VerifierKey, note: string): Promise<Check> {
  const name = 'known checkpoint';
  const opened = await notes.openCheckpoint(note, key);
  if (!opened) return { name, ok: false, detail: 'The checkpoint that you gave is not signed by this key.' };
  const { size, root } = opened.checkpoint;
  if (size !== report.log.size) {
    return {
      name,
      ok: true,
      detail: `Yours speaks of ${size} events, the report of ${report.log.size}: signed by the same key, but their consistency needs a proof (GET /log/proof/consistency).`,
    };
  }
  const ok = bytes.toBase64(root) === report.log.rootHash;
  return {
    name,
    ok,
    detail: ok
      ? 'It has the same root as the one you gave.'
      : 'It has another root than the one you gave: the log has shown two histories.',
  };
}

function inclusionCheck({ report, evidence }: SignedReport, root: Uint8Array | undefined, hash: TreeHash): Check {
  const name = 'inclusion';
  if (!root) return { name, ok: false, detail: 'There is no good checkpoint to prove the cited events against.' };
  const cited = canonicalJson(evidence.leaves.map((leaf) => leaf.index)) === canonicalJson(report.cites);
  if (!cited) return { name, ok: false, detail: 'The events in the file are not the ones that the report cites.' };
  const bad = evidence.leaves.find((leaf) => {
    const proof = leaf.proof.map((text) => bytes.fromBase64(String(text)) ?? new Uint8Array(0));
    return !proofs.verifyInclusion(
      { index: leaf.index, size: report.log.size, leafHash: hash.leaf(bytes.utf8(leaf.data)), root, proof },
      hash,
    );
  });
  if (bad) return { name, ok: false, detail: `The event at ${bad.index} is not in the log.` };
  return { name, ok: true, detail: `All ${evidence.leaves.length} cited events are in the log.` };
}

/** Computes the whole report again out of the cited events alone. */
function figuresCheck({ report, evidence }: SignedReport): Check {
  const name = 'figures';
  const events = evidence.leaves
    .map((leaf) => eventOfLeaf(leaf.index, bytes.utf8(leaf.data)))
    .filter((event): event is CitedEvent => event !== undefined);
  const again = computedAgain(report, events);
  if (!again) return { name, ok: false, detail: 'No report can be computed from the cited events.' };
  if (reportText(again) === reportText(report))
    return { name, ok: true, detail: 'Every figure follows from the cited events.' };
  const section = (Object.keys(again.facts) as (keyof typeof again.facts)[]).find(
    (part) => !(part in report.facts) || canonicalJson(again.facts[part]) !== canonicalJson(report.facts[part]),
  );
  return {
    name,
    ok: false,
    detail: `The cited events give other figures${section ? ` (first in "${section}")` : ''}.`,
  };
}

/** The report that the events give; undefined for events whose payloads are not those that the report reads. */
function computedAgain(report: RunReport, events: readonly CitedEvent[]): RunReport | undefined {
  const { runId, campaignId, recipeId } = report.facts.subject;
  const { reportId, slug, version, corrects, log } = report;
  try {
    return runReport({ reportId, slug, version, corrects, log, subject: { runId, campaignId, recipeId }, events });
  } catch {
    // The events come out of a file that anybody may have written.
    return undefined;
  }
}

/** Builds the log again and selects from all of it, so that an event left out of the report is missed. */
function completenessCheck(
  { report }: SignedReport,
  root: Uint8Array | undefined,
  leaves: readonly string[],
  hash: TreeHash,
): Check {
  const name = 'completeness';
  const data = leaves.slice(0, report.log.size).map(bytes.utf8);
  const log = new tree.MemoryTree(hash);
  for (const leaf of data) log.append(hash.leaf(leaf));
  if (!root || data.length < report.log.size || !bytes.equalBytes(log.root(), root)) {
    return { name, ok: false, detail: `The leaves that you gave are not the first ${report.log.size} of this log.` };
  }
  const events = data
    .map((leaf, index) => eventOfLeaf(index, leaf))
    .filter((event): event is CitedEvent => event !== undefined);
  const { runId, campaignId, recipeId } = report.facts.subject;
  const found = selectEvents(events, { runId, campaignId, recipeId }).map((event) => event.index);
  const missing = found.filter((index) => !report.cites.includes(index));
  if (missing.length > 0)
    return { name, ok: false, detail: `The report leaves out ${missing.length} events, the first at ${missing[0]}.` };
  return { name, ok: true, detail: `The log holds no other event about this run (${leaves.length} looked at).` };
}

function finish(checks: readonly Check[], signed: SignedReport): Verification {
  return { ok: checks.every((check) => check.ok), checks, signed };
}
