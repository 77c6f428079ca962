import { invalidRequest } from './api.error.js';
import { payoutFailureCalled } from './bank-account.table.js';
import { chargeOfRequest, moveBalance } from './charge.resource.js';
import { escalateInquiry, ruleOnDispute } from './dispute.resource.js';
import { openWarning } from './early-fraud-warning.resource.js';
import { failPayout } from './payout.resource.js';
import { failRefund, refundsWaitForFunds } from './refund.resource.js';
import type { Answer } from './sandbox.server.js';
import type { SandboxWorld } from './sandbox.world.js';

type Body = Readonly<Record<string, unknown>>;

/** What banks and the processor do on their own, at a moment of the caller's choice. @throws ApiError */
export function answerBankControl(world: SandboxWorld, path: string, body: Body): Answer {
  const done = act(world, path, body);
  return { status: 200, body: JSON.stringify(done) };
}

function act(world: SandboxWorld, path: string, body: Body): object {
  switch (path) {
    case 'disputes/decide':
      return decide(world, textIn(body, 'dispute'), textIn(body, 'outcome'));
    case 'warnings': {
      const charge = chargeOfRequest(world, optional(body, 'charge'), optional(body, 'paymentIntent'));
      return openWarning(world, charge.id, {
        fraudType: optional(body, 'fraudType'),
        becomesDispute: body['becomesDispute'] !== false,
      });
    }
    case 'refunds':
      if (typeof body['waitForFunds'] === 'boolean') {
        world.book.setSetting('refunds_wait', body['waitForFunds']);
        return { waitForFunds: refundsWaitForFunds(world) };
      }
      if (body['outcome'] !== 'failed') throw unknown('outcome', 'failed');
      return failRefund(world, textIn(body, 'refund'), optional(body, 'reason') ?? 'lost_or_stolen_card');
    case 'payouts':
      return bounce(world, textIn(body, 'payout'), optional(body, 'code') ?? 'account_closed');
    default:
      return takeFee(world, body);
  }
}

function decide(world: SandboxWorld, dispute: string, outcome: string): object {
  if (outcome === 'escalated') return escalateInquiry(world, dispute);
  if (outcome === 'won' || outcome === 'lost') return ruleOnDispute(world, dispute, outcome);
  throw unknown('outcome', 'won, lost, escalated');
}

/** Of whichever account the payout is. */
function bounce(world: SandboxWorld, payout: string, code: string): object {
  const failure = payoutFailureCalled(code);
  if (failure === undefined) throw unknown('code', 'account_closed, no_account, insufficient_funds and the like');
  const owner = world.book.row("SELECT account FROM object WHERE id = ? AND kind = 'payout'", payout)?.['account'];
  return world.book.within(String(owner ?? ''), () => failPayout(world, payout, failure));
}

/** A fee that belongs to no charge: of an account, of fraud screening, of a payout. */
function takeFee(world: SandboxWorld, body: Body): object {
  const amount = body['amount'];
  if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || amount < 1)
    throw unknown('amount', 'a whole number above 0');
  const scope = optional(body, 'account') ?? '';
  return world.book.within(scope, () =>
    moveBalance(world, {
      type: 'stripe_fee',
      category: 'fee',
      amount: -amount,
      fee: 0,
      source: world.book.newId('fee'),
      currency: (optional(body, 'currency') ?? 'usd').toLowerCase(),
      description: optional(body, 'description') ?? 'Stripe fee',
      delayMs: 0,
    }),
  );
}

function optional(body: Body, name: string): string | undefined {
  const value = body[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function textIn(body: Body, name: string): string {
  const value = optional(body, name);
  if (value === undefined) throw invalidRequest(`Missing: ${name}.`, { code: 'parameter_missing', param: name });
  return value;
}

function unknown(name: string, allowed: string): Error {
  return invalidRequest(`Invalid ${name}: allowed is ${allowed}.`, { param: name });
}
