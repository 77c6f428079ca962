import { Injectable } from '@nestjs/common';
import {
  isRefused,
  newId,
  pageOf,
  pageSize,
  decodeCursor,
  refuse,
  type Outcome,
  type Page,
  type PageArgs,
  type Refused,
} from '#kernel';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import { Bookkeeper } from './bookkeeper.js';
import { REFUND_CASE_TRANSITIONS, type RefundCaseResolution } from './domain/refund-case.machine.js';
import { refundCasePostings } from './domain/postings.rule.js';
import { PaymentListeners } from './payment-listener.port.js';
import { findPayment, lockPayments, termsOf, toPayment, type PaymentRow } from './store/payment.store.js';
import {
  lockRefundCase,
  pageOfRefundCases,
  resolveRefundCase,
  takeRefundCase,
  type RefundCaseRow,
} from './store/refund-case.store.js';
import { insertRefunds } from './store/refund.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

export interface RefundCaseEnd {
  readonly resolution: RefundCaseResolution;
  /** Why, or where the other payment is to be found; names no person. */
  readonly note: string;
}

const NOTE_CHARS_MAX = 500;

/** The queue of refunds that did not reach their owners, each with somebody who has it in hand. */
@Injectable()
export class RefundCases {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly bookkeeper: Bookkeeper,
    private readonly listeners: PaymentListeners,
  ) {}

  /** What the viewer may decide on, oldest first: an operator sees all, a treasurer those of his projects. */
  async page(viewer: SignedIn, args: PageArgs & { unresolvedOnly: boolean }): Promise<Page<RefundCaseRow>> {
    const first = pageSize(args.first);
    const rows = await this.uow.read(async (tx) => {
      const sees = viewer.platformRoles.has('operator');
      const beneficiaryIds = sees ? undefined : await this.#treasured(tx, viewer);
      const after = decodeCursor(args.after);
      return pageOfRefundCases(tx, { first, after, beneficiaryIds, unresolvedOnly: args.unresolvedOnly });
    });
    return pageOf(rows, first, (row) => row.id);
  }

  /** Takes a case in hand, or over from somebody else. Refusals: REFUND_CASE_NOT_FOUND, REFUND_CASE_RESOLVED. */
  async take(viewer: SignedIn, caseId: string): Promise<Outcome<RefundCaseRow>> {
    return this.uow.run('refund-case-take', async (tx) => {
      const row = await this.#lock(tx, viewer, caseId);
      if (isRefused(row)) return row;
      if (!REFUND_CASE_TRANSITIONS[row.state].includes('taken')) return resolved();
      return takeRefundCase(tx, caseId, viewer.pseudonym);
    });
  }

  /**
   * Ends a case: by a new refund of the same money, by a payment that was made otherwise, or by writing it off.
   * Refusals: REFUND_CASE_NOT_FOUND, REFUND_CASE_RESOLVED, REFUND_CASE_NOT_TAKEN, REFUND_CASE_NOTE_INVALID.
   */
  async resolve(viewer: SignedIn, caseId: string, end: RefundCaseEnd): Promise<Outcome<RefundCaseRow>> {
    const note = end.note.trim();
    if (note.length === 0 || note.length > NOTE_CHARS_MAX) return invalidNote();
    return this.uow.run('refund-case-resolve', async (tx) => {
      const row = await this.#lock(tx, viewer, caseId);
      if (isRefused(row)) return row;
      if (row.state === 'resolved') return resolved();
      if (row.owner !== viewer.pseudonym) return notTaken();
      const payment = (await lockPayments(tx, [row.payment_id])).get(row.payment_id);
      if (payment === undefined) throw new Error(`refund case ${caseId} has no payment`);
      const retryRefundId =
        end.resolution === 'retried'
          ? await retry(tx, row, note)
          : await this.#settle(tx, row, payment, end.resolution);
      const after = await resolveRefundCase(tx, caseId, { resolution: end.resolution, note, retryRefundId });
      tx.emit({
        type: 'refund_case.resolved',
        aggregateType: 'refund_case',
        aggregateId: caseId,
        payload: { caseId, beneficiaryId: row.beneficiary_id, resolution: end.resolution },
      });
      return after;
    });
  }

  /** The money leaves refunds payable for good, and whoever asked for the refund hears that it is over. */
  async #settle(
    tx: Tx,
    row: RefundCaseRow,
    payment: PaymentRow,
    resolution: Exclude<RefundCaseResolution, 'retried'>,
  ): Promise<undefined> {
    const settled = { caseId: row.id, refundId: row.refund_id, amountMinor: row.amount_minor, resolution };
    await this.bookkeeper.post(tx, refundCasePostings(termsOf(payment), settled));
    await this.listeners
      .of(payment.purpose)
      .onPayments(tx, [
        { payment: toPayment(payment), kind: 'refunded', refundId: row.refund_id, amountMinor: row.amount_minor },
      ]);
  }

  /** A case of somebody else's project does not exist for the viewer. */
  async #lock(tx: Tx, viewer: SignedIn, caseId: string): Promise<RefundCaseRow | Refused> {
    const row = await lockRefundCase(tx, caseId);
    if (row === undefined) return notFound();
    if (viewer.platformRoles.has('operator')) return row;
    const payment = await findPayment(tx, row.payment_id);
    const listener = payment === undefined ? undefined : this.listeners.of(payment.purpose);
    const own = (await listener?.treasuredBy?.(tx, viewer.contributorId)) ?? [];
    return own.includes(row.beneficiary_id) ? row : notFound();
  }

  async #treasured(tx: Tx, viewer: SignedIn): Promise<string[]> {
    const all: string[] = [];
    for (const listener of this.listeners.all()) {
      all.push(...((await listener.treasuredBy?.(tx, viewer.contributorId)) ?? []));
    }
    return all;
  }
}

/** The same money once more: it stands in refunds payable already, so nothing is set aside a second time. */
async function retry(tx: Tx, row: RefundCaseRow, note: string): Promise<string> {
  const id = newId();
  const refund = {
    id,
    paymentId: row.payment_id,
    amountMinor: row.amount_minor,
    reason: note,
    key: `refund:case:${row.id}`,
    isExternal: false,
    caseId: row.id,
  };
  await insertRefunds(tx, [refund], tx.now);
  return id;
}

function notFound(): Refused {
  return refuse({
    code: 'REFUND_CASE_NOT_FOUND',
    message: 'There is no such refund case among those you may decide on.',
    path: ['input', 'refundCaseId'],
  });
}

function resolved(): Refused {
  return refuse({
    code: 'REFUND_CASE_RESOLVED',
    message: 'The case is resolved, and stays so.',
    hint: 'A retry that failed again is a case of its own: look for it in the list.',
    path: ['input', 'refundCaseId'],
  });
}

function notTaken(): Refused {
  return refuse({
    code: 'REFUND_CASE_NOT_TAKEN',
    message: 'You do not have this case in hand.',
    hint: 'Take it first.',
    path: ['input', 'refundCaseId'],
  });
}

function invalidNote(): Refused {
  return refuse({
    code: 'REFUND_CASE_NOTE_INVALID',
    message: `Say why, in 1 to ${NOTE_CHARS_MAX} characters.`,
    hint: 'Name the bank transfer that paid it, or the reason to give up. No names of people.',
    path: ['input', 'note'],
  });
}
