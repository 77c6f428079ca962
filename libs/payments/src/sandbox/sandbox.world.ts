import type Stripe from 'stripe';
import type { SandboxBook, Stored } from './sandbox.book.js';

/** The API version whose shapes the sandbox speaks: the one that the installed `stripe` package is pinned to. */
export const SANDBOX_API_VERSION = '2026-10-28.endive';

/** The one account that owns the keys. */
export const PLATFORM_ACCOUNT = 'acct_sandboxplatform';

export interface SandboxTiming {
  /** From a charge on a dispute card to its dispute. */
  readonly disputeDelayMs: number;
  /** From submitted evidence, or a pending refund, to the outcome. */
  readonly outcomeDelayMs: number;
  /** From the confirmation of a bank debit to its outcome: days with a bank. */
  readonly debitDelayMs: number;
  /** From charge to available funds. */
  readonly settlementMs: number;
  /** From a payout to its arrival at the bank, or its failure. */
  readonly payoutMs: number;
  /** From available funds to the payout that a schedule makes of them. */
  readonly payoutScheduleMs: number;
  /** From an early fraud warning that nobody acts on to its dispute. */
  readonly warningDelayMs: number;
}

/** Who asked: goes into the event that the request causes. */
export interface RequestOrigin {
  readonly id: string | null;
  readonly idempotencyKey: string | null;
}

/** Stored objects hold ids where an answer may hold the object: the id of a reference, or null. */
export function idOf(reference: string | { readonly id: string } | null): string | null {
  return typeof reference === 'string' ? reference : (reference?.id ?? null);
}

export const NO_REQUEST: RequestOrigin = { id: null, idempotencyKey: null };

/** What every resource of the sandbox works with. */
export interface SandboxWorld {
  readonly book: SandboxBook;
  readonly timing: SandboxTiming;
  /** Where this sandbox is reached, for the pages it links to. No trailing slash. */
  readonly baseUrl: string;
  readonly origin: RequestOrigin;
  emit(type: Stripe.Event['type'], object: Stored, previous?: object): void;
}
