import { hash } from 'node:crypto';
import { MAX_MINOR_UNITS, type Outcome, type Refused } from '#kernel';
import { refuseTransfer } from './refusal.catalogue.js';

/** Which side of an account may not outgrow the other. Pending amounts count against the limited side. */
export type LimitRule = 'none' | 'debits_must_not_exceed_credits' | 'credits_must_not_exceed_debits';

/** An account to open. Code and unit are public and name no person. */
export interface AccountSpec {
  /** Unique path for people, for example `campaign:<id>:escrow:USD`. Letters, digits and `: _ . -`, at most 200. */
  readonly code: string;
  /** ISO 4217 code, or `gpu_second:<class>` (booked in milliseconds). */
  readonly unit: string;
  readonly limit: LimitRule;
}

/** What a caller may ask for. The ledger itself also writes `expired`. */
export type TransferKind = 'posted' | 'pending' | 'post_pending' | 'void_pending';

/** A transfer to make: `amount` minor units from the debit account to the credit account. */
export interface TransferSpec {
  /** Idempotency key, unique for ever in the whole ledger. At most 200 characters; `ledger:` is reserved. */
  readonly key: string;
  readonly kind: TransferKind;
  /** Account codes. A resolution may leave them out; if given they must be those of the pending transfer. */
  readonly debit?: string;
  readonly credit?: string;
  /** Minor units, 1 to 10^18. A resolution may leave it out: all that was pending. */
  readonly amount?: bigint;
  /** Key of the pending transfer that a resolution is about. */
  readonly pendingKey?: string;
  /** When a pending transfer lapses by itself; from that instant it holds nothing. */
  readonly expiresAt?: Date;
  /**
   * Move only as much as this side's account has left (debit: credits less debits; credit: debits less credits; pending
   * counted), at most `amount`; `both`: as much as both have. Refused when nothing is left. Posted and pending transfers
   * only.
   */
  readonly balancing?: 'debit' | 'credit' | 'both';
  /**
   * Closes this side's account for as long as the pending transfer stands: nothing but voids and expiries are entered
   * there. To reopen it, void the transfer. Pending transfers only; the amount may then be 0.
   */
  readonly closes?: 'debit' | 'credit';
  /**
   * If it is refused for a reason that may pass (no such account or pending transfer, closed account, limit, overflow),
   * the key stays refused with `LEDGER_KEY_BURNT`, so that a repeat can't turn a failure into a success. Kept only when
   * the transaction commits: {@link LedgerWriter} always does, a caller's own may not.
   */
  readonly burn?: boolean;
  /** Why, for people who read the books. Names no person. */
  readonly reason: string;
  /** What it is about, for programs: `{ pledge: '…' }`. Pseudonymous ids only. */
  readonly refs?: Readonly<Record<string, string>>;
}

/** A transfer as it stands in the books. */
export interface Transfer {
  readonly id: string;
  readonly key: string;
  readonly kind: TransferKind;
  readonly unit: string;
  readonly debit: string;
  readonly credit: string;
  /** What was moved or held, or, of a void, what was let go. Minor units. */
  readonly amount: bigint;
  readonly pendingKey?: string;
  readonly expiresAt?: Date;
  readonly closes?: 'debit' | 'credit';
  readonly reason: string;
  readonly refs: Readonly<Record<string, string>>;
  readonly recordedAt: Date;
  /** True when the key was used before with the same content, so nothing was posted now. */
  readonly replayed: boolean;
}

const MAX_TEXT = 200;
/** Keys of the transfers that the ledger itself writes. */
const RESERVED = 'ledger:';
const KINDS: readonly string[] = ['posted', 'pending', 'post_pending', 'void_pending'];

export const isResolution = (spec: TransferSpec): boolean =>
  spec.kind === 'post_pending' || spec.kind === 'void_pending';

/**
 * The rules that need no look at the books, in their order; the first broken one is the answer. The whole chain passes
 * these before any rule of the books is asked.
 */
export function checkShape(chain: readonly TransferSpec[]): Outcome<undefined> {
  if (chain.length === 0) return refuseTransfer('LEDGER_CHAIN_EMPTY', { index: 0, key: '' });
  for (const [index, spec] of chain.entries()) {
    const refused = brokenShape(spec, index);
    if (refused) return refused;
  }
  return undefined;
}

function brokenShape(spec: TransferSpec, index: number): Refused | undefined {
  const no = (code: Parameters<typeof refuseTransfer>[0], subject?: string) =>
    refuseTransfer(code, { index, key: spec.key, ...(subject === undefined ? {} : { subject }) });
  if (!KINDS.includes(spec.kind)) throw new TypeError(`There is no transfer of kind ${JSON.stringify(spec.kind)}.`);
  if (
    spec.key.length === 0 ||
    spec.key.length > MAX_TEXT ||
    spec.key.startsWith(RESERVED) ||
    spec.key.includes('\u0000')
  ) {
    return no('LEDGER_KEY_INVALID');
  }
  const resolution = isResolution(spec);
  const holdsNothing = spec.amount === 0n && spec.closes !== undefined && spec.kind === 'pending';
  if (!holdsNothing && (resolution ? spec.amount !== undefined && !inRange(spec.amount) : !inRange(spec.amount))) {
    return no('LEDGER_AMOUNT_INVALID', String(spec.amount));
  }
  if (resolution !== (spec.pendingKey !== undefined)) return no('LEDGER_PENDING_KEY_MISPLACED');
  if (spec.expiresAt !== undefined && spec.kind !== 'pending') return no('LEDGER_EXPIRY_MISPLACED');
  if (spec.balancing !== undefined && resolution) return no('LEDGER_BALANCING_MISPLACED');
  if (spec.closes !== undefined && spec.kind !== 'pending') return no('LEDGER_CLOSING_MISPLACED');
  if (!resolution && (spec.debit === undefined || spec.credit === undefined)) {
    return no('LEDGER_ACCOUNT_NOT_FOUND', '(none given)');
  }
  if (spec.debit !== undefined && spec.debit === spec.credit) return no('LEDGER_ACCOUNTS_EQUAL', spec.debit);
  return undefined;
}

const inRange = (amount: bigint | undefined): boolean =>
  amount !== undefined && amount >= 1n && amount <= MAX_MINOR_UNITS;

/**
 * SHA-256, in hexadecimal, of all that a caller asks for, in a frozen form (version 1), so that a repeated key can be told
 * from a misused one. The key itself is not part of it.
 */
export function requestHash(spec: TransferSpec): string {
  const refs = spec.refs === undefined ? [] : Object.entries(spec.refs);
  if (refs.length > 1) refs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const form: unknown[] = [
    1,
    spec.kind,
    spec.debit ?? null,
    spec.credit ?? null,
    spec.amount === undefined ? null : spec.amount.toString(),
    spec.pendingKey ?? null,
    spec.expiresAt === undefined ? null : spec.expiresAt.toISOString(),
    spec.reason,
    refs,
    spec.balancing ?? null,
  ];
  // Named, and only when asked for: the form without them is older.
  if (spec.closes !== undefined) form.push(`closes:${spec.closes}`);
  if (spec.burn === true) form.push('burn');
  return hash('sha256', JSON.stringify(form), 'hex');
}
