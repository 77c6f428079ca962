/** The Stripe client of the process, real or pointed at a stand-in. */
export const STRIPE = Symbol('STRIPE');
