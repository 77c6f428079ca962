/**
 * Soft declines: the same method may be charged again later. Everything else is hard: the owner has to act.
 * Source: Stripe documentation, "Decline codes" (next steps), and "ACH Direct Debit: failure codes".
 */
const SOFT: ReadonlySet<string> = new Set([
  'approve_with_id',
  'call_issuer',
  'card_velocity_exceeded',
  'do_not_honor',
  'generic_decline',
  'insufficient_funds',
  'issuer_not_available',
  'processing_error',
  'reenter_transaction',
  'service_not_allowed',
  'try_again_later',
  'withdrawal_count_limit_exceeded',
  // Of our own: Stripe could not be asked for a day, or did not answer.
  'submission_expired',
  'api_error',
  'lock_timeout',
  'rate_limit',
]);

/** True where charging the same method again, some days later, may succeed. */
export const isRetryableDecline = (code: string): boolean => SOFT.has(code);

/** The bank wants the payer himself: the charge goes on when he comes. Source: Stripe, "Off-session payments". */
export const wantsPayer = (code: string | null | undefined): boolean => code === 'authentication_required';
