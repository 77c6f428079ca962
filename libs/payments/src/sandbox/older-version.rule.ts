import type Stripe from 'stripe';
import { invalidRequest } from './api.error.js';
import type { Params } from './form.codec.js';
import type { SandboxBook } from './sandbox.book.js';

/**
 * The API as clients of an older `Stripe-Version` see it: what the version had and the newest lacks is put back, and
 * a default that has changed is the old one. Source: Stripe's API changelog, and recorded traffic of 2019-08-14.
 * What an old version lacked is left in place: clients ignore what they do not know.
 */
type Node = Record<string, unknown>;

const CAPTURE_ASYNC_SINCE = '2024-04-10';
const WITHOUT_INVOICE_SINCE = '2025-03-31';
const WITHOUT_CHARGES_SINCE = '2022-11-15';
const WITHOUT_SOURCES_SINCE = '2020-08-27';
const WITHOUT_ACCOUNT_BALANCE_SINCE = '2019-10-17';
const WITHOUT_TAX_INFO_SINCE = '2019-12-03';

/** @returns the version asked for, or the newest. @throws ApiError for what is no version. */
export function versionAsked(header: string | undefined, newest: string): string {
  if (header === undefined || header === '') return newest;
  if (/^\d{4}-\d{2}-\d{2}(?:\.[a-z]+)?$/.test(header)) return header;
  throw invalidRequest(`Invalid Stripe API version: ${header}`);
}

/** Versions begin with their date, so they compare as texts. */
function before(version: string, since: string): boolean {
  return version.slice(0, 10) < since;
}

export function paramsOfVersion(version: string, pattern: string, params: Params): Params {
  if (pattern !== 'payment_intents' || params['amount'] === undefined) return params;
  if (!before(version, CAPTURE_ASYNC_SINCE) || params['capture_method'] !== undefined) return params;
  return { ...params, capture_method: 'automatic' };
}

/** Walks the whole answer: an object may be inside a list, an error or an expanded field. */
export function answerOfVersion(book: SandboxBook, version: string, answer: object): object {
  return before(version, WITHOUT_INVOICE_SINCE) ? (older(book, version, answer) as object) : answer;
}

function older(book: SandboxBook, version: string, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => older(book, version, item));
  if (typeof value !== 'object' || value === null) return value;
  const node = Object.fromEntries(
    Object.entries(value as Node).map(([name, part]) => [name, older(book, version, part)]),
  );
  switch (node['object']) {
    case 'payment_intent':
      return {
        ...node,
        invoice: null,
        ...(before(version, WITHOUT_CHARGES_SINCE) ? chargesOf(book, version, node) : {}),
      };
    case 'charge':
      return olderCharge(book, version, node);
    case 'customer':
      return olderCustomer(version, node);
    default:
      return node;
  }
}

/** Every attempt to pay, newest first. */
function chargesOf(book: SandboxBook, version: string, intent: Node): Node {
  const id = String(intent['id']);
  const data = book.children<Stripe.Charge>(id, 'charge').toReversed();
  const charges = older(book, version, data.slice(0, 10));
  return { charges: listOf(`/v1/charges?payment_intent=${id}`, charges as unknown[], data.length) };
}

function olderCharge(book: SandboxBook, version: string, charge: Node): Node {
  if (!before(version, WITHOUT_CHARGES_SINCE)) return { invoice: null, ...charge };
  const id = String(charge['id']);
  const refunds = book.children<Stripe.Refund>(id, 'refund').toReversed();
  return {
    ...charge,
    destination: null,
    dispute: book.children<Stripe.Dispute>(id, 'dispute').at(-1)?.id ?? null,
    invoice: null,
    order: null,
    radar_options: {},
    refunds: charge['refunds'] ?? listOf(`/v1/charges/${id}/refunds`, refunds.slice(0, 10), refunds.length),
  };
}

function olderCustomer(version: string, customer: Node): Node {
  const url = `/v1/customers/${String(customer['id'])}`;
  const empty = (name: string): Node => ({ [name]: listOf(`${url}/${name}`, [], 0) });
  return {
    ...customer,
    ...(before(version, WITHOUT_ACCOUNT_BALANCE_SINCE) ? { account_balance: customer['balance'] } : {}),
    ...(before(version, WITHOUT_TAX_INFO_SINCE) ? { tax_info: null, tax_info_verification: null } : {}),
    ...(before(version, WITHOUT_SOURCES_SINCE)
      ? { default_currency: customer['currency'], ...empty('sources'), ...empty('subscriptions'), ...empty('tax_ids') }
      : {}),
  };
}

function listOf(url: string, data: readonly unknown[], count: number): Node {
  return { object: 'list', data, has_more: count > data.length, total_count: count, url };
}
