import type { IncomingMessage } from 'node:http';
import type Stripe from 'stripe';
import { ApiError, invalidRequest } from './api.error.js';
import { completeOnboarding, retrieveAccount } from './connected-account.resource.js';
import type { Params } from './form.codec.js';
import { allowOnly, optionalChoice, optionalText, requiredText } from './params.reader.js';
import type { Answer } from './sandbox.server.js';
import type { SandboxWorld } from './sandbox.world.js';

const LINK_SECONDS = 300;

interface OpenLink {
  readonly account: string;
  readonly expiresAt: number;
  readonly returnUrl: string | undefined;
  readonly refreshUrl: string | undefined;
}

/** A link works once, for five minutes; after that the visitor is sent to `refresh_url`. */
export function createAccountLink(world: SandboxWorld, params: Params): Stripe.AccountLink {
  allowOnly(params, ['account', 'type', 'return_url', 'refresh_url', 'collect', 'collection_options']);
  const account = retrieveAccount(world, requiredText(params, 'account'));
  const type = optionalChoice(params, 'type', ['account_onboarding', 'account_update']);
  if (type === undefined)
    throw invalidRequest('Missing required param: type.', { code: 'parameter_missing', param: 'type' });
  if (type === 'account_update' && account.controller?.requirement_collection !== 'application') {
    throw invalidRequest('You cannot create `account_update` type Account Links for this account.', { param: 'type' });
  }
  const token = world.book.newId('onb');
  const expiresAt = world.book.nowSeconds + LINK_SECONDS;
  const link: OpenLink = {
    account: account.id,
    expiresAt,
    returnUrl: addressIn(params, 'return_url'),
    refreshUrl: addressIn(params, 'refresh_url'),
  };
  world.book.setSetting(`account_link:${token}`, link);
  return {
    object: 'account_link',
    created: world.book.nowSeconds,
    expires_at: expiresAt,
    url: `${world.baseUrl}/connect/onboarding/${token}`,
  };
}

/** A way into the account's own pages, which the sandbox has only one of. */
export function createLoginLink(world: SandboxWorld, id: string): Stripe.LoginLink {
  const account = retrieveAccount(world, id);
  if (!account.details_submitted) {
    throw invalidRequest('Cannot create a login link for an account that has not completed onboarding.');
  }
  return { object: 'login_link', created: world.book.nowSeconds, url: `${world.baseUrl}/connect/accounts/${id}` };
}

function addressIn(params: Params, name: string): string | undefined {
  const text = optionalText(params, name);
  if (text === undefined) return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalidRequest('Not a valid URL', { code: 'url_invalid', param: name });
  }
  return text;
}

/**
 * The onboarding page: GET shows a form with a bank account to choose, POST completes the onboarding. A script may
 * POST JSON, `{"account_number":"000123456789","currency":"usd"}` (both may be left out), and gets the account back.
 */
export function answerOnboarding(
  world: SandboxWorld,
  input: { method: string; url: URL; body: string; request: IncomingMessage },
): Answer {
  const token = input.url.pathname.slice('/connect/onboarding/'.length);
  const wantsJson = (input.request.headers['content-type'] ?? '').startsWith('application/json');
  const link = world.book.setting<OpenLink>(`account_link:${token}`);
  if (link === undefined || link.expiresAt <= world.book.nowSeconds) {
    if (link?.refreshUrl !== undefined && !wantsJson)
      return { status: 303, body: '', headers: { location: link.refreshUrl } };
    return wantsJson
      ? json(404, { error: { code: 'link_unknown', message: 'This onboarding link is not open (any more).' } })
      : html(404, 'Not found', '<p>This link is not open (any more).</p>');
  }
  if (input.method === 'GET') return html(200, 'Onboarding of a connected account', formOf(world, link));
  try {
    const given = wantsJson ? jsonParams(input.body) : (Object.fromEntries(new URLSearchParams(input.body)) as Params);
    const account = world.book.transaction(() => {
      const currencies = (optionalText(given, 'currency') ?? '').split(',').filter((each) => each !== '');
      const number = optionalText(given, 'account_number') ?? '000123456789';
      const banks = (currencies.length === 0 ? [undefined] : currencies).map((currency) => ({
        account_number: number,
        ...(currency === undefined ? {} : { currency }),
      }));
      const completed = completeOnboarding(world, link.account, banks);
      world.book.setSetting(`account_link:${token}`, { ...link, expiresAt: 0 });
      return completed;
    });
    if (wantsJson) return json(200, account);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return wantsJson
      ? json(error.status, { error: error.body })
      : html(error.status, 'Not accepted', `<p>${escape(error.message)}</p>`);
  }
  if (link.returnUrl === undefined) return html(200, 'Done', '<p>You can go back now.</p>');
  return { status: 303, body: '', headers: { location: link.returnUrl } };
}

function formOf(world: SandboxWorld, link: OpenLink): string {
  const account = retrieveAccount(world, link.account);
  const choices = [
    ['000123456789', 'payouts arrive'],
    ['000111111116', 'payouts fail: no such account'],
    ['000111111113', 'payouts fail: account closed'],
    ['000222222227', 'payouts fail: insufficient funds'],
  ]
    .map(([number, meaning]) => `<option value="${number}">${number}: ${meaning}</option>`)
    .join('');
  return `<p>Account <strong>${escape(account.id)}</strong> (${escape(account.country ?? '')}). This is a sandbox: nobody is asked who he is.</p>
<form method="post"><p><label>Bank account <select name="account_number">${choices}</select></label></p>
<p><label>Currencies <input name="currency" value="${escape(account.default_currency ?? 'usd')}"></label></p>
<p><button type="submit">Complete onboarding</button></p></form>`;
}

function jsonParams(text: string): Params {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Params;
  } catch {
    // Told below.
  }
  throw invalidRequest('The body must be a JSON object.');
}

function json(status: number, body: object): Answer {
  return { status, body: JSON.stringify(body) };
}

function html(status: number, title: string, body: string): Answer {
  return {
    status,
    headers: { 'content-type': 'text/html; charset=utf-8' },
    body: `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><body><h1>${title}</h1>${body}</body></html>`,
  };
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
