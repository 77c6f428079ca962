import { fromPublishedBudget, toRecipe } from '#catalog';
import { toProject } from '#identity';
import { GpuTime, Money, toGlobalId } from '#platform';
import type { CampaignEventRow } from '../campaign.queries.js';
import { netCashMinor } from '../domain/verdict.rule.js';
import type { CampaignPageRow } from '../store/campaign-page.row.js';
import { toPlan } from './campaign-plan.mapper.js';
import { eventSummary } from './event.summary.js';
import type { Campaign, CampaignEvent, CampaignProgress } from './campaign.type.js';

/**
 * A row of the page statement as GraphQL shows it; parts that were not read stay out. A row may hold just the columns
 * of what was asked for; the others make fields that nobody reads.
 */
export function toCampaign(row: CampaignPageRow): Campaign {
  return {
    id: toGlobalId('Campaign', row.id),
    slug: row.slug,
    title: row.title,
    summary: row.summary,
    state: row.state,
    fundingModel: row.fundingModel,
    cashGoal: Money.of(row.cashGoalMinor ?? 0n, row.currency),
    computeGoal: GpuTime.of(row.computeGoalMs ?? 0n, row.gpuClass),
    deadline: row.deadline,
    createdAt: row.createdAt,
    autoAcceptCompute: row.autoAcceptCompute,
    decisionReason: row.decisionReason,
    termsVersion: row.termsVersion,
    settlementEndsAt: row.settlementEndsAt,
    suspendedFrom: row.suspendedFrom,
    extendedAt: row.extendedAt,
    safetyEndsAt: row.safetyEndsAt,
    disbursedAt: row.disbursedAt,
    endedAs: row.endedAs,
    failReason: row.failReason,
    ...(row.plan ? { plan: toPlan(row.plan, row, row.stretchReached ?? {}) } : {}),
    ...(row.budget ? { budget: fromPublishedBudget(row.budget) } : {}),
    ...(hasProgress(row) ? { progress: toProgress(row) } : {}),
    ...(row.recipe ? { recipe: recipeOf(row) } : {}),
    ...(row.projectId === undefined ? {} : { project: projectOf(row) }),
    ...(row.partPages ? { partPages: row.partPages } : {}),
  };
}

/** One figure of each source: what was not read is undefined. */
const hasProgress = (row: CampaignPageRow): boolean =>
  [row.captured, row.pledged, row.offered, row.committed, row.reserved].some((figure) => figure !== undefined);

function toProgress(row: CampaignPageRow): CampaignProgress {
  const money = (amount: bigint | null | undefined) => Money.of(amount ?? 0n, row.currency);
  const time = (milliseconds: bigint | null | undefined) => GpuTime.of(milliseconds ?? 0n, row.gpuClass);
  const tally = {
    capturedMinor: row.captured ?? 0n,
    refundedMinor: row.refunded ?? 0n,
    disputedMinor: row.disputed ?? 0n,
  };
  return {
    cashPledged: money(row.pledged),
    cashCaptured: money(row.captured),
    cashRefunded: money(row.refunded),
    cashDisputed: money(row.disputed),
    cashFees: money(row.fees),
    cashHeld: money(netCashMinor(tally) - (row.fees ?? 0n)),
    cashMatched: money(row.matched),
    computeOffered: time(row.offered),
    computePledged: time(row.committed),
    computeReserved: time(row.reserved),
    computeDelivered: time(row.delivered),
    computeAccepted: time(row.accepted),
    cashBackers: row.cashBackers ?? 0,
    computeBackers: row.computeBackers ?? 0,
  };
}

function recipeOf(row: CampaignPageRow) {
  const r = row.recipe;
  const d = row.dataset;
  if (!r || !d) throw new Error('the page statement delivered half a recipe');
  return toRecipe({
    id: r.id,
    projectId: r.project_id,
    name: r.name,
    digest: r.digest,
    workload: r.workload,
    driver: r.driver,
    gpuClass: r.gpu_class,
    parameters: row.rcParameters ?? 0n,
    activeParameters: row.rcActiveParameters ?? null,
    tokens: row.rcTokens ?? 0n,
    minWorkers: r.min_workers,
    maxWorkers: r.max_workers,
    checkpointEverySteps: r.checkpoint_every_steps,
    hyperparameters: r.hyperparameters,
    dataset: {
      id: d.id,
      name: d.name,
      licence: d.licence,
      source: d.source,
      sha256: d.sha256,
      bytes: row.dsBytes ?? 0n,
      tokens: row.dsTokens ?? null,
    },
  });
}

const projectOf = (row: CampaignPageRow) =>
  toProject(
    {
      id: row.projectId ?? '',
      slug: row.projectSlug ?? '',
      name: row.projectName ?? '',
      organisationId: row.organisationId ?? '',
      organisationName: row.organisationName ?? '',
    },
    row.viewerRoles ?? [],
  );

export const toCampaignEvent = (row: CampaignEventRow): CampaignEvent => ({
  ...row,
  summary: eventSummary(row.type, row.payload),
});
