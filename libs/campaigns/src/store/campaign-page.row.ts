import type { PublishedBudget } from '#catalog';
import type { Selection } from '../graphql/selection.reader.js';
import type { CampaignState, FundingModel } from '../domain/campaign.machine.js';
import type { CampaignPlan } from '../domain/campaign-plan.rule.js';
import type { PagePart } from './campaign-page.statement.js';

export interface PartOf {
  readonly part: PagePart;
  readonly asked: Selection;
}

/**
 * A row of the page statement. A page that was asked for fields holds just the columns that those are made of; read
 * whole, it holds all of the core.
 */
export interface CampaignPageRow {
  readonly id: string;
  readonly slug: string;
  readonly title: string;
  readonly summary: string;
  readonly state: CampaignState;
  readonly fundingModel: FundingModel;
  readonly currency: string;
  readonly cashGoalMinor: bigint;
  readonly computeGoalMs: bigint;
  readonly gpuClass: string;
  readonly deadline: Date;
  readonly createdAt: Date;
  readonly decisionReason: string | null;
  readonly autoAcceptCompute: boolean;
  readonly plan?: CampaignPlan;
  /** When which stretch goal was reached, by number. */
  readonly stretchReached?: Readonly<Record<string, string>> | null;
  readonly termsVersion: number;
  readonly settlementEndsAt: Date | null;
  readonly suspendedFrom: CampaignState | null;
  readonly extendedAt: Date | null;
  readonly safetyEndsAt: Date | null;
  readonly disbursedAt: Date | null;
  readonly endedAs: 'failed' | 'cancelled' | null;
  readonly failReason: string | null;
  readonly budget?: PublishedBudget;
  readonly captured?: bigint | null;
  readonly refunded?: bigint | null;
  readonly disputed?: bigint | null;
  readonly fees?: bigint | null;
  readonly matched?: bigint | null;
  readonly cashBackers?: number | null;
  readonly computeBackers?: number | null;
  readonly pledged?: bigint | null;
  readonly offered?: bigint | null;
  readonly committed?: bigint | null;
  readonly reserved?: bigint | null;
  readonly delivered?: bigint | null;
  readonly accepted?: bigint | null;
  readonly recipe?: RecipeJson;
  readonly dataset?: DatasetJson;
  readonly rcParameters?: bigint;
  readonly rcActiveParameters?: bigint | null;
  readonly rcTokens?: bigint;
  readonly dsBytes?: bigint;
  readonly dsTokens?: bigint | null;
  readonly projectId?: string;
  readonly projectSlug?: string;
  readonly projectName?: string;
  readonly organisationId?: string;
  readonly organisationName?: string;
  readonly viewerRoles?: string[];
  /** What the parts of other rooms delivered, by field name. */
  readonly partPages?: ReadonlyMap<string, unknown>;
}

/** Columns of `recipe` that fit a JSON number; the large ones come beside it as bigint. */
interface RecipeJson {
  readonly id: string;
  readonly project_id: string;
  readonly name: string;
  readonly digest: string;
  readonly workload: string;
  readonly driver: string;
  readonly gpu_class: string;
  readonly min_workers: number;
  readonly max_workers: number;
  readonly checkpoint_every_steps: number;
  readonly hyperparameters: Record<string, never>;
}

interface DatasetJson {
  readonly id: string;
  readonly name: string;
  readonly licence: string;
  readonly source: string;
  readonly sha256: string;
}

/** Takes the columns `part0`, `part1` … out of the row and lets each part read its own. */
export function withParts(row: CampaignPageRow, parts: readonly PartOf[]): CampaignPageRow {
  const columns = row as unknown as Record<string, unknown>;
  const delivered = new Map(
    parts.map(({ part, asked }, index) => [part.field, part.read(columns[`part${index}`], asked)] as const),
  );
  return { ...row, partPages: delivered };
}
