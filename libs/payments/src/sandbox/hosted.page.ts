import type Stripe from 'stripe';
import { ApiError } from './api.error.js';
import { plainAmount } from './currency.rule.js';
import type { Answer } from './sandbox.server.js';
import type { SandboxWorld } from './sandbox.world.js';
import { html, page } from './three-d-secure.page.js';
import { verifyDeposits } from './verification.flow.js';

/** The pages that an intent's next action links to: where to send a transfer, and where to name two deposits. */
const PATH = /^\/(bank_transfers|microdeposits|mandates)\/(\w+)$/;

export function isHosted(path: string): boolean {
  return PATH.test(path);
}

export function answerHosted(world: SandboxWorld, input: { method: string; path: string; body: string }): Answer {
  const [, kind, id = ''] = PATH.exec(input.path) ?? [];
  if (kind === 'mandates') return mandatePage(world, id);
  const intent =
    world.book.find<Stripe.PaymentIntent>('payment_intent', id) ??
    world.book.find<Stripe.SetupIntent>('setup_intent', id);
  if (intent === undefined) return notFound();
  if (kind === 'bank_transfers') return transferPage(intent);
  return input.method === 'POST' ? answerDeposits(world, intent, input.body) : depositsPage(intent);
}

function transferPage(intent: Stripe.PaymentIntent | Stripe.SetupIntent): Answer {
  const shown = intent.object === 'payment_intent' ? intent.next_action?.display_bank_transfer_instructions : undefined;
  if (shown === undefined) return html(200, page('Bank transfer', '<p>No transfer is awaited.</p>'));
  const currency = shown.currency ?? 'usd';
  const amount = `${plainAmount(shown.amount_remaining ?? 0, currency)} ${currency.toUpperCase()}`;
  const accounts = (shown.financial_addresses ?? []).map((address) => `<li>${numberOf(address)}</li>`).join('');
  return html(
    200,
    page(
      'Bank transfer',
      `<p>Send <strong>${amount}</strong> with the reference <strong>${shown.reference}</strong> to one of:</p>
<ul>${accounts}</ul><p>This is a sandbox: do not send money.</p>`,
    ),
  );
}

function numberOf(address: Stripe.PaymentIntent.NextAction.DisplayBankTransferInstructions.FinancialAddress): string {
  const { aba, iban, sort_code: sort, swift, zengin } = address;
  if (aba !== undefined) return `account ${aba.account_number}, routing number ${aba.routing_number}`;
  if (swift !== undefined) return `account ${swift.account_number}, SWIFT ${swift.swift_code}`;
  if (iban !== undefined) return `IBAN ${iban.iban}, BIC ${iban.bic}`;
  if (sort !== undefined) return `account ${sort.account_number}, sort code ${sort.sort_code}`;
  return `account ${zengin?.account_number ?? ''}, bank ${zengin?.bank_code ?? ''}`;
}

function depositsPage(intent: Stripe.PaymentIntent | Stripe.SetupIntent, note = ''): Answer {
  if (intent.next_action?.type !== 'verify_with_microdeposits') {
    return html(200, page('Bank account', '<p>Nothing is to be verified.</p>'));
  }
  return html(
    200,
    page(
      'Verify your bank account',
      `<p>Enter the code of the deposit on your statement. In this sandbox it is SM11AA.</p>${note}
<form method="post"><label>Code <input name="descriptor_code" maxlength="6" required></label>
<button class="yes">Verify</button></form>`,
    ),
  );
}

function answerDeposits(world: SandboxWorld, intent: Stripe.PaymentIntent | Stripe.SetupIntent, body: string): Answer {
  const code = new URLSearchParams(body).get('descriptor_code') ?? '';
  try {
    verifyDeposits(world, intent, { descriptor_code: code });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return depositsPage(intent, `<p role="alert">${error.message}</p>`);
  }
  return html(200, page('Done', '<p>The bank account is verified. You can go back now.</p>'));
}

function mandatePage(world: SandboxWorld, id: string): Answer {
  const mandate = world.book.find<Stripe.Mandate & { created: number }>('mandate', id);
  if (mandate === undefined) return notFound();
  return html(200, page('Mandate', `<p>Mandate <strong>${id}</strong> is ${mandate.status}.</p>`));
}

function notFound(): Answer {
  return html(404, page('Not found', '<p>There is no such page.</p>'));
}
