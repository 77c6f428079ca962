import { CatalogQueries } from '#catalog';
import type { Tx } from '#platform';
import { type CampaignTermsDocument, freezeTerms } from '../domain/campaign-terms.rule.js';
import type { CampaignRow } from './campaign.store.js';

/** A version of the terms, with the digest of its bytes as lower-case hex. */
export type CampaignTerms = CampaignTermsDocument & { readonly sha256: string };

interface TermsRow {
  readonly content: string;
  readonly sha256: Buffer;
}

/** That version, or the newest; undefined before the campaign went live. */
export async function readTerms(tx: Tx, campaignId: string, version?: number): Promise<CampaignTerms | undefined> {
  const [row] = await tx.query<TermsRow>(
    `SELECT content, sha256 FROM campaign_terms WHERE campaign_id = $1 AND ($2::integer IS NULL OR version = $2)
      ORDER BY version DESC LIMIT 1`,
    [campaignId, version ?? null],
  );
  return row && { ...(JSON.parse(row.content) as CampaignTermsDocument), sha256: row.sha256.toString('hex') };
}

/**
 * Writes the next version of what the campaign's row says now and answers its number. The deadline is the agreed one:
 * that of the version before unless another is given.
 */
export async function writeTerms(
  tx: Tx,
  catalog: CatalogQueries,
  campaign: CampaignRow,
  cause: 'live' | 'amended' | 'extended',
  deadline?: Date,
): Promise<number> {
  const recipe = await catalog.recipe(tx, campaign.recipeId);
  if (!recipe) throw new Error(`campaign ${campaign.id} has lost its recipe`);
  const before = await readTerms(tx, campaign.id);
  const agreed = deadline ?? (before ? new Date(before.deadline) : campaign.deadline);
  const version = campaign.termsVersion + 1;
  const frozen = freezeTerms(campaign, recipe, version, agreed);
  await tx.query(
    `INSERT INTO campaign_terms (campaign_id, version, sha256, content, cause, created_at) VALUES ($1,$2,$3,$4,$5,$6)`,
    [campaign.id, version, frozen.sha256, frozen.content, cause, tx.now],
  );
  return version;
}
