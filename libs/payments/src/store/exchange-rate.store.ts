import type { Tx } from '#platform';
import type { PublishedRate } from '../domain/exchange-rate.rule.js';

/** Adds what is not there. @returns how many were new. */
export async function insertRates(tx: Tx, rates: readonly PublishedRate[], source: string): Promise<number> {
  const rows = await tx.query(
    `INSERT INTO exchange_rate (base, quote, as_of, source, rate, imported_at)
     SELECT n.base, n.quote, n.as_of, $1, n.rate, $2
       FROM unnest($3::text[], $4::text[], $5::date[], $6::text[]) AS n (base, quote, as_of, rate)
     ON CONFLICT (base, quote, as_of, source) DO NOTHING RETURNING 1`,
    [
      source,
      tx.now,
      rates.map((rate) => rate.base),
      rates.map((rate) => rate.quote),
      rates.map((rate) => rate.asOf),
      rates.map((rate) => rate.rate),
    ],
  );
  return rows.length;
}

/** The first of the rates that the table has with another value; undefined when it has none. */
export async function differingRate(
  tx: Tx,
  rates: readonly PublishedRate[],
  source: string,
): Promise<{ quote: string; asOf: string; rate: string } | undefined> {
  const [row] = await tx.query<{ quote: string; asOf: string; rate: string }>(
    `SELECT r.quote, r.as_of::text AS "asOf", r.rate
       FROM unnest($2::text[], $3::text[], $4::date[], $5::text[]) AS n (base, quote, as_of, rate)
       JOIN exchange_rate r ON r.base = n.base AND r.quote = n.quote AND r.as_of = n.as_of AND r.source = $1
      WHERE r.rate::numeric <> n.rate::numeric ORDER BY 2, 1 LIMIT 1`,
    [
      source,
      rates.map((rate) => rate.base),
      rates.map((rate) => rate.quote),
      rates.map((rate) => rate.asOf),
      rates.map((rate) => rate.rate),
    ],
  );
  return row;
}

/** Rates against the euro of the last day, until `day`, on which all the currencies were published. */
export async function ratesUntil(
  tx: Tx,
  currencies: readonly string[],
  day: Date,
): Promise<{ asOf: string; source: string; rates: ReadonlyMap<string, string> } | undefined> {
  const rows = await tx.query<{ quote: string; rate: string; asOf: string; source: string }>(
    `SELECT quote, rate, as_of::text AS "asOf", source FROM exchange_rate
      WHERE base = 'EUR' AND quote = ANY($1::text[]) AND (as_of, source) = (
        SELECT as_of, source FROM exchange_rate WHERE base = 'EUR' AND quote = ANY($1::text[]) AND as_of <= $2::date
         GROUP BY as_of, source HAVING count(*) = $3 ORDER BY as_of DESC, source LIMIT 1)`,
    [currencies, day.toISOString().slice(0, 10), currencies.length],
  );
  const [first] = rows;
  if (first === undefined) return undefined;
  return { asOf: first.asOf, source: first.source, rates: new Map(rows.map((row) => [row.quote, row.rate])) };
}
