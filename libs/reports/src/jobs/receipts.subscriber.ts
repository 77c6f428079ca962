import { isUuid } from '#kernel';
import { type DomainEvent, type EventSubscriber, Subscriber, type Tx } from '#platform';
import { Statements } from '../statements.js';
import { forgetPayer } from '../store/receipt.store.js';

/** Keeps the receipt of a pledge true: each change of its money makes the next version. */
@Subscriber()
export class ReceiptIssue implements EventSubscriber {
  readonly name = 'reports.receipts';
  readonly types = [
    'pledge.cash.captured',
    'pledge.cash.partially_funded',
    'pledge.cash.refunded',
    'pledge.cash.refund_failed',
    'pledge.cash.disputed',
    'pledge.cash.dispute_closed',
  ];

  constructor(private readonly statements: Statements) {}

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    const pledgeId = event.payload['pledgeId'];
    if (typeof pledgeId === 'string' && isUuid(pledgeId)) await this.statements.issueReceipt(tx, pledgeId);
  }
}

/** Receipts name their payer; an erased person is named no longer. */
@Subscriber()
export class ReceiptErasure implements EventSubscriber {
  readonly name = 'reports.receipts-erasure';
  readonly types = ['contributor.erased'];

  async handle(event: DomainEvent, tx: Tx): Promise<void> {
    await forgetPayer(tx, String(event.payload['pseudonym']));
  }
}
