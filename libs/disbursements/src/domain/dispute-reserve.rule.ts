/*
 * How much of a campaign's money stays until its backers can no longer take their payments back.
 * 1. Sized from what is open per rail: captured, not refunded, and still within the rail's window.
 * 2. A dispute that is open already is covered in full.
 * 3. Rounded up. Never more than there is.
 */

/** Loss to be expected, basis points of what is open. Configuration, with where it comes from; stated in the README. */
export const LOSS_RATES_BP: Readonly<Record<string, number>> = {
  // Visa's monitoring programme (VAMP) calls a merchant excessive from 1.5 % of payments on, since 2026-04-01.
  card: 150,
  // Nacha's threshold for debits returned as unauthorised is 0.5 %.
  us_bank_account: 50,
  // A SEPA debit comes back for eight weeks without a reason: twice Nacha's figure, our own setting.
  sepa_debit: 100,
  // Pushed by the payer: nothing that a bank takes back.
  bank_transfer: 0,
};
/** A rail that nobody has rated yet counts as the worst of those known. */
const UNKNOWN_RATE_BP = 150;

/** What is open on one rail, minor units of the campaign's currency. */
export interface RailExposure {
  readonly rail: string;
  readonly openMinor: bigint;
  readonly disputedMinor: bigint;
  /** When the last window of what is open closes; undefined when nothing is open. */
  readonly windowEndsAt: Date | undefined;
}

export interface RailNeed extends RailExposure {
  readonly rateBp: number;
  readonly needMinor: bigint;
}

export interface ReserveSizing {
  readonly needs: readonly RailNeed[];
  readonly targetMinor: bigint;
  /** Above zero: escrow → reserve; below: reserve → escrow. */
  readonly moveMinor: bigint;
}

/** What the reserve should hold, and what to move so that it does. */
export function sizeReserve(
  exposures: readonly RailExposure[],
  holds: { readonly escrowMinor: bigint; readonly reserveMinor: bigint },
): ReserveSizing {
  const needs = exposures.map((exposure): RailNeed => {
    const rateBp = LOSS_RATES_BP[exposure.rail] ?? UNKNOWN_RATE_BP;
    return { ...exposure, rateBp, needMinor: ceilBp(exposure.openMinor, rateBp) + exposure.disputedMinor };
  });
  const wanted = needs.reduce((sum, need) => sum + need.needMinor, 0n);
  const there = holds.escrowMinor + holds.reserveMinor;
  const targetMinor = wanted > there ? there : wanted;
  return { needs, targetMinor, moveMinor: targetMinor - holds.reserveMinor };
}

const ceilBp = (amount: bigint, rateBp: number): bigint => (amount * BigInt(rateBp) + 9_999n) / 10_000n;
