/**
 * What is done at an early fraud warning. Four in five of the warned payments that are left alone become disputes, and a
 * dispute costs its fee beside the amount; a card payment that is wholly refunded can't be disputed any more. So small
 * amounts are given back at once, and a person decides on large ones.
 */
export interface WarningPolicy {
  /** Payments of which at most this is left are given back, minor units of their currency; 0: none are. */
  readonly refundUpToMinor: bigint;
}

/** How much goes back at once, minor units; 0 when nothing does. A part would not prevent the dispute. */
export function warningRefundMinor(
  policy: WarningPolicy,
  left: { readonly leftMinor: bigint; readonly leftOfPaymentMinor: bigint },
): bigint {
  const whole = left.leftOfPaymentMinor;
  if (whole <= 0n || whole > policy.refundUpToMinor || left.leftMinor < whole) return 0n;
  return whole;
}
