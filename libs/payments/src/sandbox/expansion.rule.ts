import type Stripe from 'stripe';
import { invalidRequest } from './api.error.js';
import type { SandboxBook } from './sandbox.book.js';

/** Fields that hold the id of an object and can be asked to hold the object. */
const REFERENCES = new Set([
  'balance_transaction',
  'charge',
  'customer',
  'destination',
  'destination_payment',
  'destination_payment_refund',
  'failure_balance_transaction',
  'latest_attempt',
  'latest_charge',
  'mandate',
  'original_payout',
  'payment_intent',
  'payment_method',
  'reversed_by',
  'setup_intent',
  'source',
  'source_transaction',
  'source_transfer',
  'test_clock',
  'transfer',
]);
const DEPTH_MAX = 4;

type Node = Record<string, unknown>;

/** Replaces ids by objects along the paths of `expand`. @throws ApiError for a path that leads nowhere. */
export function expand(book: SandboxBook, answer: object, paths: readonly string[]): object {
  if (paths.length === 0) return answer;
  const root = structuredClone(answer) as Node;
  for (const path of paths) {
    const segments = path.split('.');
    if (segments.length > DEPTH_MAX) {
      throw invalidRequest(`You cannot expand more than ${DEPTH_MAX} levels of a property. Property: ${path}`, {
        param: 'expand',
      });
    }
    walk(book, [root], segments, path);
  }
  return root;
}

function walk(book: SandboxBook, nodes: Node[], segments: string[], path: string): void {
  const [segment, ...rest] = segments;
  if (segment === undefined) return;
  const next = nodes.flatMap((node) => {
    const value = resolve(book, node, segment, path);
    return Array.isArray(value) ? (value as Node[]) : value === null ? [] : [value as Node];
  });
  if (rest.length > 0) walk(book, next, rest, path);
}

function resolve(book: SandboxBook, node: Node, segment: string, path: string): unknown {
  // A search answers it itself: it is a count, not a reference.
  if (node['object'] === 'search_result' && segment === 'total_count') return null;
  if (node['object'] === 'charge' && segment === 'refunds') {
    const refunds = book.children<Stripe.Refund>(String(node['id']), 'refund').reverse();
    const url = `/v1/charges/${String(node['id'])}/refunds`;
    node['refunds'] = { object: 'list', data: refunds.slice(0, 10), has_more: refunds.length > 10, url };
    return node['refunds'];
  }
  if (!(segment in node) || !(REFERENCES.has(segment) || typeof node[segment] === 'object')) {
    throw invalidRequest(`This property cannot be expanded (${path}).`, { param: 'expand' });
  }
  const value = node[segment];
  if (typeof value === 'string') node[segment] = book.findAny(value) ?? value;
  return typeof node[segment] === 'object' ? node[segment] : null;
}
