/**
 * A statement with the platform's signature, in one JSON file. The key is the log's; the signature is over the bare
 * canonical JSON of the statement, whose `definition` no report has, so that neither can be taken for the other.
 */
import { canonicalJson } from '#kernel';
import { bytes, notes } from '#transparency/pure';
import type { Check } from './signed-report.js';
import { type Definition, type Statement, statementText, wrongSums } from './statement.js';

export const SIGNED_STATEMENT_FORMAT = 'commonweights-signed-statement/v1';
const DEFINITIONS: readonly string[] = [
  'receipt',
  'invoice',
  'yearly-summary',
  'campaign-account',
] satisfies Definition[];

export interface SignedStatement {
  readonly format: typeof SIGNED_STATEMENT_FORMAT;
  readonly statement: Statement;
  readonly signature: { readonly algorithm: 'Ed25519'; readonly key: string; readonly value: string };
}

/** Reads the file's text; undefined unless it is exactly the canonical form (a final newline is allowed). */
export function readSignedStatement(text: string): SignedStatement | undefined {
  try {
    const value = JSON.parse(text) as SignedStatement;
    const { format, statement, signature } = value;
    const shaped =
      format === SIGNED_STATEMENT_FORMAT &&
      DEFINITIONS.includes(statement.definition) &&
      [statement.slug, signature.key, signature.value].every((field) => typeof field === 'string');
    return shaped && canonicalJson(value) === text.trimEnd() ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Checks a signed statement without asking anybody. Never throws on bad content: what is wrong is in the checks. */
export async function verifySignedStatement(
  signed: SignedStatement,
  trustedKey?: string,
): Promise<{ ok: boolean; checks: readonly Check[] }> {
  const { statement, signature } = signed;
  const form = `${statement.definition} v${statement.definitionVersion}, ${statement.slug} version ${statement.version}`;
  const checks: Check[] = [{ name: 'form', ok: true, detail: form }];
  const key = notes.parseVerifierKey(trustedKey ?? signature.key);
  if (key) {
    const isThis = notes.formatVerifierKey(key) === signature.key;
    checks.push({
      name: 'key',
      ok: isThis,
      detail: !isThis
        ? 'The file names another key than the one given.'
        : `${key.name}, ${trustedKey === undefined ? 'taken from the file itself: compare it with one from a source you trust (--key)' : 'as given'}`,
    });
    const value = bytes.fromBase64(signature.value);
    const ok =
      value !== undefined && (await notes.verifyEd25519(key.publicKey, bytes.utf8(statementText(statement)), value));
    const detail = ok
      ? 'The statement is what the key signed.'
      : 'The signature is not this key’s over this statement.';
    checks.push({ name: 'signature', ok, detail });
  } else {
    checks.push({ name: 'key', ok: false, detail: 'The key is not a C2SP Ed25519 verifier key (name+id+base64).' });
  }
  checks.push(figuresCheck(statement));
  return { ok: checks.every((check) => check.ok), checks };
}

function figuresCheck(statement: Statement): Check {
  const name = 'figures';
  try {
    const wrong = wrongSums(statement);
    if (wrong.length === 0) return { name, ok: true, detail: 'Every sum follows from the lines in the file.' };
    return { name, ok: false, detail: `The lines give other sums (${wrong.slice(0, 3).join(', ')}).` };
  } catch {
    // The lines come out of a file that anybody may have written.
    return { name, ok: false, detail: 'No sum can be computed from the lines.' };
  }
}
