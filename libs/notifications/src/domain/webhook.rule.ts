import { createHmac } from 'node:crypto';
import { type Refused, refuse } from '#kernel';

/*
 * Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md): three headers, a
 * signature over "id.timestamp.body", several signatures in one header divided by spaces. `v1` is HMAC-SHA256 with a
 * secret that both sides hold, `v1a` is Ed25519, for which the receiver needs only our public key.
 *
 * 1. An endpoint hears its events in the order of the record: the next one only after the one before was taken.
 * 2. At least once: a repetition has the same `webhook-id`.
 * 3. What fails is tried again, ever more seldom; an endpoint that failed for five days is switched off.
 */

export const SECRET_PREFIX = 'whsec_';

/** The message that is signed. `timestamp` in Unix seconds. */
export const signedContent = (id: string, timestamp: number, body: string): string => `${id}.${timestamp}.${body}`;

/** `v1,…`: HMAC-SHA256 by a secret of the form `whsec_<base64>`. */
export function symmetricSignature(secret: string, content: string): string {
  const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}

/** Seconds to wait after the n-th failure in a row, n from 1; the last stands for all further ones. */
const WAITS_S = [5, 60, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600];
export const waitMs = (failures: number): number => (WAITS_S[Math.min(failures, WAITS_S.length) - 1] ?? 5) * 1000;

/** How long an endpoint may fail before it is switched off. */
export const PATIENCE_MS = 5 * 86_400_000;
export const MAX_ENDPOINTS = 10;

/**
 * Undefined for an address that events may be sent to. Refuses `WEBHOOK_URL_INVALID`: outside of development it has to
 * be https, and never may it carry a name and password or a fragment.
 */
export function urlRefusal(text: string, isPublicNetwork: boolean): Refused | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const schemes = isPublicNetwork ? ['https:'] : ['https:', 'http:'];
  const fits =
    url &&
    schemes.includes(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.hash === '' &&
    text.length <= 2000;
  if (fits) return undefined;
  return refuse({
    code: 'WEBHOOK_URL_INVALID',
    message: 'Events can not be sent to this address.',
    detail: `Got ${JSON.stringify(text.slice(0, 100))}.`,
    hint: `Give an ${isPublicNetwork ? 'https' : 'http or https'} address without name, password and fragment.`,
    path: ['input', 'url'],
  });
}

export function typesRefusal(types: readonly string[]): Refused | undefined {
  const wrong = types.find((type) => !/^[a-z_]+(\.[a-z_]+){1,3}$/.test(type));
  if (wrong === undefined && types.length <= 50) return undefined;
  return refuse({
    code: 'WEBHOOK_TYPES_INVALID',
    message: 'These are no types of events.',
    detail: wrong === undefined ? `${types.length} types.` : `Got ${JSON.stringify(wrong.slice(0, 60))}.`,
    hint: 'Give up to 50 types such as "campaign.succeeded", or none for all.',
    path: ['input', 'eventTypes'],
  });
}
