/** A pledge's amount in its own currency, and what it counts in its campaign's. */
export interface Counted {
  readonly amountMinor: bigint;
  readonly countedMinor: bigint;
}

/**
 * What a part of a pledge counts in the currency of its campaign: the same share of what was fixed when it was pledged,
 * rounded down. The whole counts the whole, so differences of shares never lose a unit.
 */
export const countedShare = (pledge: Counted, partMinor: bigint): bigint =>
  pledge.amountMinor === pledge.countedMinor ? partMinor : (pledge.countedMinor * partMinor) / pledge.amountMinor;
