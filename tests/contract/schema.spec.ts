import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type GraphQLSchema, buildSchema, isObjectType, lexicographicSortSchema, printSchema } from 'graphql';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildApiSchema, printApiSchema } from '../../apps/api/src/schema.js';
import {
  amountsAreBigInt,
  connectionsAreRelay,
  isDescribed,
  listsAreConnections,
  mutationsAreGuarded,
  nodesHaveIds,
  payloadsHaveUserErrors,
  statesAccess,
} from './schema.rules.js';

/** Mutations that anybody may call, since they are how one becomes somebody. */
const OPEN_MUTATIONS = ['developerSignIn', 'signOut'];

/** Counts that are no amounts, with the reason. */
const COUNTS: Record<string, string> = {
  'CampaignEvidenceTerms.votingSeconds': 'a span of at most months',
  'CampaignWindows.retryEverySeconds': 'a span of at most months',
  'CampaignWindows.safetyWindowSeconds': 'a span of at most months',
  'CampaignWindows.settlementWindowSeconds': 'a span of at most months',
  'CampaignWindowsInput.retryEverySeconds': 'a span of at most months',
  'CampaignWindowsInput.safetyWindowSeconds': 'a span of at most months',
  'CampaignWindowsInput.settlementWindowSeconds': 'a span of at most months',
  'TrancheEvidenceInput.votingSeconds': 'a span of at most months',
  'WebhookAttempt.durationMs': 'a call that ends after ten seconds',
};

/** Lists of objects that can't grow without bound, with the reason. */
const BOUNDED: Record<string, string> = {
  'Viewer.projects': 'the newest 100',
  'Viewer.apiTokens': 'the newest 100',
  'Query.invariants': 'one for each check in the code',
  'InvariantStatus.figures': 'a few for each check in the code',
  'Campaign.settlements': 'at most two: once, and once more after an extension',
  'Campaign.termsVersions': 'one for each amendment by hand',
  'CampaignPlan.budgetLines': 'at most one for each kind and note, bounded by the terms',
  'CampaignPlan.stretchGoals': 'bounded by the terms',
  'CampaignPlan.tranches': 'bounded by the terms',
  'CampaignUpdate.versions': 'one for each correction by hand',
  'Disbursement.cash': 'one for each currency',
  'GpuNode.challenges': 'the last 20',
  'Disbursement.reserves': 'one for each currency',
  'Disbursement.tranches': 'those of the terms',
  'DisbursementTranche.attempts': 'one for each try by hand',
  'DisbursementTranche.evidence': 'one for each submission by hand',
  'MatchPool.sponsors': 'the largest 200',
  'MatchPool.viewerDeposits': 'the newest 100',
  'MatchRound.campaigns': 'at most 1,000, by the command',
  'MatchRound.exclusions': 'one for each decision by hand, the first 5,000',
  'MatchTransfer.accounts': 'one for each kind of address that a bank knows',
  'MatchRound.results': 'one for each time that somebody computed it anew',
  'PledgeTransferInstructions.accounts': 'one for each kind of address that a bank knows',
  'Query.myPledgePlans': 'the newest 200',
  'Query.myUnappliedCash': 'one for each currency',
  'Query.notificationPreferences': 'one for each kind in the code',
  'Query.railQuote': 'one for each rail in the code',
  'ReconciliationCaseRecord.candidates': 'at most 40',
  'ReconciliationCaseRecord.corrections': 'at most 100, each proposed by hand',
  'ReconciliationCaseRecord.sayings': 'at most 100 of each side',
  'ReconciliationCaseRecord.steps': 'the newest 200',
  'ReconciliationStatus.openDifferences': 'one for each unit',
  'ReconciliationSummary.figures': 'one for each currency',
  'ReconciliationSummary.gpuFigures': 'one for each accelerator class',
  'ReconciliationSummary.operators': 'the first 100',
  'ReconciliationSummary.openCases': 'one for each kind in the code',
  'Query.refundTopUpPlan': 'one for each currency',
  'Query.webhookEndpoints': 'at most ten for each project',
  'ReserveSizing.rails': 'one for each rail in the code',
  'TrancheEvidence.approvals': 'one for each approver of a project',
  'TrancheEvidence.files': 'bounded by the command',
  'WebhookEndpoint.recentAttempts': 'the newest 20',
  'Attempt.members': 'one for each rank of the gang, whose size the recipe bounds',
  'CashPledge.refunds': 'their amounts sum to no more than the pledge',
  'Checkpoint.files': 'the files of one manifest',
  'ComputeBudget.lines': 'one for each term of the formula',
  'GpuNode.hours': 'a few windows of one week',
  'Query.acceleratorClasses': 'one for each class in the code',
  'Query.ledgerTrialBalance': 'one for each unit of account',
  'CampaignAccount.downloads': 'one for each format in the code',
  'Invoice.downloads': 'one for each format in the code',
  'Receipt.downloads': 'one for each format in the code',
  'Report.downloads': 'one for each format in the code',
  'Report.versions': 'one for each time a report was published again',
  'ReportVersion.downloads': 'one for each format in the code',
  'SavedMethod.uses': 'the pledges that wait for its charge, and monthly pledges',
  'YearlySummary.downloads': 'one for each format in the code',
  'Run.attempts': 'the newest 100',
  'Run.lossCurve': 'at most maxPoints',
  'Run.usage': 'one for each node that took part',
};

let schema: GraphQLSchema;
beforeAll(async () => {
  schema = await buildApiSchema();
});

describe('the schema', () => {
  it('states for every root field who may call it', () => expect(statesAccess(schema)).toEqual([]));
  it('opens no mutation to everybody but signing in and out', () =>
    expect(mutationsAreGuarded(OPEN_MUTATIONS)(schema)).toEqual([]));
  it('describes every type, field, argument and value', () => expect(isDescribed(schema)).toEqual([]));
  it('has amounts as BigInt', () => expect(amountsAreBigInt(COUNTS)(schema)).toEqual([]));
  it('answers every mutation by a payload with userErrors', () => expect(payloadsHaveUserErrors(schema)).toEqual([]));
  it('pages every list that can grow', () => expect(listsAreConnections(BOUNDED)(schema)).toEqual([]));
  it('pages by Relay connections', () => expect(connectionsAreRelay(schema)).toEqual([]));
  it('gives every Node an id', () => expect(nodesHaveIds(schema)).toEqual([]));

  it('is the one in schema.graphql', async () => {
    const file = join(import.meta.dirname, '../../schema.graphql');
    expect(readFileSync(file, 'utf8'), 'run "npm run schema" and review the difference').toBe(await printApiSchema());
  });

  it('has each mutation in docs/api.md, under the scope that it takes', () => {
    const document = readFileSync(join(import.meta.dirname, '../../docs/api.md'), 'utf8');
    const rows = document.split('\n').filter((line) => line.startsWith('| `') || line.startsWith('| ('));
    const wrong = Object.values(schema.getMutationType()?.getFields() ?? {}).filter((field) => {
      const rule = field.extensions['access'] as { scope?: string; platformRole?: string } | string;
      if (rule === 'public') return false;
      const scope = typeof rule === 'string' ? '(any, signed in)' : rule.scope ? `\`${rule.scope}\`` : '(operators)';
      return !rows.some((row) => row.startsWith(`| ${scope}`) && row.includes(`\`${field.name}\``));
    });
    expect(wrong.map((field) => field.name)).toEqual([]);
  });

  it('is not mistaken for an empty one', () => {
    for (const type of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
      expect(Object.keys(type?.getFields() ?? {}).length).toBeGreaterThan(1);
    }
  });
});

describe('each rule can fail', () => {
  const broken = buildSchema(`
    type Query { open: Int  listed: [Thing!]!  paged: ThingConnection }
    type Mutation { bare: String  odd(a: Int, b: Int): OddPayload }
    interface Node { id: ID! }
    type Thing implements Node { id: ID!  amountMinor: Int  kind: Kind }
    type ThingConnection { nodes: [Thing!]! }
    type OddPayload { thing: Thing! }
    enum Kind { ONE }
    input In { priceMinor: Float }
  `);
  const query = broken.getQueryType()?.getFields();
  if (query?.['listed']) query['listed'].extensions = { access: 'everybody' };

  it('access', () => {
    expect(statesAccess(broken)).toContain('Query.open states no access rule');
    expect(statesAccess(broken)).toContain('Query.listed states no access rule');
  });
  it('open mutations', () => {
    const open = buildSchema('type Query { a: Int } type Mutation { pay: Int }');
    Object.assign(open.getMutationType()?.getFields()['pay'] ?? {}, { extensions: { access: 'public' } });
    expect(mutationsAreGuarded([])(open)).toEqual(['Mutation.pay is open to everybody']);
  });
  it('descriptions', () => {
    const found = isDescribed(broken);
    for (const path of ['Thing', 'Thing.kind', 'Kind.ONE', 'In', 'In.priceMinor', 'Mutation.odd(a:)', 'Node.id']) {
      expect(found).toContain(`${path} has no description`);
    }
  });
  it('amounts', () =>
    expect(amountsAreBigInt({})(broken)).toEqual([
      'Thing.amountMinor is an amount of type Int',
      'In.priceMinor is an amount of type Float',
    ]));
  it('payloads', () =>
    expect(payloadsHaveUserErrors(broken)).toEqual([
      'Mutation.bare answers no payload',
      'OddPayload lacks userErrors: [UserError!]!',
      'Mutation.odd takes something else than one input',
      "OddPayload.thing can't be null, so a refusal has no answer",
    ]));
  it('lists', () =>
    expect(listsAreConnections({ 'Query.gone': 'reason' })(broken)).toEqual([
      'Query.listed is a bare list',
      'Query.gone is excused but is no list (any more)',
    ]));
  it('connections', () =>
    expect(connectionsAreRelay(broken)).toEqual([
      'Query.paged takes no "first"',
      'Query.paged takes no "after"',
      'ThingConnection lacks "edges"',
      'ThingConnection lacks "pageInfo"',
    ]));
  it('ids', () => {
    const thing = broken.getType('Thing');
    if (isObjectType(thing)) delete thing.getFields()['id'];
    expect(nodesHaveIds(broken)).toEqual(['Thing.id is not ID!']);
  });
  it('drift', () => {
    expect(printSchema(lexicographicSortSchema(broken))).not.toBe(printSchema(schema));
  });
});
