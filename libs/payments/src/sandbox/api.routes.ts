import type Stripe from 'stripe';
import * as account from './account.resource.js';
import { listBalanceTransactions } from './balance.resource.js';
import { balanceOf, retrieveBalanceTransaction, retrieveCharge } from './charge.resource.js';
import { CONNECT_ROUTES } from './connect.routes.js';
import { closeDispute, retrieveDispute, updateDispute } from './dispute.resource.js';
import * as intents from './payment-intent.resource.js';
import { createPaymentMethod, retrievePaymentMethod } from './payment-method.resource.js';
import { createRefund, retrieveRefund } from './refund.resource.js';
import { RISK_ROUTES } from './risk.routes.js';
import { MONEY_IN_ROUTES } from './money-in.routes.js';
import type { Route } from './route.type.js';
import { SEARCH_ROUTES } from './search.resource.js';

/** Everything the sandbox answers under /v1. */
const ROUTES: readonly Route[] = [
  // Before the paths that would take "search" for an id.
  ...SEARCH_ROUTES,
  ...MONEY_IN_ROUTES,
  {
    method: 'POST',
    pattern: 'payment_intents',
    handle: ({ world, params }) => intents.createPaymentIntent(world, params),
  },
  {
    method: 'GET',
    pattern: 'payment_intents',
    handle: ({ world, params }) =>
      account.listOf<Stripe.PaymentIntent>(world, 'payment_intent', '/v1/payment_intents', params, {
        fields: ['customer'],
      }),
  },
  {
    method: 'GET',
    pattern: 'payment_intents/:id',
    browser: true,
    handle: ({ world, params, id, publishable }) => {
      const intent = intents.retrievePaymentIntent(world, id);
      if (!publishable) return intent;
      intents.checkClientSecret(intent, params);
      return intents.publicIntent(intent);
    },
  },
  {
    method: 'POST',
    pattern: 'payment_intents/:id',
    handle: ({ world, params, id }) => intents.updatePaymentIntent(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'payment_intents/:id/confirm',
    browser: true,
    handle: ({ world, params, id, publishable }) => {
      if (publishable) intents.checkClientSecret(intents.retrievePaymentIntent(world, id), params);
      const confirmed = intents.confirmPaymentIntent(world, id, params, publishable);
      return publishable ? intents.publicIntent(confirmed) : confirmed;
    },
  },
  {
    method: 'POST',
    pattern: 'payment_intents/:id/cancel',
    handle: ({ world, params, id }) => intents.cancelPaymentIntent(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'payment_intents/:id/capture',
    handle: ({ world, params, id }) => intents.capturePaymentIntent(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'payment_methods',
    browser: true,
    handle: ({ world, params }) => createPaymentMethod(world, params),
  },
  { method: 'GET', pattern: 'payment_methods/:id', handle: ({ world, id }) => retrievePaymentMethod(world, id) },
  {
    method: 'GET',
    pattern: 'charges',
    handle: ({ world, params }) =>
      account.listOf<Stripe.Charge>(world, 'charge', '/v1/charges', params, {
        parents: ['payment_intent'],
        fields: ['customer', 'transfer_group'],
      }),
  },
  { method: 'GET', pattern: 'charges/:id', handle: ({ world, id }) => retrieveCharge(world, id) },
  {
    method: 'GET',
    pattern: 'balance_transactions',
    handle: ({ world, params }) => listBalanceTransactions(world, params),
  },
  {
    method: 'GET',
    pattern: 'balance_transactions/:id',
    handle: ({ world, id }) => retrieveBalanceTransaction(world, id),
  },
  { method: 'POST', pattern: 'refunds', handle: ({ world, params }) => createRefund(world, params) },
  {
    method: 'GET',
    pattern: 'refunds',
    handle: ({ world, params }) =>
      account.listOf<Stripe.Refund>(world, 'refund', '/v1/refunds', intents.byCharge(world, params), {
        parents: ['charge'],
      }),
  },
  { method: 'GET', pattern: 'refunds/:id', handle: ({ world, id }) => retrieveRefund(world, id) },
  {
    method: 'GET',
    pattern: 'disputes',
    handle: ({ world, params }) =>
      account.listOf<Stripe.Dispute>(world, 'dispute', '/v1/disputes', intents.byCharge(world, params), {
        parents: ['charge'],
      }),
  },
  { method: 'GET', pattern: 'disputes/:id', handle: ({ world, id }) => retrieveDispute(world, id) },
  { method: 'POST', pattern: 'disputes/:id', handle: ({ world, params, id }) => updateDispute(world, id, params) },
  { method: 'POST', pattern: 'disputes/:id/close', handle: ({ world, params, id }) => closeDispute(world, id, params) },
  { method: 'GET', pattern: 'events', handle: ({ world, params }) => account.listEvents(world, params) },
  { method: 'GET', pattern: 'events/:id', handle: ({ world, id }) => account.retrieveEvent(world, id) },
  { method: 'GET', pattern: 'balance', handle: ({ world }) => balanceOf(world) },
  {
    method: 'POST',
    pattern: 'webhook_endpoints',
    handle: ({ world, params }) => account.createWebhookEndpoint(world, params),
  },
  {
    method: 'GET',
    pattern: 'webhook_endpoints',
    handle: ({ world, params }) =>
      account.listOf<Stripe.WebhookEndpoint>(world, 'webhook_endpoint', '/v1/webhook_endpoints', params),
  },
  {
    method: 'GET',
    pattern: 'webhook_endpoints/:id',
    handle: ({ world, id }) => account.retrieveWebhookEndpoint(world, id),
  },
  {
    method: 'POST',
    pattern: 'webhook_endpoints/:id',
    handle: ({ world, params, id }) => account.updateWebhookEndpoint(world, id, params),
  },
  {
    method: 'DELETE',
    pattern: 'webhook_endpoints/:id',
    handle: ({ world, id }) => account.deleteWebhookEndpoint(world, id),
  },
  ...CONNECT_ROUTES,
  ...RISK_ROUTES,
];

/** The route of a path below /v1/, with what stands at `:id` and, where there is one, at `:sub`. */
export function findRoute(method: string, path: string): { route: Route; id: string; sub: string } | undefined {
  const segments = path.split('/');
  for (const route of ROUTES) {
    const pattern = route.pattern.split('/');
    if (route.method !== method || pattern.length !== segments.length) continue;
    if (!pattern.every((part, index) => part.startsWith(':') || part === segments[index])) continue;
    const at = (name: string): string => decodeURIComponent(segments[pattern.indexOf(name)] ?? '');
    return { route, id: at(':id'), sub: at(':sub') };
  }
  return undefined;
}
