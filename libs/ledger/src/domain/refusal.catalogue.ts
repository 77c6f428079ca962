import { type Refused, refuse } from '#kernel';

/**
 * Every answer the ledger gives instead of posting, in rank order: rules are asked in this order, so the first broken
 * one is the answer, on every machine and at every try.
 */
export const LEDGER_CODES = [
  'LEDGER_CHAIN_EMPTY',
  'LEDGER_KEY_INVALID',
  'LEDGER_AMOUNT_INVALID',
  'LEDGER_PENDING_KEY_MISPLACED',
  'LEDGER_EXPIRY_MISPLACED',
  'LEDGER_BALANCING_MISPLACED',
  'LEDGER_CLOSING_MISPLACED',
  'LEDGER_ACCOUNTS_EQUAL',
  'LEDGER_KEY_MISMATCH',
  'LEDGER_KEY_BURNT',
  'LEDGER_PENDING_NOT_FOUND',
  'LEDGER_PENDING_WRONG_KIND',
  'LEDGER_PENDING_MISMATCH',
  'LEDGER_POST_EXCEEDS_PENDING',
  'LEDGER_PENDING_EXPIRED',
  'LEDGER_PENDING_RESOLVED',
  'LEDGER_ACCOUNT_NOT_FOUND',
  'LEDGER_UNIT_MISMATCH',
  'LEDGER_EXPIRY_PAST',
  'LEDGER_ACCOUNT_CLOSED',
  'LEDGER_BALANCE_OVERFLOW',
  'LEDGER_LIMIT_EXCEEDED',
] as const;
export type LedgerCode = (typeof LEDGER_CODES)[number];

/** Which transfer of the chain, and what about it. `figure` is in minor units. */
export interface RefusalFacts {
  readonly index: number;
  readonly key: string;
  readonly subject?: string;
  readonly figure?: bigint;
}

type Words = readonly [message: string, hint: string];

const WORDS: Record<LedgerCode, (facts: RefusalFacts) => Words> = {
  LEDGER_CHAIN_EMPTY: () => ['There is nothing to post.', 'Give at least one transfer.'],
  LEDGER_KEY_INVALID: () => [
    'The idempotency key is empty, too long or reserved.',
    'Give 1 to 200 characters that do not begin with "ledger:".',
  ],
  LEDGER_AMOUNT_INVALID: (f) => [
    `The amount ${(f.subject ?? '').slice(0, 40)} can't be booked.`,
    'Give a whole number of minor units from 1 to 1000000000000000000; only a resolution may leave it out.',
  ],
  LEDGER_PENDING_KEY_MISPLACED: () => [
    'A pending key belongs to post_pending and void_pending, and only to these.',
    'Name the pending transfer by its key when you resolve it; leave the pending key out otherwise.',
  ],
  LEDGER_EXPIRY_MISPLACED: () => [
    'Only a pending transfer can expire.',
    'Leave expiresAt out, or make the transfer pending.',
  ],
  LEDGER_BALANCING_MISPLACED: () => [
    "A resolution moves what its pending transfer holds; it can't be balancing.",
    'Leave balancing out, or give the amount to post.',
  ],
  LEDGER_CLOSING_MISPLACED: () => [
    'Only a pending transfer closes an account.',
    'Leave closes out, or make the transfer pending; voiding it opens the account again.',
  ],
  LEDGER_ACCOUNTS_EQUAL: (f) => [
    `Debit and credit are the same account, ${f.subject ?? ''}.`,
    'Move the amount between two accounts.',
  ],
  LEDGER_KEY_MISMATCH: () => [
    'The idempotency key was used before for another transfer.',
    'Repeat a request with exactly its first content, or take a new key for a new transfer.',
  ],
  LEDGER_KEY_BURNT: (f) => [
    `This transfer was refused before, with ${f.subject ?? ''}, and asked to stay refused.`,
    'Take a new key to try it anew.',
  ],
  LEDGER_PENDING_NOT_FOUND: (f) => [
    `There is no transfer with the key ${f.subject ?? ''}.`,
    'Resolve a pending transfer that was posted before, by its idempotency key.',
  ],
  LEDGER_PENDING_WRONG_KIND: (f) => [
    `The transfer ${f.subject ?? ''} is not a pending one.`,
    'Only pending transfers are posted or voided; correct a posted one by an opposite transfer.',
  ],
  LEDGER_PENDING_MISMATCH: (f) => [
    `The resolution differs from the pending transfer ${f.subject ?? ''}.`,
    'Leave accounts out, or give those of the pending transfer; a void lets go the whole amount.',
  ],
  LEDGER_POST_EXCEEDS_PENDING: (f) => [
    `More would be posted than ${f.subject ?? ''} holds.`,
    'Post at most the pending amount; what is not posted is released.',
  ],
  LEDGER_PENDING_EXPIRED: (f) => [
    `The pending transfer ${f.subject ?? ''} has expired.`,
    'Its amount is free again; make a new pending transfer.',
  ],
  LEDGER_PENDING_RESOLVED: (f) => [
    `The pending transfer ${f.subject ?? ''} was posted or voided before.`,
    'A pending transfer is resolved once; make a new transfer for anything more.',
  ],
  LEDGER_ACCOUNT_NOT_FOUND: (f) => [
    `There is no account ${f.subject ?? ''}.`,
    'Open the account first, or correct its code.',
  ],
  LEDGER_UNIT_MISMATCH: (f) => [
    `The accounts hold different units: ${f.subject ?? ''}.`,
    'A transfer stays within one unit; exchange by two linked transfers through an account in each unit.',
  ],
  LEDGER_EXPIRY_PAST: () => ['The expiry has passed already.', 'Give a moment in the future.'],
  LEDGER_ACCOUNT_CLOSED: (f) => [
    `The account ${f.subject ?? ''} is closed.`,
    'Pending transfers of it may be voided; to book anything else, void the transfer that closed it.',
  ],
  LEDGER_BALANCE_OVERFLOW: (f) => [
    `The account ${f.subject ?? ''} can't hold more.`,
    'One side of an account holds at most 9000000000000000000 minor units; open another account.',
  ],
  LEDGER_LIMIT_EXCEEDED: (f) => [
    `The account ${f.subject ?? ''} has not enough left.`,
    `Move at most ${String(f.figure ?? 0n)} minor units; pending transfers count as spent until they are voided or expire.`,
  ],
};

/** The refusal of a chain because of one of its transfers. */
export function refuseTransfer(code: LedgerCode, facts: RefusalFacts): Refused {
  const [message, hint] = WORDS[code](facts);
  const figure = facts.figure === undefined ? '' : `, figure ${String(facts.figure)}`;
  return refuse({
    code,
    message,
    hint,
    detail: `Transfer ${facts.index + 1} of the chain, key ${JSON.stringify(facts.key.slice(0, 200))}${figure}.`,
  });
}
