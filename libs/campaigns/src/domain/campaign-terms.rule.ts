import { createHash } from 'node:crypto';
import type { PublishedBudget } from '#catalog';
import { canonicalJson } from '#kernel';
import type { FundingModel } from './campaign.machine.js';
import type { CampaignPlan } from './campaign-plan.rule.js';

/*
 * What a backer agrees to, as a document with a digest.
 *
 * 1. The digest is the SHA-256 of the document's canonical JSON (RFC 8785); the bytes are kept as they were hashed.
 * 2. A version is written once. A live campaign gets a new one when its title, summary or stretch goals change, and when
 *    it is extended; goals, model and windows are the same in every version.
 */

export const TERMS_FORMAT = 'commonweights/campaign-terms/1';

/** Amounts are decimal text: minor units of `currency`, milliseconds of `gpuClass`. */
export interface CampaignTermsDocument extends CampaignPlan {
  readonly format: typeof TERMS_FORMAT;
  readonly campaignId: string;
  readonly version: number;
  readonly title: string;
  readonly summary: string;
  readonly fundingModel: FundingModel;
  readonly currency: string;
  /** As agreed, ISO 8601 in UTC. Time for which the campaign is suspended is added to it. */
  readonly deadline: string;
  readonly cashMinimumMinor: string;
  readonly computeGoalMs: string;
  readonly gpuClass: string;
  readonly recipe: { readonly id: string; readonly name: string; readonly digest: string };
  readonly computeBudget: PublishedBudget;
}

export interface FrozenTerms {
  readonly content: string;
  readonly sha256: Buffer;
}

export interface TermsGround {
  readonly id: string;
  readonly title: string;
  readonly summary: string;
  readonly fundingModel: FundingModel;
  readonly currency: string;
  readonly cashGoalMinor: bigint;
  readonly computeGoalMs: bigint;
  readonly gpuClass: string;
  readonly plan: CampaignPlan;
  readonly budget: PublishedBudget;
}

export function freezeTerms(
  campaign: TermsGround,
  recipe: CampaignTermsDocument['recipe'],
  version: number,
  deadline: Date,
): FrozenTerms {
  const document: CampaignTermsDocument = {
    ...campaign.plan,
    format: TERMS_FORMAT,
    campaignId: campaign.id,
    version,
    title: campaign.title,
    summary: campaign.summary,
    fundingModel: campaign.fundingModel,
    currency: campaign.currency,
    deadline: deadline.toISOString(),
    cashMinimumMinor: String(campaign.cashGoalMinor),
    computeGoalMs: String(campaign.computeGoalMs),
    gpuClass: campaign.gpuClass,
    recipe: { id: recipe.id, name: recipe.name, digest: recipe.digest },
    computeBudget: campaign.budget,
  };
  const content = canonicalJson(document);
  return { content, sha256: createHash('sha256').update(content).digest() };
}
