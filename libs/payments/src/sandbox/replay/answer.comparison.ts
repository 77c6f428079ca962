/**
 * How an answer of the sandbox is held against a recorded one.
 *
 * 1. Every field of the recorded answer is looked at, down to the leaves; an empty list or object is a leaf. A field
 *    that only the sandbox has is not counted: it is newer than the recording.
 * 2. Identifiers (Stripe's ids, client secrets, and what Stripe draws for itself: NAMED_IDENTIFIERS) are mapped: the
 *    sandbox has one of its own, with the same prefix, and the same recorded one always stands for the same one.
 * 3. Times (fields of WHEN that hold seconds since the epoch, and expiry dates of test cards) are mapped: there is a
 *    time, or a year, in both.
 * 4. Every other field is compared for equality of type and value, with the mapped identifiers put into texts.
 * 5. A mapped field that breaks its rule counts as compared and different; one that keeps it is counted apart.
 */
export interface FieldDifference {
  readonly path: string;
  readonly recorded: unknown;
  readonly answered: unknown;
}

export interface Comparison {
  compared: number;
  equal: number;
  mapped: number;
  readonly differences: FieldDifference[];
}

const ID = /^(?:[a-z]{2,12}|acct|in)_[A-Za-z0-9_]{6,}$/;
const OLDER_ID = /^cus_[A-Za-z0-9]{8,}$/;
const NAMED_IDENTIFIERS = new Set([
  'fingerprint',
  'invoice_prefix',
  'network_transaction_id',
  'authorization_code',
  'receipt_url',
  'request_log_url',
]);
const WHEN = /(?:^|_)(?:created|at|on|date|by|before|deadline|expires|start|end|exp_year|exp_month)$/;

/** Recorded identifiers and the sandbox's own, over a whole recording. */
export class IdentifierMap {
  readonly #ours = new Map<string, string>();

  /** @returns whether the pair fits what was learned before. */
  learn(recorded: string, ours: string): boolean {
    const known = this.#ours.get(recorded);
    if (known !== undefined) return known === ours;
    this.#ours.set(recorded, ours);
    return true;
  }

  /** A text with every known recorded identifier replaced; longer ones first, since a secret contains its id. */
  translate(text: string): string {
    let translated = text;
    for (const [recorded, ours] of [...this.#ours].toSorted((a, b) => b[0].length - a[0].length)) {
      translated = translated.replaceAll(recorded, ours);
    }
    return translated;
  }
}

export function compareAnswers(recorded: unknown, answered: unknown, ids: IdentifierMap): Comparison {
  const result: Comparison = { compared: 0, equal: 0, mapped: 0, differences: [] };
  walk('', recorded, answered, ids, result);
  return result;
}

function walk(path: string, recorded: unknown, answered: unknown, ids: IdentifierMap, result: Comparison): void {
  if (Array.isArray(recorded) && recorded.length > 0) {
    const others = Array.isArray(answered) ? (answered as unknown[]) : [];
    recorded.forEach((item, index) => walk(`${path}[${index}]`, item, others[index], ids, result));
    return;
  }
  if (isGroup(recorded) && Object.keys(recorded).length > 0) {
    const other = isGroup(answered) ? answered : {};
    for (const [name, value] of Object.entries(recorded)) {
      walk(path === '' ? name : `${path}.${name}`, value, other[name], ids, result);
    }
    return;
  }
  const name =
    path
      .replaceAll(/\[\d+\]/g, '')
      .split('.')
      .at(-1) ?? '';
  const kept = mappingKept(name, recorded, answered, ids);
  if (kept === true) {
    result.mapped += 1;
    return;
  }
  result.compared += 1;
  if (kept === undefined && sameLeaf(recorded, answered, ids)) result.equal += 1;
  else result.differences.push({ path, recorded, answered });
}

/** Whether a mapped field keeps its rule; `undefined` for a field that is compared. */
function mappingKept(name: string, recorded: unknown, answered: unknown, ids: IdentifierMap): boolean | undefined {
  if (typeof recorded === 'string' && (isId(recorded) || NAMED_IDENTIFIERS.has(name))) {
    if (typeof answered !== 'string') return false;
    const [before, after] = [prefixOf(recorded), prefixOf(answered)];
    return (NAMED_IDENTIFIERS.has(name) || before === after) && ids.learn(recorded, answered);
  }
  if (typeof recorded === 'number' && WHEN.test(name)) {
    return typeof answered === 'number' && isTime(recorded) === isTime(answered);
  }
  return undefined;
}

function isId(text: string): boolean {
  return (ID.test(text) && /\d/.test(text) && /[A-Z]/.test(text)) || OLDER_ID.test(text);
}

function prefixOf(id: string): string {
  return id.split('_', 1)[0] ?? '';
}

function isTime(value: number): boolean {
  return value > 1_000_000_000;
}

function sameLeaf(recorded: unknown, answered: unknown, ids: IdentifierMap): boolean {
  if (typeof recorded === 'string' && typeof answered === 'string') return ids.translate(recorded) === answered;
  return JSON.stringify(recorded) === JSON.stringify(answered);
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
