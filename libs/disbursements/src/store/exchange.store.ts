import type { CampaignRow } from '#campaigns';
import type { Tx } from '#platform';

/** An exchange as it was made. Amounts in minor units of their currency. */
export interface ExchangeRow {
  readonly id: string;
  readonly campaignId: string;
  readonly giveMinor: bigint;
  readonly giveCurrency: string;
  readonly getMinor: bigint;
  readonly getCurrency: string;
  readonly rateNumerator: string;
  readonly rateDenominator: string;
  readonly rate: string;
  readonly rateAsOf: string;
  readonly rateSource: string;
  readonly exchangedAt: Date;
}

const COLUMNS = `id, campaign_id AS "campaignId", give_minor AS "giveMinor", give_currency AS "giveCurrency",
  get_minor AS "getMinor", get_currency AS "getCurrency", rate_numerator AS "rateNumerator",
  rate_denominator AS "rateDenominator", rate, rate_as_of AS "rateAsOf", rate_source AS "rateSource",
  exchanged_at AS "exchangedAt"`;

export async function findExchange(tx: Tx, campaignId: string, key: string): Promise<ExchangeRow | undefined> {
  const rows = await tx.query<ExchangeRow>(
    `SELECT ${COLUMNS} FROM disbursement_exchange WHERE campaign_id = $1 AND idempotency_key = $2`,
    [campaignId, key],
  );
  return rows[0];
}

/** How the campaign stands, read without holding it: for what only looks. */
export async function campaignStanding(
  tx: Tx,
  campaignId: string,
): Promise<Pick<CampaignRow, 'state' | 'safetyEndsAt'> | undefined> {
  const rows = await tx.query<Pick<CampaignRow, 'state' | 'safetyEndsAt'>>(
    'SELECT state, safety_ends_at AS "safetyEndsAt" FROM campaign WHERE id = $1',
    [campaignId],
  );
  return rows[0];
}

export async function insertExchange(
  tx: Tx,
  row: Omit<ExchangeRow, 'exchangedAt'>,
  by: { readonly key: string; readonly pseudonym: string },
): Promise<void> {
  await tx.query(
    `INSERT INTO disbursement_exchange (id, campaign_id, idempotency_key, give_minor, give_currency, get_minor,
            get_currency, rate_numerator, rate_denominator, rate, rate_as_of, rate_source, pseudonym, exchanged_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      row.id,
      row.campaignId,
      by.key,
      row.giveMinor.toString(),
      row.giveCurrency,
      row.getMinor.toString(),
      row.getCurrency,
      row.rateNumerator,
      row.rateDenominator,
      row.rate,
      row.rateAsOf,
      row.rateSource,
      by.pseudonym,
      tx.now,
    ],
  );
}
