import type Stripe from 'stripe';
import type { SetupObservation } from '../domain/setup.machine.js';
import { idOf } from './observation.js';

/** Stripe's SetupIntent in the words of the setup machine. */
export function observeSetup(intent: Stripe.SetupIntent): SetupObservation {
  switch (intent.status) {
    case 'requires_action':
      return { status: 'REQUIRES_ACTION' };
    case 'processing':
      return { status: 'PROCESSING' };
    case 'canceled':
      return { status: 'CANCELED' };
    case 'succeeded': {
      const paymentMethodId = idOf(intent.payment_method);
      const customerId = idOf(intent.customer);
      if (paymentMethodId === undefined || customerId === undefined)
        throw new Error(`setup intent ${intent.id} succeeded without a method or a customer`);
      return { status: 'SUCCEEDED', paymentMethodId, customerId };
    }
    case 'requires_payment_method':
    case 'requires_confirmation':
    default: {
      const failure = intent.last_setup_error;
      if (failure == null) return { status: 'SUBMITTED' };
      return {
        status: 'REQUIRES_PAYMENT_METHOD',
        code: failure.decline_code ?? failure.code ?? failure.type,
        message: failure.message ?? 'The method was declined.',
      };
    }
  }
}
