/**
 * What is kept of an event of Stripe. An event is a hint about an object that is read again from Stripe, so the inbox
 * needs ids, amounts and statuses; who paid, from where and by which card stays with Stripe.
 *
 * 1. Only what is named here is kept: a field that Stripe adds tomorrow is dropped.
 * 2. An object inside the object is reduced to its id.
 */
type Fields = Readonly<Record<string, unknown>>;

const ENVELOPE = ['id', 'object', 'type', 'created', 'livemode', 'api_version'] as const;
const FACTS = words(
  'id object created livemode status currency captured paid refunded disputed',
  'amount amount_capturable amount_captured amount_received amount_refunded fee net',
  'net_amount ending_balance fraud_type actionable',
  'failure_code cancellation_reason canceled_at reason is_charge_refundable arrival_date',
);
const REFERENCES = ['payment_intent', 'charge', 'latest_charge', 'balance_transaction', 'source', 'customer'] as const;
/** Written by ourselves when the object was made. */
const METADATA = [
  'payment_id',
  'reference',
  'beneficiary_id',
  'refund_id',
  'setup_id',
  'cash_return_id',
  'payout_attempt_id',
  'project_id',
] as const;

/** The event without anything personal, as JSON text. */
export function eventEssence(event: Fields): string {
  const data = asFields(event['data']);
  const object = asFields(data?.['object']) ?? {};
  const references = REFERENCES.flatMap((name) => {
    const id = asFields(object[name])?.['id'] ?? object[name];
    return typeof id === 'string' ? [[name, id] as const] : [];
  });
  const metadata = plain(asFields(object['metadata']) ?? {}, METADATA);
  return JSON.stringify({
    ...plain(event, ENVELOPE),
    data: { object: { ...plain(object, FACTS), ...Object.fromEntries(references), metadata } },
  });
}

function words(...lines: readonly string[]): string[] {
  return lines.flatMap((line) => line.split(' '));
}

const asFields = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;

/** The named fields that are text, number or truth value. */
function plain(from: Fields, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = from[name];
      return ['string', 'number', 'boolean'].includes(typeof value) ? [[name, value]] : [];
    }),
  );
}
