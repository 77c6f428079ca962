/**
 * What people paid and where it went, in minor units of one currency.
 *
 * 1. balance = captured − refunded − disputed − fees − dispute fees.
 * 2. A refund that the bank sent back after it was paid no longer counts.
 * 3. A dispute that the campaign won gives its amount back, and its fee only where the event says so.
 */
import { type CitedEvent, groupBy, sum, text, whole } from './cited-event.js';

export interface MoneyMovement {
  readonly index: number;
  readonly at: string;
  readonly kind: 'captured' | 'processor fee' | 'refunded' | 'refund returned' | 'disputed' | 'dispute won';
  readonly contributor: string;
  readonly amountMinor: string;
  readonly feeMinor: string;
}

/** What becomes of a cash pledge, in the order in which it is shown; JSON's own order of keys says nothing. */
export const PLEDGE_OUTCOMES = ['created', 'captured', 'failed', 'cancelled', 'refunded', 'disputed'] as const;

export interface MoneyFacts {
  readonly currency: string;
  readonly pledges: Readonly<Record<(typeof PLEDGE_OUTCOMES)[number], number>>;
  readonly pledgedMinor: string;
  readonly capturedMinor: string;
  readonly feesMinor: string;
  readonly refundedMinor: string;
  /** Held back by disputes that are open or lost. */
  readonly disputedMinor: string;
  readonly disputeFeesMinor: string;
  readonly balanceMinor: string;
  readonly movements: readonly MoneyMovement[];
}

export function moneyFacts(events: readonly CitedEvent[]): MoneyFacts {
  const of = (type: string): CitedEvent[] => events.filter((event) => event.type === `pledge.cash.${type}`);
  const total = (type: string, key: string): bigint => sum(of(type).map(({ payload }) => whole(payload, key)));
  const contributors = new Map(
    of('created').map(({ payload }) => [text(payload, 'pledgeId'), text(payload, 'contributor')]),
  );
  const captured = total('captured', 'amountMinor');
  // What a bank transfer costs is known only when the processor moves the money, after it was counted.
  const fees = total('captured', 'feeMinor') + total('fee_charged', 'feeMinor');
  const returned = sum(
    of('refund_failed')
      .filter(wasPaid)
      .map(({ payload }) => whole(payload, 'amountMinor')),
  );
  const refunded = total('refunded', 'amountMinor') - returned;
  const won = sum(
    of('dispute_closed')
      .filter(({ payload }) => payload['won'] === true)
      .map(({ payload }) => disputedAmount(of('disputed'), payload)),
  );
  const disputed = total('disputed', 'amountMinor') - won;
  const disputeFees = total('disputed', 'feeMinor') - total('dispute_closed', 'feeReturnedMinor');
  return {
    currency:
      [...of('created'), ...of('captured')]
        .map(({ payload }) => text(payload, 'currency'))
        .find((currency) => currency !== '') ?? 'USD',
    pledges: {
      created: of('created').length,
      captured: distinct(of('captured')),
      failed: distinct(of('failed')),
      cancelled: distinct(of('cancelled')),
      refunded: distinct(of('refunded')),
      disputed: distinct(of('disputed')),
    },
    pledgedMinor: String(total('created', 'amountMinor')),
    capturedMinor: String(captured),
    feesMinor: String(fees),
    refundedMinor: String(refunded),
    disputedMinor: String(disputed),
    disputeFeesMinor: String(disputeFees),
    balanceMinor: String(captured - fees - refunded - disputed - disputeFees),
    movements: events.flatMap((event) => movement(event, contributors, of('disputed'))),
  };
}

function movement(
  event: CitedEvent,
  contributors: ReadonlyMap<string, string>,
  disputes: readonly CitedEvent[],
): MoneyMovement[] {
  const { index, at, payload } = event;
  const base = { index, at, contributor: contributors.get(text(payload, 'pledgeId')) ?? text(payload, 'contributor') };
  const amounts = { amountMinor: String(whole(payload, 'amountMinor')), feeMinor: String(whole(payload, 'feeMinor')) };
  switch (event.type) {
    case 'pledge.cash.captured':
      return [{ ...base, ...amounts, kind: 'captured' }];
    case 'pledge.cash.fee_charged':
      return [{ ...base, ...amounts, kind: 'processor fee' }];
    case 'pledge.cash.refunded':
      return [{ ...base, ...amounts, kind: 'refunded' }];
    case 'pledge.cash.refund_failed':
      return wasPaid(event) ? [{ ...base, ...amounts, kind: 'refund returned' }] : [];
    case 'pledge.cash.disputed':
      return [{ ...base, ...amounts, kind: 'disputed' }];
    case 'pledge.cash.dispute_closed':
      if (payload['won'] !== true) return [];
      return [
        {
          ...base,
          kind: 'dispute won',
          amountMinor: String(disputedAmount(disputes, payload)),
          feeMinor: String(-whole(payload, 'feeReturnedMinor')),
        },
      ];
    default:
      return [];
  }
}

/** Whether a failed refund had been counted as paid. */
function wasPaid({ payload }: CitedEvent): boolean {
  return payload['wasPaid'] === true;
}

/** The closing event may leave out the amount; then it is what the dispute was opened for. */
function disputedAmount(disputes: readonly CitedEvent[], closed: Readonly<Record<string, unknown>>): bigint {
  if (closed['amountMinor'] !== undefined) return whole(closed, 'amountMinor');
  const opened = disputes.find(({ payload }) => payload['pledgeId'] === closed['pledgeId']);
  return opened ? whole(opened.payload, 'amountMinor') : 0n;
}

function distinct(events: readonly CitedEvent[]): number {
  return groupBy(events, ({ payload }) => text(payload, 'pledgeId')).size;
}
