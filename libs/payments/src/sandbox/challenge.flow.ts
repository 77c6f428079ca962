import type Stripe from 'stripe';
import type { SandboxWorld } from './sandbox.world.js';

/** A challenge belongs to what is being confirmed: a payment, or the setup of a card for later. */
export type Challenged = Stripe.PaymentIntent | Stripe.SetupIntent;

interface HiddenChallenge {
  readonly challenge?: string;
  readonly returnUrl?: string;
}

export interface Challenge {
  readonly intent: Challenged;
  readonly open: boolean;
  readonly returnUrl: string | undefined;
}

export interface RedirectAction {
  readonly type: 'redirect_to_url';
  readonly redirect_to_url: { readonly return_url: string | null; readonly url: string };
}

/**
 * The challenge is always a page to visit: without Stripe.js there is nobody to show `use_stripe_sdk` to, so the
 * sandbox answers `redirect_to_url` even where Stripe would leave it to its own script.
 */
export function openChallenge(world: SandboxWorld, intentId: string, returnUrl: string | undefined): RedirectAction {
  const token = world.book.newId('tds');
  const hidden: HiddenChallenge = {
    ...world.book.hidden<object>(intentId),
    challenge: token,
    ...(returnUrl === undefined ? {} : { returnUrl }),
  };
  world.book.setHidden(intentId, hidden);
  world.book.setSetting(`challenge:${token}`, intentId);
  return {
    type: 'redirect_to_url',
    redirect_to_url: { return_url: returnUrl ?? null, url: `${world.baseUrl}/3ds/${token}` },
  };
}

export function findChallenge(world: SandboxWorld, token: string): Challenge | undefined {
  const intentId = world.book.setting<string>(`challenge:${token}`);
  if (intentId === undefined) return undefined;
  const intent =
    world.book.find<Stripe.PaymentIntent>('payment_intent', intentId) ??
    world.book.find<Stripe.SetupIntent>('setup_intent', intentId);
  if (intent === undefined) return undefined;
  const hidden = world.book.hidden<HiddenChallenge>(intent.id);
  return {
    intent,
    open: intent.status === 'requires_action' && hidden?.challenge === token,
    returnUrl: hidden?.returnUrl,
  };
}
