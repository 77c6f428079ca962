/** Which object an event is a hint about. Whatever it says, the object is read from Stripe before anything is done. */
export type EventSubject =
  | { readonly kind: 'payment'; readonly intentId: string; readonly paymentId: string | undefined }
  /** With what the event says of it: a refund that is known to be so is not read again. */
  | {
      readonly kind: 'refund';
      readonly refundId: string;
      readonly intentId: string;
      readonly status: string | undefined;
    }
  | { readonly kind: 'refunds'; readonly intentId: string; readonly refundedMinor: number | undefined }
  | { readonly kind: 'dispute'; readonly disputeId: string; readonly intentId: string }
  | { readonly kind: 'warning'; readonly warningId: string; readonly intentId: string }
  | { readonly kind: 'setup'; readonly setupIntentId: string; readonly setupId: string | undefined }
  | { readonly kind: 'cash'; readonly customerId: string }
  | { readonly kind: 'cash_return'; readonly refundId: string; readonly cashReturnId: string }
  | { readonly kind: 'account'; readonly accountId: string }
  | { readonly kind: 'payout'; readonly objectId: string; readonly attemptId: string | undefined }
  | { readonly kind: 'none' };

const NONE: EventSubject = { kind: 'none' };

export function subjectOf(type: string, object: Readonly<Record<string, unknown>>): EventSubject {
  const id = textIn(object, 'id');
  if (type.startsWith('account.') || type.startsWith('payout.') || type.startsWith('transfer.')) {
    return moneyOut(type, id, object);
  }
  if (type.startsWith('radar.early_fraud_warning.')) {
    const intent = reference(object, 'payment_intent');
    return id === undefined || intent === undefined ? NONE : { kind: 'warning', warningId: id, intentId: intent };
  }
  if (type.startsWith('setup_intent.')) {
    return id === undefined
      ? NONE
      : { kind: 'setup', setupIntentId: id, setupId: textIn(metadataOf(object), 'setup_id') };
  }
  if (type.startsWith('customer_cash_balance_transaction.') || type.startsWith('cash_balance.')) {
    const customerId = reference(object, 'customer');
    return customerId === undefined ? NONE : { kind: 'cash', customerId };
  }
  const cashReturnId = textIn(metadataOf(object), 'cash_return_id');
  if (id !== undefined && type.startsWith('refund.') && cashReturnId !== undefined) {
    return { kind: 'cash_return', refundId: id, cashReturnId };
  }
  const isIntent = type.startsWith('payment_intent.');
  const intentId = isIntent ? id : reference(object, 'payment_intent');
  if (id === undefined || intentId === undefined) return NONE;
  if (type.startsWith('charge.dispute.')) return { kind: 'dispute', disputeId: id, intentId };
  if (type.startsWith('refund.') || type.startsWith('charge.refund.'))
    return { kind: 'refund', refundId: id, intentId, status: textIn(object, 'status') };
  if (type === 'charge.refunded') {
    const minor = object['amount_refunded'];
    return { kind: 'refunds', intentId, refundedMinor: typeof minor === 'number' ? minor : undefined };
  }
  if (!isIntent && !type.startsWith('charge.')) return NONE;
  return { kind: 'payment', intentId, paymentId: textIn(metadataOf(object), 'payment_id') };
}

function moneyOut(type: string, id: string | undefined, object: Readonly<Record<string, unknown>>): EventSubject {
  if (id === undefined) return NONE;
  if (type === 'account.updated') return { kind: 'account', accountId: id };
  if (type.startsWith('account.')) return NONE;
  return { kind: 'payout', objectId: id, attemptId: textIn(metadataOf(object), 'payout_attempt_id') };
}

function metadataOf(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const metadata = object['metadata'];
  return typeof metadata === 'object' && metadata !== null ? (metadata as Record<string, unknown>) : {};
}

function textIn(object: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = object[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A reference is an id, or the object itself where it was expanded. */
function reference(object: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = object[name];
  if (typeof value === 'object' && value !== null) return textIn(value as Record<string, unknown>, 'id');
  return textIn(object, name);
}

const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 60_000;
/** An event whose payment never came is left alone after this; the sweep would find a payment without its event. */
export const ORPHAN_MS = 24 * 3_600_000;
/** A payment wakes what waits for it; this is for the one that committed in the moment in which its event was parked. */
const PARKED_MS_MAX = 300_000;

export function retryMs(attempts: number, parked: boolean): number {
  return Math.min(parked ? PARKED_MS_MAX : RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** Math.min(attempts, 16));
}
