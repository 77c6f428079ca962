import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import {
  decodeCursor,
  isRefused,
  type Outcome,
  type Page,
  type PageArgs,
  pageOf,
  pageSize,
  refuse,
  type Refused,
} from '#kernel';
import { type Tx, UnitOfWork, type Viewer } from '#platform';
import Stripe from 'stripe';
import { PaymentListeners } from './payment-listener.port.js';
import { readFailure } from './processor/stripe.failure.js';
import { STRIPE } from './processor/stripe.token.js';
import {
  disputeCase,
  type DisputeCaseRow,
  markDisputeAnswered,
  pageOfDisputes,
  takeDispute,
} from './store/dispute.store.js';
import { findPayment } from './store/payment.store.js';

type SignedIn = Viewer & { kind: 'contributor' };

const ANSWER_CHARS_MAX = 20_000;
/** Stripe's words for a dispute that waits for us. */
const AWAITS_ANSWER = new Set(['needs_response', 'warning_needs_response']);

/**
 * The queue of disputes, each with somebody who answers the bank. An answer moves no money: the books follow what Stripe
 * says of the dispute afterwards. It is the processor's alone, because it names people.
 */
@Injectable()
export class DisputeCases {
  constructor(
    private readonly uow: UnitOfWork,
    private readonly listeners: PaymentListeners,
    @Inject(STRIPE) private readonly stripe: Stripe,
  ) {}

  /** What the viewer may answer, oldest first: an operator sees all, a treasurer those of his projects. */
  async page(viewer: SignedIn, args: PageArgs & { openOnly: boolean }): Promise<Page<DisputeCaseRow>> {
    const first = pageSize(args.first);
    const rows = await this.uow.read(async (tx) => {
      const beneficiaryIds = viewer.platformRoles.has('operator') ? undefined : await this.#treasured(tx, viewer);
      const after = decodeCursor(args.after);
      return pageOfDisputes(tx, { first, after, beneficiaryIds, openOnly: args.openOnly });
    });
    return pageOf(rows, first, (row) => row.id);
  }

  /** Takes a dispute in hand, or over from somebody else. Refusals: DISPUTE_NOT_FOUND, DISPUTE_CLOSED. */
  async take(viewer: SignedIn, disputeId: string): Promise<Outcome<DisputeCaseRow>> {
    return this.uow.run('dispute-take', async (tx) => {
      const row = await this.#held(tx, viewer, disputeId);
      if (isRefused(row)) return row;
      if (row.closed_at !== null) return refused('DISPUTE_CLOSED');
      await takeDispute(tx, disputeId, viewer.pseudonym);
      return (await disputeCase(tx, disputeId)) ?? row;
    });
  }

  /**
   * Sends the bank why the charge is right, once. Refusals: DISPUTE_NOT_FOUND, DISPUTE_NOT_TAKEN,
   * DISPUTE_NO_ANSWER_DUE, DISPUTE_ANSWER_INVALID, DISPUTE_PROCESSOR_REFUSED, DISPUTE_PROCESSOR_AWAY.
   */
  async answer(viewer: SignedIn, disputeId: string, answer: string): Promise<Outcome<DisputeCaseRow>> {
    const text = answer.trim();
    if (text.length === 0 || text.length > ANSWER_CHARS_MAX) return refused('DISPUTE_ANSWER_INVALID');
    const digest = createHash('sha256').update(text).digest('hex').slice(0, 24);
    return this.#tell(viewer, disputeId, (id) =>
      this.stripe.disputes.update(
        id,
        { evidence: { uncategorized_text: text }, submit: true },
        { idempotencyKey: `dispute:${disputeId}:answer:${digest}` },
      ),
    );
  }

  /** Leaves the money to the cardholder. Refusals as of {@link answer}. */
  async accept(viewer: SignedIn, disputeId: string): Promise<Outcome<DisputeCaseRow>> {
    return this.#tell(viewer, disputeId, (id) =>
      this.stripe.disputes.close(id, {}, { idempotencyKey: `dispute:${disputeId}:accept` }),
    );
  }

  async #tell(
    viewer: SignedIn,
    disputeId: string,
    call: (stripeDisputeId: string) => Promise<Stripe.Dispute>,
  ): Promise<Outcome<DisputeCaseRow>> {
    const row = await this.uow.read((tx) => this.#held(tx, viewer, disputeId, false));
    if (isRefused(row)) return row;
    if (row.owner !== viewer.pseudonym) return refused('DISPUTE_NOT_TAKEN');
    if (row.answered_at !== null || !AWAITS_ANSWER.has(row.stripe_status)) return refused('DISPUTE_NO_ANSWER_DUE');
    try {
      await call(row.stripe_dispute_id);
    } catch (error) {
      const failure = readFailure(error);
      if (failure.kind === 'unknown') return refused('DISPUTE_PROCESSOR_AWAY');
      return refused('DISPUTE_PROCESSOR_REFUSED', `${failure.code}: ${failure.message}`);
    }
    return this.uow.run('dispute-answered', async (tx) => {
      await markDisputeAnswered(tx, disputeId);
      return (await disputeCase(tx, disputeId)) ?? row;
    });
  }

  /** A dispute of somebody else's project does not exist for the viewer. */
  async #held(tx: Tx, viewer: SignedIn, id: string, lock = true): Promise<DisputeCaseRow | Refused> {
    const row = await disputeCase(tx, id, lock);
    if (row === undefined) return refused('DISPUTE_NOT_FOUND');
    if (viewer.platformRoles.has('operator')) return row;
    const payment = await findPayment(tx, row.payment_id);
    const listener = payment === undefined ? undefined : this.listeners.of(payment.purpose);
    const own = (await listener?.treasuredBy?.(tx, viewer.contributorId)) ?? [];
    return own.includes(row.beneficiary_id) ? row : refused('DISPUTE_NOT_FOUND');
  }

  async #treasured(tx: Tx, viewer: SignedIn): Promise<string[]> {
    const all: string[] = [];
    for (const listener of this.listeners.all()) {
      all.push(...((await listener.treasuredBy?.(tx, viewer.contributorId)) ?? []));
    }
    return all;
  }
}

const REFUSALS = {
  DISPUTE_NOT_FOUND: ['There is no such dispute among those you may answer.', 'Take the id from the query disputes.'],
  DISPUTE_CLOSED: ['The dispute is over.', 'Its ending stands in the list and in the books.'],
  DISPUTE_NOT_TAKEN: ['You do not have this dispute in hand.', 'Take it first.'],
  DISPUTE_NO_ANSWER_DUE: [
    'The bank waits for no answer.',
    'It has one already, or has decided. A debit that its bank took back can not be answered.',
  ],
  DISPUTE_ANSWER_INVALID: [
    `Say why the charge is right, in 1 to ${ANSWER_CHARS_MAX} characters.`,
    'What was promised, when its donor agreed, what he was told, what was delivered.',
  ],
  DISPUTE_PROCESSOR_REFUSED: ['The payment processor did not take it.', 'Read its reason, and try again.'],
  DISPUTE_PROCESSOR_AWAY: [
    'The payment processor could not be reached.',
    'Send the same answer again; it counts once.',
  ],
} as const satisfies Record<string, readonly [message: string, hint: string]>;

function refused(code: keyof typeof REFUSALS, detail?: string): Refused {
  const [message, hint] = REFUSALS[code];
  const path = ['input', code === 'DISPUTE_ANSWER_INVALID' ? 'answer' : 'disputeId'];
  return refuse({ code, message, hint, path, ...(detail === undefined ? {} : { detail }) });
}
