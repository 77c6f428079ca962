import * as attachments from './attachment.resource.js';
import * as cash from './cash-balance.resource.js';
import * as customers from './customer.resource.js';
import { retrieveMandate } from './mandate.resource.js';
import { applyBalance, checkClientSecret, publicIntent, retrievePaymentIntent } from './payment-intent.resource.js';
import { invalidRequest } from './api.error.js';
import type { Route } from './route.type.js';
import * as setups from './setup-intent.resource.js';
import * as clocks from './test-clock.resource.js';
import { verifyDeposits } from './verification.flow.js';

/** Who pays, with what, and what was agreed for later. */
export const MONEY_IN_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    pattern: 'customers',
    handle: ({ world, params }) => customers.createCustomer(world, params),
  },
  { method: 'GET', pattern: 'customers', handle: ({ world, params }) => customers.listCustomers(world, params) },
  { method: 'GET', pattern: 'customers/:id', handle: ({ world, id }) => customers.retrieveCustomer(world, id) },
  {
    method: 'POST',
    pattern: 'customers/:id',
    handle: ({ world, params, id }) => customers.updateCustomer(world, id, params),
  },
  { method: 'DELETE', pattern: 'customers/:id', handle: ({ world, id }) => customers.deleteCustomer(world, id) },
  {
    method: 'GET',
    pattern: 'customers/:id/payment_methods',
    handle: ({ world, params, id }) => attachments.listPaymentMethods(world, id, params),
  },
  {
    method: 'GET',
    pattern: 'customers/:id/payment_methods/:sub',
    handle: ({ world, id, sub }) => attachments.retrieveOfCustomer(world, id, sub),
  },
  {
    method: 'GET',
    pattern: 'payment_methods',
    handle: ({ world, params }) => attachments.listPaymentMethods(world, undefined, params),
  },
  {
    method: 'POST',
    pattern: 'payment_methods/:id',
    handle: ({ world, params, id }) => attachments.updatePaymentMethod(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'payment_methods/:id/attach',
    handle: ({ world, params, id }) => attachments.attachPaymentMethod(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'payment_methods/:id/detach',
    handle: ({ world, id }) => attachments.detachPaymentMethod(world, id),
  },
  {
    method: 'GET',
    pattern: 'customers/:id/cash_balance',
    handle: ({ world, id }) => cash.retrieveCashBalance(world, id),
  },
  {
    method: 'POST',
    pattern: 'customers/:id/cash_balance',
    handle: ({ world, params, id }) => cash.updateCashBalance(world, id, params),
  },
  {
    method: 'GET',
    pattern: 'customers/:id/cash_balance_transactions',
    handle: ({ world, params, id }) => cash.listCashTransactions(world, id, params),
  },
  {
    method: 'GET',
    pattern: 'customers/:id/cash_balance_transactions/:sub',
    handle: ({ world, id, sub }) => cash.retrieveCashTransaction(world, id, sub),
  },
  {
    method: 'POST',
    pattern: 'customers/:id/funding_instructions',
    handle: ({ world, params, id }) => cash.createFundingInstructions(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'test_helpers/customers/:id/fund_cash_balance',
    handle: ({ world, params, id }) => cash.fundCashBalance(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'payment_intents/:id/apply_customer_balance',
    handle: ({ world, params, id }) => applyBalance(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'setup_intents',
    handle: ({ world, params }) => setups.createSetupIntent(world, params),
  },
  { method: 'GET', pattern: 'setup_intents', handle: ({ world, params }) => setups.listSetupIntents(world, params) },
  {
    method: 'GET',
    pattern: 'setup_intents/:id',
    browser: true,
    handle: ({ world, params, id, publishable }) => {
      const intent = setups.retrieveSetupIntent(world, id);
      if (!publishable) return intent;
      setups.checkSetupSecret(intent, params);
      return setups.publicSetupIntent(intent);
    },
  },
  {
    method: 'POST',
    pattern: 'setup_intents/:id',
    handle: ({ world, params, id }) => setups.updateSetupIntent(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'setup_intents/:id/confirm',
    browser: true,
    handle: ({ world, params, id, publishable }) => {
      if (publishable) setups.checkSetupSecret(setups.retrieveSetupIntent(world, id), params);
      const confirmed = setups.confirmSetupIntent(world, id, params, publishable);
      return publishable ? setups.publicSetupIntent(confirmed) : confirmed;
    },
  },
  {
    method: 'POST',
    pattern: 'setup_intents/:id/cancel',
    handle: ({ world, params, id }) => setups.cancelSetupIntent(world, id, params),
  },
  {
    method: 'POST',
    pattern: 'payment_intents/:id/verify_microdeposits',
    browser: true,
    handle: ({ world, params, id, publishable }) => {
      const intent = retrievePaymentIntent(world, id);
      if (!publishable) return verifyDeposits(world, intent, params);
      checkClientSecret(intent, params);
      return publicIntent(verifyDeposits(world, intent, params));
    },
  },
  {
    method: 'POST',
    pattern: 'setup_intents/:id/verify_microdeposits',
    browser: true,
    handle: ({ world, params, id, publishable }) => {
      const intent = setups.retrieveSetupIntent(world, id);
      if (!publishable) return verifyDeposits(world, intent, params);
      setups.checkSetupSecret(intent, params);
      return setups.publicSetupIntent(verifyDeposits(world, intent, params));
    },
  },
  {
    method: 'GET',
    pattern: 'setup_attempts',
    handle: ({ world, params }) => setups.listSetupAttempts(world, params),
  },
  { method: 'GET', pattern: 'mandates/:id', handle: ({ world, id }) => retrieveMandate(world, id) },
  {
    method: 'POST',
    pattern: 'test_helpers/test_clocks',
    handle: ({ world, params }) => clocks.createTestClock(world, params),
  },
  {
    method: 'GET',
    pattern: 'test_helpers/test_clocks',
    handle: ({ world, params }) => clocks.listTestClocks(world, params),
  },
  {
    method: 'GET',
    pattern: 'test_helpers/test_clocks/:id',
    handle: ({ world, id }) => clocks.retrieveTestClock(world, id),
  },
  {
    method: 'POST',
    pattern: 'test_helpers/test_clocks/:id/advance',
    handle: ({ world, params, id }) => clocks.advanceTestClock(world, id, params),
  },
  {
    method: 'DELETE',
    pattern: 'test_helpers/test_clocks/:id',
    handle: ({ world, id }) => clocks.deleteTestClock(world, id),
  },
  ...(['subscriptions', 'subscription_schedules', 'invoices', 'prices', 'products'] as const).flatMap((pattern) =>
    (['GET', 'POST'] as const).map((method): Route => ({ method, pattern, handle: () => refuseBilling(pattern) })),
  ),
];

/** @throws ApiError always: a schedule is the caller's own, of charges to saved methods. */
function refuseBilling(resource: string): never {
  throw invalidRequest(
    `This sandbox has no billing (/v1/${resource}). Charge a saved payment method off-session on a schedule of your own instead.`,
    { code: 'resource_not_supported' },
  );
}
