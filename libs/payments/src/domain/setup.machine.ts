import { PAYMENT_STATUSES, type PaymentStatus } from './payment.machine.js';

/**
 * The saving of a payment method, in Stripe's words for a SetupIntent. It moves like a payment that takes no money: any
 * order of observations between the ends, and no way out of an end.
 */
export type SetupStatus = PaymentStatus;

const OPEN: readonly SetupStatus[] = ['SUBMITTED', 'REQUIRES_ACTION', 'PROCESSING', 'REQUIRES_PAYMENT_METHOD'];
const ENDS: readonly SetupStatus[] = ['SUCCEEDED', 'FAILED', 'CANCELED'];

export const SETUP_TRANSITIONS = Object.fromEntries(
  PAYMENT_STATUSES.map((from) => {
    if (ENDS.includes(from)) return [from, []];
    const ends = from === 'LOCAL_INTENT' ? ENDS : ENDS.filter((end) => end !== 'FAILED');
    return [from, [...OPEN.filter((to) => to !== from), ...ends]];
  }),
) as unknown as Readonly<Record<SetupStatus, readonly SetupStatus[]>>;

/** What was read of a setup at the processor. */
export type SetupObservation =
  | { readonly status: 'SUBMITTED' | 'REQUIRES_ACTION' | 'PROCESSING' | 'CANCELED' }
  | { readonly status: 'REQUIRES_PAYMENT_METHOD' | 'FAILED'; readonly code: string; readonly message: string }
  | { readonly status: 'SUCCEEDED'; readonly paymentMethodId: string; readonly customerId: string };

/** Where the observation leads from `current`; undefined when it changes nothing. */
export function nextSetupStatus(current: SetupStatus, observed: SetupObservation): SetupStatus | undefined {
  return SETUP_TRANSITIONS[current].includes(observed.status) ? observed.status : undefined;
}

export const setupHasEnded = (status: SetupStatus): boolean => SETUP_TRANSITIONS[status].length === 0;
