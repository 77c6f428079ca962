import Stripe from 'stripe';
import type { Config } from '#platform';
import { pacedHttpClient } from './paced.client.js';

/** One attempt is short; repetition is the sweep's business, which keeps the idempotency key. */
const CALL_MS_MAX = 20_000;

/** `callsPerSecond`: what this process may call; not held back where it is left out. */
export type StripeSettings = Omit<Config['stripe'], 'callsPerSecond' | 'callsAtOnce' | 'warningRefundMinor'> & {
  readonly callsPerSecond?: number | undefined;
};

/**
 * Stripe itself, or the stand-in that `STRIPE_API_BASE` names: the same package, the same calls. The package repeats a
 * call once by itself on a broken connection, with the key it was given.
 */
export function createStripe(settings: StripeSettings): Stripe {
  const { apiBase, callsPerSecond } = settings;
  const options = {
    ...(callsPerSecond === undefined ? {} : { httpClient: pacedHttpClient(callsPerSecond) }),
    timeout: CALL_MS_MAX,
    maxNetworkRetries: 1,
    telemetry: false,
    appInfo: { name: 'commonweights' },
  };
  if (apiBase === undefined) return new Stripe(settings.secretKey, options);
  const protocol = apiBase.protocol === 'https:' ? 'https' : 'http';
  const port = apiBase.port === '' ? (protocol === 'https' ? 443 : 80) : Number(apiBase.port);
  return new Stripe(settings.secretKey, { ...options, protocol, host: apiBase.hostname, port });
}

/** Whether events of real money are expected. */
export function isLiveMode(settings: Pick<Config['stripe'], 'secretKey'>): boolean {
  return settings.secretKey.startsWith('sk_live') || settings.secretKey.startsWith('rk_live');
}
