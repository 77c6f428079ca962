import type { TransferSpec } from './transfer.rules.js';

/** No side of an account may pass this (`ledger_account_range_ck`). */
const MAX_SIDE = 9_000_000_000_000_000_000n;

/** Gives each distinct text a position, counted from 1 as PostgreSQL counts array elements. */
export class Positions {
  private readonly byText = new Map<string, number>();
  readonly texts: string[] = [];

  of(text: string | undefined): number {
    if (text === undefined) return 0;
    let position = this.byText.get(text);
    if (position === undefined) {
      position = this.texts.push(text);
      this.byText.set(text, position);
    }
    return position;
  }
}

/** How an account moves over a batch of which every transfer is accepted. */
class Movement {
  entries = 0;
  debits = 0n;
  credits = 0n;
  /** What it has to have left before the batch, so that no debit of the batch finds less than its amount. */
  debitNeed = 0n;
  /** The same the other way round, for an account whose credits may not pass its debits. */
  creditNeed = 0n;
}

/** A transfer's place in an account: number of its entry in the batch, and the account's sums up to it, its own included. */
export interface Place {
  readonly entry: number[];
  readonly debits: bigint[];
  readonly credits: bigint[];
}

export interface PlainBatch {
  readonly codes: readonly string[];
  /** By position of the code. */
  readonly movements: readonly Readonly<Movement>[];
  readonly keys: readonly string[];
  /** By transfer. */
  readonly debit: readonly number[];
  readonly credit: readonly number[];
  readonly atDebit: Place;
  readonly atCredit: Place;
}

const isPlain = (spec: TransferSpec): boolean =>
  spec.kind === 'posted' && spec.balancing === undefined && spec.burn !== true;

/**
 * Counts a batch of plain transfers as if all of them are accepted, which most batches are: then what is left to be asked of
 * the books is by account. Nothing when one of them is not plain (it may be answered by what the ones before it did), when a
 * key comes twice, or when a side would pass its range. The transfers have passed the rules of form.
 */
export function countPlain(specs: readonly TransferSpec[]): PlainBatch | undefined {
  if (!specs.every(isPlain)) return undefined;
  const keys = specs.map((spec) => spec.key);
  if (keys.length > 1 && new Set(keys).size !== keys.length) return undefined;
  const codes = new Positions();
  const movements: Movement[] = [];
  const debit: number[] = [];
  const credit: number[] = [];
  const atDebit: Place = { entry: [], debits: [], credits: [] };
  const atCredit: Place = { entry: [], debits: [], credits: [] };
  for (const spec of specs) {
    const amount = spec.amount ?? 0n;
    const d = codes.of(spec.debit);
    const from = (movements[d - 1] ??= new Movement());
    const c = codes.of(spec.credit);
    const to = (movements[c - 1] ??= new Movement());
    from.debits += amount;
    to.credits += amount;
    if (from.debits > MAX_SIDE || to.credits > MAX_SIDE) return undefined;
    const needed = from.debits - from.credits;
    if (needed > from.debitNeed) from.debitNeed = needed;
    const mirrored = to.credits - to.debits;
    if (mirrored > to.creditNeed) to.creditNeed = mirrored;
    debit.push(d);
    credit.push(c);
    enter(atDebit, from);
    enter(atCredit, to);
  }
  return { codes: codes.texts, movements, keys, debit, credit, atDebit, atCredit };
}

function enter(place: Place, movement: Movement): void {
  movement.entries += 1;
  place.entry.push(movement.entries);
  place.debits.push(movement.debits);
  place.credits.push(movement.credits);
}
