import { type Refused, refuse } from '#kernel';

/** The longest reason or note, characters. */
export const NOTE_CHARS_MAX = 500;

const CATALOGUE = {
  RECONCILIATION_FORBIDDEN: ['Operators decide about differences.', undefined],
  RECONCILIATION_CASE_NOT_FOUND: ['There is no such case.', undefined],
  RECONCILIATION_CASE_CLOSED: [
    'The case is closed.',
    'It opens again by itself when the difference comes back or changes.',
  ],
  RECONCILIATION_CASE_NOT_YOURS: ['You do not have this case in hand.', 'Take it first.'],
  RECONCILIATION_ASSIGNEE_UNKNOWN: ['There is no operator of this pseudonym.', 'Choose one of the operators.'],
  RECONCILIATION_NOTE_INVALID: [
    `Say why, in 1 to ${NOTE_CHARS_MAX} characters.`,
    'Name the reference at the bank or the processor. No names of people.',
  ],
  RECONCILIATION_CORRECTION_UNFIT: [
    'No transfer corrects a difference of this kind.',
    'GPU time is booked by its lease and cash of donors by its receipts: mend those, or explain the case.',
  ],
  RECONCILIATION_CORRECTION_ACCOUNT: [
    'These accounts do not correct this difference.',
    'One is the account that was compared, the other an account of the platform that is compared with nothing.',
  ],
  RECONCILIATION_CORRECTION_AMOUNT: ['A correction takes away the whole difference, to the unit.', undefined],
  RECONCILIATION_CORRECTION_OPEN: [
    'A correction of this case waits for its second person.',
    'Have it decided, or withdraw it.',
  ],
  RECONCILIATION_CORRECTION_NOT_FOUND: ['There is no such correction.', undefined],
  RECONCILIATION_CORRECTION_DECIDED: [
    'The correction is decided.',
    'Propose another one if there is still a difference.',
  ],
  RECONCILIATION_CORRECTION_OWN: [
    'Nobody decides on a correction that he proposed.',
    'Ask another operator; you can withdraw it.',
  ],
  RECONCILIATION_CORRECTION_NOT_OWN: ['Only its proposer withdraws a correction.', 'Reject it instead.'],
  RECONCILIATION_CORRECTION_STALE: [
    'The difference is not what it was when this was proposed.',
    'Withdraw or reject it, and propose what is right now.',
  ],
  BANK_LINE_NOT_FOUND: ['There is no such bank line.', undefined],
  BANK_LINE_MATCHED: ['The bank line is matched already.', 'Undo its match first if that is wrong.'],
  BANK_COUNTERPART_NOT_FOUND: [
    'There is no such payout of the processor, or no such transfer at the bank.',
    'Name a payout that was read, or a posted transfer of the account bank:operating of this currency.',
  ],
  BANK_COUNTERPART_INVALID: ['A line is one payout or one transfer.', 'Name either of the two.'],
  BANK_COUNTERPART_MATCHED: [
    'The other side is matched already.',
    'A payout is matched until its amount has arrived, a transfer once.',
  ],
  BANK_MATCH_AMOUNT: ['The two sides are not the same amount.', 'A matched pair sums to zero, to the unit.'],
  BANK_MATCH_NOT_FOUND: ['The bank line is not matched.', undefined],
  BANK_MATCH_CORRECTED: [
    'The line was booked by two persons.',
    'What a correction booked is undone by another correction alone.',
  ],
} as const satisfies Record<string, readonly [message: string, hint: string | undefined]>;

export type ReconciliationCode = keyof typeof CATALOGUE;

/** A refusal of this room: message and hint from the catalogue, `detail` the figures, `path` the input field. */
export function refuseReconciliation(
  code: ReconciliationCode,
  field: string | readonly string[],
  detail?: string,
): Refused {
  const [message, hint] = CATALOGUE[code];
  return refuse({
    code,
    message,
    path: ['input', ...(typeof field === 'string' ? [field] : field)],
    ...(detail === undefined ? {} : { detail }),
    ...(hint === undefined ? {} : { hint }),
  });
}

/** The text without its edges; undefined when it is none that can be kept. */
export function noteOf(text: string): string | undefined {
  const note = text.trim();
  return note.length === 0 || note.length > NOTE_CHARS_MAX || note.includes('\0') ? undefined : note;
}
