import type { IncomingMessage } from 'node:http';
import type Stripe from 'stripe';
import { findChallenge, type Challenge, type Challenged } from './challenge.flow.js';
import { answerChallenge } from './confirmation.flow.js';
import { plainAmount } from './currency.rule.js';
import type { Answer } from './sandbox.server.js';
import type { SandboxWorld } from './sandbox.world.js';
import { answerSetupChallenge } from './setup.flow.js';

/**
 * The bank's page of a 3-D Secure challenge: GET shows two buttons, POST answers with `outcome=complete|fail` from a
 * form, or `{"outcome":"complete"}` as JSON for a script (which gets JSON back instead of a redirect).
 */
export function answerThreeDSecure(
  world: SandboxWorld,
  input: { method: string; url: URL; body: string; request: IncomingMessage },
): Answer {
  const found = findChallenge(world, input.url.pathname.slice('/3ds/'.length));
  const wantsJson = (input.request.headers['content-type'] ?? '').startsWith('application/json');
  if (found === undefined) {
    return wantsJson
      ? json(404, { error: { code: 'challenge_unknown', message: 'No such 3-D Secure challenge.' } })
      : html(404, page('Not found', '<p>There is no such challenge.</p>'));
  }
  if (input.method === 'GET')
    return html(200, found.open ? challengePage(found) : page('Done', '<p>This challenge was answered.</p>'));
  const outcome = wantsJson ? outcomeOfJson(input.body) : new URLSearchParams(input.body).get('outcome');
  if (outcome !== 'complete' && outcome !== 'fail') {
    return json(400, { error: { code: 'outcome_invalid', message: 'outcome is either "complete" or "fail".' } });
  }
  const intent = answerEither(world, found, outcome === 'complete');
  if (wantsJson) return json(200, { id: intent.id, status: intent.status });
  if (found.returnUrl === undefined) return html(200, page('Done', '<p>You can go back to the shop now.</p>'));
  return { status: 303, body: '', headers: { location: returnAddress(found.returnUrl, intent) } };
}

function answerEither(world: SandboxWorld, found: Challenge, passed: boolean): Challenged {
  const { intent } = found;
  return intent.object === 'payment_intent'
    ? answerChallenge(world, { ...found, intent }, passed)
    : answerSetupChallenge(world, { ...found, intent }, passed);
}

/** What `receipt_url` of a charge leads to. */
export function answerReceipt(world: SandboxWorld, intentId: string): Answer {
  const intent = world.book.find<Stripe.PaymentIntent>('payment_intent', intentId);
  if (intent === undefined) return html(404, page('Not found', '<p>There is no such receipt.</p>'));
  return html(
    200,
    page(
      'Receipt',
      `<p><strong>${amountOf(intent)}</strong>: ${intent.status}.</p><p>This is a sandbox: no money moved.</p>`,
    ),
  );
}

function amountOf(intent: Stripe.PaymentIntent): string {
  return `${plainAmount(intent.amount, intent.currency)} ${intent.currency.toUpperCase()}`;
}

function outcomeOfJson(body: string): unknown {
  try {
    return (JSON.parse(body) as { outcome?: unknown } | null)?.outcome;
  } catch {
    return undefined;
  }
}

/** Stripe adds these three to the address the shop gave. */
function returnAddress(returnUrl: string, intent: Challenged): string {
  const url = new URL(returnUrl);
  const kind = intent.object;
  url.searchParams.set(kind, intent.id);
  url.searchParams.set(`${kind}_client_secret`, intent.client_secret ?? '');
  url.searchParams.set('redirect_status', intent.status === 'succeeded' ? 'succeeded' : 'failed');
  return url.toString();
}

function challengePage({ intent }: Challenge): string {
  return page(
    '3-D Secure test page',
    `<p>Your bank asks you to confirm ${
      intent.object === 'payment_intent'
        ? `a payment of <strong>${amountOf(intent)}</strong>`
        : 'that this card may be charged later'
    }. This is a sandbox: no bank is involved
and no money moves.</p>
<form method="post">
<button name="outcome" value="complete" class="yes">Complete</button>
<button name="outcome" value="fail">Fail</button>
</form>`,
  );
}

export function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title><style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:28rem;margin:12vh auto;padding:0 1.25rem}
form{display:flex;gap:.75rem;margin-top:1.5rem}
button{font:inherit;padding:.6rem 1.4rem;border-radius:.5rem;border:1px solid currentColor;background:none;color:inherit;cursor:pointer}
button.yes{background:#14532d;border-color:#14532d;color:#fff}button:focus-visible{outline:3px solid #2563eb;outline-offset:2px}
</style></head><body><main><h1>${title}</h1>
${content}
</main></body></html>`;
}

export function html(status: number, body: string): Answer {
  return {
    status,
    body,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    },
  };
}

function json(status: number, body: object): Answer {
  return { status, body: JSON.stringify(body) };
}
