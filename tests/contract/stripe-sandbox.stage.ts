import Stripe from 'stripe';
import { SandboxServer, type SandboxOptions } from '../../libs/payments/src/sandbox/sandbox.server.js';

export const SECRET_KEY = 'sk_test_contract_key_1234';
export const PUBLISHABLE_KEY = 'pk_test_contract';

export const openSandbox = async (options: Partial<SandboxOptions> = {}): Promise<SandboxServer> => {
  const server = new SandboxServer({
    path: ':memory:',
    port: 0,
    secretKey: SECRET_KEY,
    publishableKey: PUBLISHABLE_KEY,
    timing: { disputeDelayMs: 20, outcomeDelayMs: 20 },
    ...options,
  });
  await server.start();
  return server;
};
export const clientOf = (server: SandboxServer, key = SECRET_KEY): Stripe => {
  const { hostname, port } = new URL(server.url);
  return new Stripe(key, { host: hostname, port, protocol: 'http', telemetry: false, maxNetworkRetries: 0 });
};
/** The error a call ends with; a call that succeeds fails the test. */
export const errorOf = async (call: Promise<unknown>): Promise<Stripe.errors.StripeError> => {
  try {
    await call;
  } catch (error) {
    if (error instanceof Stripe.errors.StripeError) return error;
    throw error;
  }
  throw new Error('the call succeeded');
};
