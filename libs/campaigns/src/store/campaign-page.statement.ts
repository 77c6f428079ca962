import type { Selection } from '../graphql/selection.reader.js';

/*
 * One statement for a page of campaigns with whatever hangs on them, chosen by what the client asked for: 20 campaigns
 * with 10 pledges each are one round trip instead of 41. Rooms above this one hang their parts in by `PagePart`.
 */

/**
 * A part of a campaign that another room delivers inside the page statement. `lateral` answers a subquery with one
 * column `page`, correlated with the alias `c` of the campaign; `read` makes of that column what the field resolves to.
 */
export interface PagePart {
  readonly field: string;
  lateral(asked: Selection): string;
  read(page: unknown, asked: Selection): unknown;
}

type Visibility = 'public' | 'member' | 'operator';

export interface PageShape {
  readonly visibility: Visibility;
  readonly signedIn: boolean;
  /** Names of the campaign's fields that are wanted; undefined for all. */
  readonly fields: ReadonlySet<string> | undefined;
  /** The sources of progress that are wanted. */
  readonly progress: ReadonlySet<ProgressSource>;
  readonly recipe: boolean;
  readonly budget: boolean;
  readonly project: boolean;
  readonly parts: readonly { part: PagePart; asked: Selection }[];
}

export const WHOLE: Omit<PageShape, 'visibility' | 'signedIn'> = {
  fields: undefined,
  progress: new Set(['tally', 'offered', 'committed', 'usage']),
  recipe: true,
  budget: true,
  project: true,
  parts: [],
};

/** Columns of the campaign's own row, and the fields of the schema that are made of each. The id is always there. */
const CORE: readonly { readonly sql: string; readonly of: readonly string[] }[] = [
  { sql: 'c.slug', of: ['slug'] },
  { sql: 'c.title', of: ['title'] },
  { sql: 'c.summary', of: ['summary'] },
  { sql: 'c.state', of: ['state'] },
  { sql: 'c.funding_model AS "fundingModel"', of: ['fundingModel'] },
  { sql: 'c.currency', of: ['cashGoal', 'progress', 'plan'] },
  { sql: 'c.cash_goal_minor AS "cashGoalMinor"', of: ['cashGoal'] },
  { sql: 'c.compute_goal_ms AS "computeGoalMs"', of: ['computeGoal', 'plan'] },
  { sql: 'c.gpu_class AS "gpuClass"', of: ['computeGoal', 'progress', 'plan'] },
  { sql: 'c.deadline', of: ['deadline'] },
  { sql: 'c.created_at AS "createdAt"', of: ['createdAt'] },
  { sql: 'c.decision_reason AS "decisionReason"', of: ['decisionReason'] },
  { sql: 'c.auto_accept_compute AS "autoAcceptCompute"', of: ['autoAcceptCompute'] },
  { sql: 'c.plan', of: ['plan'] },
  {
    sql: `(SELECT jsonb_object_agg(s.number, s.reached_at) FROM campaign_stretch s WHERE s.campaign_id = c.id) AS "stretchReached"`,
    of: ['plan'],
  },
  { sql: 'c.terms_version AS "termsVersion"', of: ['termsVersion'] },
  { sql: 'c.settlement_ends_at AS "settlementEndsAt"', of: ['settlementEndsAt'] },
  { sql: 'c.suspended_from AS "suspendedFrom"', of: ['suspendedFrom'] },
  { sql: 'c.extended_at AS "extendedAt"', of: ['extendedAt'] },
  { sql: 'c.safety_ends_at AS "safetyEndsAt"', of: ['safetyEndsAt'] },
  { sql: 'c.disbursed_at AS "disbursedAt"', of: ['disbursedAt'] },
  { sql: 'c.ended_as AS "endedAs"', of: ['endedAs'] },
  { sql: 'c.fail_reason AS "failReason"', of: ['failReason'] },
];

/** Where the figures of a campaign's progress come from; a page joins those that it shows. */
export type ProgressSource = 'tally' | 'offered' | 'committed' | 'usage';

// The ledger keeps each balance rolled up in one row, found by the account's code. A reservation that has expired counts
// no more, even before the ledger's job has written its end down.
const PROGRESS: Record<ProgressSource, { readonly columns: string; readonly from: string }> = {
  tally: {
    columns: `t.promised_minor AS pledged, t.captured_minor AS captured, t.refunded_minor AS refunded, t.disputed_minor AS disputed,
  t.fees_minor AS fees, t.matched_minor AS matched, t.cash_backers AS "cashBackers", t.compute_backers AS "computeBackers"`,
    from: `
  LEFT JOIN campaign_tally t ON t.campaign_id = c.id`,
  },
  offered: {
    columns: 'of.credits_posted - of.debits_posted AS offered',
    from: `
  LEFT JOIN ledger_account of ON of.code = 'campaign:' || c.id || ':compute_offered:' || c.gpu_class`,
  },
  committed: {
    columns: 'co.credits_posted - co.debits_posted AS committed',
    from: `
  LEFT JOIN ledger_account co ON co.code = 'campaign:' || c.id || ':compute_committed:' || c.gpu_class`,
  },
  usage: {
    columns: 'u.reserved, u.delivered, u.accepted',
    from: `
  LEFT JOIN LATERAL (
    SELECT sum(d.credits_pending - coalesce(e.expired, 0))::bigint AS reserved, sum(d.credits_posted)::bigint AS delivered,
           sum(a.credits_posted)::bigint AS accepted
      FROM campaign_run r
      LEFT JOIN ledger_account d ON d.code = 'run:' || r.run_id || ':delivered:' || c.gpu_class
      LEFT JOIN LATERAL (SELECT sum(x.amount)::bigint AS expired FROM ledger_expiry x
        WHERE x.credit_account_id = d.id AND x.expires_at <= now()) e ON true
      LEFT JOIN ledger_account a ON a.code = 'run:' || r.run_id || ':accepted:' || c.gpu_class
     WHERE r.campaign_id = c.id) u ON true`,
  },
};

const RECIPE = `to_jsonb(rc) - 'content' AS recipe, to_jsonb(ds) AS dataset, rc.parameters AS "rcParameters",
  rc.active_parameters AS "rcActiveParameters", rc.tokens AS "rcTokens", ds.bytes AS "dsBytes", ds.tokens AS "dsTokens"`;
const RECIPE_FROM = ` JOIN recipe rc ON rc.id = c.recipe_id JOIN dataset ds ON ds.id = rc.dataset_id`;

const PROJECT = `p.id AS "projectId", p.slug AS "projectSlug", p.name AS "projectName", o.id AS "organisationId",
  o.name AS "organisationName"`;
const PROJECT_FROM = ` JOIN project p ON p.id = c.project_id JOIN organisation o ON o.id = p.organisation_id`;
// The viewer is always $1.
const ROLES = `ARRAY(SELECT m.role FROM project_member m WHERE m.project_id = c.project_id AND m.contributor_id = $1::uuid
  ORDER BY m.role) AS "viewerRoles"`;

/** Drafts and campaigns in review are seen by the project's members and by operators only. */
const VISIBLE: Record<Visibility, string> = {
  public: 'c.live_at IS NOT NULL',
  member: `(c.live_at IS NOT NULL OR EXISTS (SELECT 1 FROM project_member m
            WHERE m.project_id = c.project_id AND m.contributor_id = $1::uuid))`,
  operator: 'true',
};

/** The statement text. `$1` is the viewer's contributor id or null; `where` may use `$2` and on. */
export function pageStatement(shape: PageShape, where: string, limit: number): string {
  const progress = [...shape.progress].map((source) => PROGRESS[source]);
  const { fields } = shape;
  const core = CORE.filter(({ of }) => !fields || of.some((field) => fields.has(field)));
  const columns = [
    'c.id, $1::uuid AS viewer',
    ...core.map(({ sql }) => sql),
    ...progress.map((source) => source.columns),
    ...(shape.budget ? ['c.budget'] : []),
    ...(shape.recipe ? [RECIPE] : []),
    ...(shape.project ? [PROJECT, shape.signedIn ? ROLES : `'{}'::text[] AS "viewerRoles"`] : []),
    ...shape.parts.map((_, index) => `x${index}.page AS "part${index}"`),
  ];
  const from = [
    'campaign c',
    ...progress.map((source) => source.from),
    ...(shape.recipe ? [RECIPE_FROM] : []),
    ...(shape.project ? [PROJECT_FROM] : []),
    ...shape.parts.map(({ part, asked }, index) => ` LEFT JOIN LATERAL (${part.lateral(asked)}) x${index} ON true`),
  ];
  return `SELECT ${columns.join(', ')} FROM ${from.join('')}
   WHERE ${VISIBLE[shape.visibility]} AND (${where}) ORDER BY c.id DESC LIMIT ${Math.trunc(limit)}`;
}
