import type { IncomingMessage } from 'node:http';
import { invalidRequest } from './api.error.js';
import type { SandboxBook } from './sandbox.book.js';
import { PLATFORM_ACCOUNT } from './sandbox.world.js';

const BODY_BYTES_MAX = 1_000_000;
const IDEMPOTENCY_KEY_LENGTH_MAX = 255;

export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** The account that the `Stripe-Account` header names, or '' for the platform's own. @throws ApiError account_invalid */
export function connectedAccountOf(book: SandboxBook, request: IncomingMessage, secretKey: string): string {
  const header = headerOf(request, 'stripe-account');
  if (header === undefined || header === '' || header === PLATFORM_ACCOUNT) return '';
  if (book.find('account', header) !== undefined) return header;
  throw invalidRequest(
    `The provided key '${masked(secretKey)}' does not have access to account '${header}' (or that account does not exist). Application access may have been revoked.`,
    { status: 403, code: 'account_invalid' },
  );
}

export function apiKeyOf(request: IncomingMessage): string | undefined {
  const header = request.headers.authorization;
  if (header === undefined) return undefined;
  const [scheme, value = ''] = header.split(' ', 2);
  if (scheme?.toLowerCase() === 'bearer') return value;
  if (scheme?.toLowerCase() === 'basic') return Buffer.from(value, 'base64').toString('utf8').split(':', 1)[0];
  return undefined;
}

export function masked(key: string): string {
  return key.length <= 12 ? '*'.repeat(key.length) : `${key.slice(0, 8)}${'*'.repeat(key.length - 12)}${key.slice(-4)}`;
}

export function idempotencyKeyOf(request: IncomingMessage): string | null {
  const header = request.headers['idempotency-key'];
  if (typeof header !== 'string' || header === '') return null;
  if (header.length > IDEMPOTENCY_KEY_LENGTH_MAX) {
    throw invalidRequest(`Idempotency keys are at most ${IDEMPOTENCY_KEY_LENGTH_MAX} characters long.`);
  }
  return header;
}

export async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) throw invalidRequest('The request is too large.', { status: 413 });
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
