import { MAX_MINOR_UNITS } from '#kernel';
import { RAILS, type Rail } from '../payment-listener.port.js';
import { type FeeTerms, RAIL_TERMS } from './rail.table.js';

/*
 * 1. The parts of a split add up to the amount, to the minor unit.
 * 2. No part is above the ceiling or below the minimum: a remainder that would be too small takes what it lacks from the
 *    part before it.
 * 3. The fee of a split is the sum of the fees of its parts, each rounded by itself, as the processor takes them.
 */

/** What one rail would make of an amount. Amounts in minor units of the currency. */
export interface RailQuote {
  readonly rail: Rail;
  readonly isAvailable: boolean;
  /** Why not, as a code; undefined when it is available. */
  readonly reason: 'CURRENCY_UNSUPPORTED' | 'AMOUNT_TOO_SMALL' | 'AMOUNT_INVALID' | undefined;
  /** How many charges carry the amount; 0 when none can. */
  readonly charges: number;
  readonly feeMinor: bigint;
  readonly minimumMinor: bigint | undefined;
  readonly ceilingMinor: bigint;
  readonly settleBusinessDays: number;
  readonly disputeWindowDays: number;
  readonly canBeSaved: boolean;
}

/** How large sums are cut into what one intent carries. The minimum is far below half of the ceiling. */
export function splitAmount(amountMinor: bigint, ceilingMinor: bigint, minimumMinor: bigint): bigint[] {
  const whole = amountMinor / ceilingMinor;
  const rest = amountMinor % ceilingMinor;
  const parts = Array.from({ length: Number(whole) }, () => ceilingMinor);
  if (rest === 0n) return parts;
  if (rest >= minimumMinor || whole === 0n) return [...parts, rest];
  const short = minimumMinor - rest;
  return [...parts.slice(0, -1), ceilingMinor - short, minimumMinor];
}

/** What the processor takes for one charge, minor units; never more than the charge. */
export function feeMinor(amountMinor: bigint, terms: FeeTerms): bigint {
  const part = (amountMinor * terms.hundredThousandths + 50_000n) / 100_000n + terms.fixedMinor;
  const capped = terms.capMinor !== undefined && part > terms.capMinor ? terms.capMinor : part;
  return capped > amountMinor ? amountMinor : capped;
}

/** The parts in which a rail carries an amount. @throws when the rail does not know the currency. */
export function railParts(rail: Rail, currency: string, amountMinor: bigint): bigint[] {
  const terms = RAIL_TERMS[rail];
  const own = terms.currencies[currency];
  if (own === undefined) throw new Error(`${rail} does not carry ${currency}`);
  return splitAmount(amountMinor, terms.ceilingMinor, own.minimumMinor);
}

/** Every rail with what it would make of the amount, in the order of {@link RAILS}. */
export function quoteRails(amountMinor: bigint, currency: string): RailQuote[] {
  return RAILS.map((rail) => quote(rail, amountMinor, currency));
}

function quote(rail: Rail, amountMinor: bigint, currency: string): RailQuote {
  const { currencies, ceilingMinor, settleBusinessDays, disputeWindowDays, canBeSaved } = RAIL_TERMS[rail];
  const own = currencies[currency];
  const facts = { rail, ceilingMinor, settleBusinessDays, disputeWindowDays, canBeSaved };
  const not = (reason: RailQuote['reason']): RailQuote => ({
    ...facts,
    isAvailable: false,
    reason,
    charges: 0,
    feeMinor: 0n,
    minimumMinor: own?.minimumMinor,
  });
  if (own === undefined) return not('CURRENCY_UNSUPPORTED');
  if (amountMinor <= 0n || amountMinor > MAX_MINOR_UNITS) return not('AMOUNT_INVALID');
  if (amountMinor < own.minimumMinor) return not('AMOUNT_TOO_SMALL');
  // All parts but the last two are alike, so a large sum costs no longer to quote than a small one.
  const whole = amountMinor / ceilingMinor;
  const alike = whole > 1n ? whole - 1n : 0n;
  const tail = splitAmount(amountMinor - alike * ceilingMinor, ceilingMinor, own.minimumMinor);
  const tailFee = tail.reduce((sum, part) => sum + feeMinor(part, own.fee), 0n);
  return {
    ...facts,
    isAvailable: true,
    reason: undefined,
    charges: Number(alike) + tail.length,
    feeMinor: alike * feeMinor(ceilingMinor, own.fee) + tailFee,
    minimumMinor: own.minimumMinor,
  };
}
