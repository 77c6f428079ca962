import type { Page } from './request.js';

/**
 * The Content-Security-Policy of a page: everything from here, nothing inline. WebSockets are named by host because
 * `'self'` does not cover another scheme in every browser.
 */
export function securityPolicy(url: URL, nonce: string, extra: NonNullable<Page['policy']>, connect: string[]): string {
  const socket = `${url.protocol === 'https:' ? 'wss' : 'ws'}://${url.host}`;
  const rules: Record<string, string[]> = {
    'default-src': ["'self'"],
    'script-src': ["'self'", `'nonce-${nonce}'`, ...(extra['script-src'] ?? [])],
    'style-src': ["'self'"],
    'img-src': ["'self'", 'data:'],
    'font-src': ["'self'"],
    'connect-src': ["'self'", socket, ...connect, ...(extra['connect-src'] ?? [])],
    'frame-src': ["'self'", ...(extra['frame-src'] ?? [])],
    'object-src': ["'none'"],
    'base-uri': ["'none'"],
    'form-action': ["'self'"],
    'frame-ancestors': ["'none'"],
  };
  return Object.entries(rules)
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join('; ');
}
