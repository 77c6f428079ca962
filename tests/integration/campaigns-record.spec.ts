import type { Refused } from '#kernel';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '#platform';
import { AmendmentCommands } from '../../libs/campaigns/src/amendment.commands.js';
import { UpdateCommands } from '../../libs/campaigns/src/update.commands.js';
import { CampaignsStage, codes, got } from './campaigns.stage.js';

let stage: CampaignsStage;
let owner: Awaited<ReturnType<CampaignsStage['person']>>;
let backer: typeof owner;
let stranger: typeof owner;
let operator: typeof owner;
beforeAll(async () => {
  stage = await CampaignsStage.open();
  owner = await stage.person('Ishmael');
  backer = await stage.person('Queequeg');
  stranger = await stage.person('Mallory');
  operator = await stage.person('Olga Operator', 'operator');
});
afterAll(() => stage.close());

const amendments = () => stage.app.get(AmendmentCommands, { strict: false });
const updates = () => stage.app.get(UpdateCommands, { strict: false });
const idOf = (id: string) => toGlobalId('Campaign', id);

const TRANCHE = {
  title: 'First half',
  shareBp: 10_000,
  budgetKind: 'compute',
  evidence: { kind: 'milestone_report', description: 'The book is read.' },
};
const line = (kind: string, amountMinor: bigint | null) => ({ kind, amountMinor });

describe('a draft is refused', () => {
  it.each([
    ['CAMPAIGN_GOALS_INVALID', 'cashOptimumMinor', { cashOptimumMinor: 10_000n }],
    ['CAMPAIGN_GOALS_INVALID', 'hardCapMinor', { hardCapMinor: 9_999n }],
    ['CAMPAIGN_GOALS_INVALID', 'hardCapMinor', { cashOptimumMinor: 20_000n, hardCapMinor: 19_999n }],
    ['CAMPAIGN_STRETCH_INVALID', 'stretchGoals', { stretchGoals: [{ title: 'More', unit: 'cash', amount: 10_000n }] }],
    ['CAMPAIGN_STRETCH_INVALID', 'stretchGoals', { stretchGoals: [{ title: 'M', unit: 'cash', amount: 20_000n }] }],
    ['CAMPAIGN_STRETCH_INVALID', 'stretchGoals', { stretchGoals: [{ title: 'More', unit: 'sun', amount: 20_000n }] }],
    ['CAMPAIGN_SHORTFALL_RULE_INVALID', 'coverPricePerGpuHourMinor', { coverPricePerGpuHourMinor: 250n }],
    [
      'CAMPAIGN_SHORTFALL_RULE_INVALID',
      'coverPricePerGpuHourMinor',
      { computeGoalMilliseconds: 1n, coverPricePerGpuHourMinor: 0n },
    ],
    ['CAMPAIGN_SURPLUS_RULE_INVALID', 'surplus', { surplus: 'optimum' }],
    ['CAMPAIGN_SURPLUS_RULE_INVALID', 'surplus', { surplus: 'party' }],
    ['CAMPAIGN_BUDGET_INVALID', 'budgetLines', { budgetLines: [line('people', 9_999n)] }],
    ['CAMPAIGN_BUDGET_INVALID', 'budgetLines', { budgetLines: [line('people', null)] }],
    ['CAMPAIGN_BUDGET_INVALID', 'budgetLines', { budgetLines: [line('wine', 10_000n)] }],
    ['CAMPAIGN_BUDGET_INVALID', 'budgetLines', { budgetLines: [line('people', 5_000n), line('people', 5_000n)] }],
    ['CAMPAIGN_TRANCHES_INVALID', 'tranches', { fundingModel: 'tranches' }],
    ['CAMPAIGN_TRANCHES_INVALID', 'tranches', { tranches: [{ ...TRANCHE, shareBp: 9_999 }] }],
    ['CAMPAIGN_TRANCHES_INVALID', 'tranches', { tranches: [{ ...TRANCHE, evidence: { kind: 'milestone_report' } }] }],
    ['CAMPAIGN_TRANCHES_INVALID', 'tranches', { tranches: [{ ...TRANCHE, evidence: { kind: 'oracle' } }] }],
    ['CAMPAIGN_TRANCHES_INVALID', 'tranches', { tranches: [{ ...TRANCHE, budgetKind: 'wine' }] }],
    [
      'CAMPAIGN_TRANCHES_INVALID',
      'tranches',
      { tranches: [{ ...TRANCHE, evidence: { kind: 'vote', quorumBp: 10_000 } }] },
    ],
    [
      'CAMPAIGN_TRANCHES_INVALID',
      'tranches',
      {
        tranches: [
          { ...TRANCHE, evidence: { kind: 'evaluation', metric: 'loss', threshold: 'low', direction: 'at_most' } },
        ],
      },
    ],
    ['CAMPAIGN_APPROVALS_INVALID', 'approvalsRequired', { approvalsRequired: 0 }],
    ['CAMPAIGN_APPROVALS_INVALID', 'approvers', { approvers: ['Rita'] }],
    ['CAMPAIGN_EXTENSION_INVALID', 'extensionDays', { extensionToleranceBp: 100, extensionDays: 3 }],
    ['CAMPAIGN_EXTENSION_INVALID', 'extensionDays', { fundingModel: 'all_or_nothing', extensionToleranceBp: 100 }],
    [
      'CAMPAIGN_EXTENSION_INVALID',
      'extensionToleranceBp',
      { fundingModel: 'all_or_nothing', extensionToleranceBp: 2_001, extensionDays: 3 },
    ],
    ['CAMPAIGN_WINDOW_INVALID', 'windows', { windows: { safetyWindowSeconds: 0 } }],
    ['CAMPAIGN_WINDOW_INVALID', 'windows', { windows: { settlementWindowSeconds: 10, retryEverySeconds: 11 } }],
    ['CAMPAIGN_WINDOW_INVALID', 'windows', { windows: { reserveDays: { card: -1 } } }],
  ])('%s for %s (case %#)', async (code, field, more) => {
    const outcome = await stage.campaigns.create(owner, await stage.draft(owner, more));
    expect(codes(outcome)).toEqual([code]);
    expect((outcome as Refused).first.path?.[1]).toBe(field);
  });

  it('everything at once, each fault with its field', async () => {
    const more = { hardCapMinor: 1n, surplus: 'party', windows: { safetyWindowSeconds: 0 } };
    expect(codes(await stage.campaigns.create(owner, await stage.draft(owner, more)))).toEqual([
      'CAMPAIGN_GOALS_INVALID',
      'CAMPAIGN_SURPLUS_RULE_INVALID',
      'CAMPAIGN_WINDOW_INVALID',
    ]);
  });
});

describe('a draft', () => {
  it('starts with lines that follow from its recipe and its goal, and may change in everything', async () => {
    const id = got(await stage.campaigns.create(owner, await stage.draft(owner)));
    const plan = async () =>
      (await stage.rows<{ plan: object }>('SELECT plan FROM campaign WHERE id = $1', [id]))[0]?.plan;
    expect(await plan()).toMatchObject({ budgetLines: [{ kind: 'compute' }, { kind: 'reserve' }], extension: null });
    got(
      await stage.campaigns.update(owner, id, {
        fundingModel: 'all_or_nothing',
        cashGoalMinor: 20_000n,
        cashOptimumMinor: 30_000n,
        extensionToleranceBp: 100,
        extensionDays: 7,
      }),
    );
    const changed = (await plan()) as { budgetLines: { amountMinor: string }[]; surplus: string };
    expect(changed.budgetLines.reduce((sum, { amountMinor }) => sum + BigInt(amountMinor), 0n)).toBe(20_000n);
    expect(changed.surplus).toBe('optimum');
    got(await stage.campaigns.update(owner, id, { budgetLines: [line('people', 20_000n)], cashOptimumMinor: null }));
    expect(await plan()).toMatchObject({ surplus: 'reserve', budgetLines: [{ kind: 'people', amountMinor: '20000' }] });
    // Lines that somebody wrote don't follow the goal: they are asked for again.
    expect(codes(await stage.campaigns.update(owner, id, { cashGoalMinor: 10_000n }))).toEqual([
      'CAMPAIGN_BUDGET_INVALID',
    ]);
  });
});

describe('a live campaign', () => {
  it('changes its texts and adds stretch goals as versions, and nothing else', async () => {
    const id = await stage.live(owner);
    expect(codes(await stage.campaigns.update(owner, id, { cashGoalMinor: 1n }))).toEqual(['CAMPAIGN_TERMS_FROZEN']);
    expect(codes(await amendments().amend(stranger, id, { title: 'Mine' }))).toEqual(['PROJECT_ROLE_REQUIRED']);
    got(await amendments().amend(owner, id, { title: 'A whale of a model' }));
    expect((await stage.run((tx) => stage.funds.terms(tx, id)))?.version).toBe(1);
    got(await amendments().amend(owner, id, { title: 'Two whales' }));
    const goal = { title: 'A third whale', unit: 'cash', amount: 20_000n };
    got(await amendments().amend(owner, id, { addStretchGoals: [goal] }));
    expect(codes(await amendments().amend(owner, id, { addStretchGoals: [goal] }))).toEqual([
      'CAMPAIGN_STRETCH_INVALID',
    ]);
    expect(codes(await amendments().amend(owner, id, { title: '' }))).toEqual(['CAMPAIGN_TEXT_INVALID']);
    const query = `query T($id: ID!) { campaign(id: $id) { title termsVersion plan { stretchGoals { number title amount reachedAt } }
      terms { version cause } first: terms(version: 1) { version sha256 document } none: terms(version: 9) { version }
      termsVersions { version } } }`;
    const { data } = await stage.gql(query, { id: idOf(id) });
    expect(data.campaign).toMatchObject({
      title: 'Two whales',
      termsVersion: 3,
      plan: { stretchGoals: [{ number: 1, title: 'A third whale', amount: '20000', reachedAt: null }] },
      terms: { version: 3, cause: 'amended' },
      first: { version: 1, document: { title: 'A whale of a model', stretchGoals: [] } },
      none: null,
      termsVersions: [{ version: 3 }, { version: 2 }, { version: 1 }],
    });
    got(await stage.campaigns.cancel(owner, id, 'out of print'));
    expect(codes(await amendments().amend(owner, id, { title: 'Too late' }))).toEqual(['CAMPAIGN_STATE_INVALID']);
  });

  it('asks its backers whether they let their money wait, while it is extended and only then', async () => {
    const id = await stage.live(owner, {
      fundingModel: 'all_or_nothing',
      extensionToleranceBp: 500,
      extensionDays: 14,
    });
    await stage.collect(backer, id, 9_600n);
    const consent = (who: typeof owner, agrees: boolean) => amendments().consent(who, id, agrees);
    expect(codes(await consent(backer, true))).toEqual(['CAMPAIGN_EXTENSION_NOT_OPEN']);
    await stage.advance(31);
    await stage.run((tx) => stage.funds.settled(tx, id));
    expect(await stage.stateOf(id)).toBe('extended');
    expect(codes(await consent(stranger, true))).toEqual(['CAMPAIGN_BACKER_REQUIRED']);
    expect(codes(await amendments().consent(backer, '0197f3a0-0000-7000-8000-000000000000', true))).toEqual([
      'CAMPAIGN_NOT_FOUND',
    ]);
    got(await consent(backer, true));
    const consented = () =>
      stage.run((tx) => stage.funds.consented(tx, id, [backer.contributorId, stranger.contributorId]));
    expect([...(await consented())]).toEqual([backer.contributorId]);
    got(await consent(backer, false));
    expect((await consented()).size).toBe(0);
    const again = await stage.person('Queequeg');
    const mutation = `mutation C($input: CampaignExtensionConsentInput!) { campaignExtensionConsent(input: $input) {
      campaign { state viewer { backs consents } } userErrors { code } } }`;
    const { data } = await stage.gql(mutation, { input: { campaignId: idOf(id), agrees: true } }, again);
    expect(data.campaignExtensionConsent).toEqual({
      campaign: { state: 'EXTENDED', viewer: { backs: true, consents: true } },
      userErrors: [],
    });
  });

  it('tells its settlements', async () => {
    const id = await stage.live(owner, { fundingModel: 'all_or_nothing' });
    await stage.promise(id, 12_000n);
    await stage.advance(31);
    const query = `query S($id: ID!) { campaign(id: $id) { state settlementEndsAt settlements { round cause promised { amountMinor } judgedAt verdict judgedCash { amountMinor } } } }`;
    const before = await stage.gql(query, { id: idOf(id) });
    expect(before.data.campaign).toMatchObject({
      state: 'SETTLING',
      settlements: [{ round: 1, cause: 'deadline', promised: { amountMinor: '12000' }, verdict: null }],
    });
    await stage.run((tx) => stage.funds.settled(tx, id));
    const after = await stage.gql(query, { id: idOf(id) });
    expect(after.data.campaign).toMatchObject({
      state: 'FAILED',
      settlements: [{ verdict: 'failed', judgedCash: { amountMinor: '0' } }],
    });
  });
});

describe('updates', () => {
  const BODY = 'We have read the book.\r\n\r\n\r\n\r\nIt is long.   \n<b>Very</b> long.';

  it('are told to everybody or to backers, corrected by versions, and never read as markup', async () => {
    const id = await stage.live(owner);
    await stage.collect(backer, id, 500n);
    const shown = got(await updates().publish(owner, id, { title: 'Chapter one', body: BODY, audience: 'public' }));
    got(await updates().publish(owner, id, { title: 'For you only', body: 'A secret.', audience: 'backers' }));
    const query = `query U($id: ID!) { campaign(id: $id) { updates(first: 10) { nodes { number title audience paragraphs version versions { version title correction } } } } }`;
    const read = async (who?: typeof owner) =>
      (await stage.gql(query, { id: idOf(id) }, who)).data.campaign.updates.nodes;
    expect(await read()).toEqual([
      {
        number: 1,
        title: 'Chapter one',
        audience: 'PUBLIC',
        paragraphs: ['We have read the book.', 'It is long.\n<b>Very</b> long.'],
        version: 1,
        versions: [{ version: 1, title: 'Chapter one', correction: null }],
      },
    ]);
    const [me, whale, oscar] = [await stage.person('Queequeg'), await stage.person('Ishmael'), operator];
    expect((await read(me)).map((u: { number: number }) => u.number)).toEqual([2, 1]);
    expect(await read(whale)).toHaveLength(2);
    expect(await read(await stage.person('Olga Operator', 'operator'))).toHaveLength(2);
    expect(oscar.platformRoles.has('operator')).toBe(true);
    expect(await read(await stage.person('Mallory'))).toHaveLength(1);
    expect(await stage.payload(id, 'campaign.update.published')).not.toHaveProperty('title');

    const correction = { title: 'Chapter one', body: 'We have read half of the book.', reason: 'We counted again.' };
    got(await updates().correct(owner, shown, correction));
    got(await updates().correct(owner, shown, correction));
    const [corrected] = await read();
    expect(corrected).toMatchObject({
      paragraphs: ['We have read half of the book.'],
      version: 2,
      versions: [{ version: 2, correction: 'We counted again.' }, { version: 1 }],
    });
    await expect(
      stage.rows("UPDATE campaign_update_version SET title = 'None' WHERE update_id = $1", [shown]),
    ).rejects.toThrow(/written once/);
  });

  it('are refused', async () => {
    const id = await stage.live(owner);
    const text = { title: 'Chapter one', body: 'Words.', audience: 'public' };
    const draft = got(await stage.campaigns.create(owner, await stage.draft(owner)));
    expect(codes(await updates().publish(stranger, id, text))).toEqual(['PROJECT_ROLE_REQUIRED']);
    expect(codes(await updates().publish(owner, draft, text))).toEqual(['CAMPAIGN_STATE_INVALID']);
    expect(codes(await updates().publish(owner, '0197f3a0-0000-7000-8000-000000000000', text))).toEqual([
      'CAMPAIGN_NOT_FOUND',
    ]);
    expect(codes(await updates().publish(owner, id, { ...text, title: ' ' }))).toEqual(['CAMPAIGN_UPDATE_INVALID']);
    expect(codes(await updates().publish(owner, id, { ...text, body: ' \n ' }))).toEqual(['CAMPAIGN_UPDATE_INVALID']);
    expect(codes(await updates().publish(owner, id, { ...text, body: 'a\u0000b' }))).toEqual([
      'CAMPAIGN_UPDATE_INVALID',
    ]);
    expect(codes(await updates().publish(owner, id, { ...text, body: 'x'.repeat(20_001) }))).toEqual([
      'CAMPAIGN_UPDATE_INVALID',
    ]);
    expect(codes(await updates().publish(owner, id, { ...text, audience: 'press' }))).toEqual([
      'CAMPAIGN_UPDATE_INVALID',
    ]);
    const known = got(await updates().publish(owner, id, text));
    const change = { title: 'Chapter one', body: 'Other words.', reason: 'Because.' };
    expect(codes(await updates().correct(owner, id, change))).toEqual(['CAMPAIGN_UPDATE_NOT_FOUND']);
    expect(codes(await updates().correct(stranger, known, change))).toEqual(['PROJECT_ROLE_REQUIRED']);
    expect(codes(await updates().correct(owner, known, { ...change, reason: '' }))).toEqual([
      'CAMPAIGN_UPDATE_INVALID',
    ]);
  });
});

describe('through the public contract', () => {
  it('a campaign in tranches is made with all of its plan and read back', async () => {
    const me = await stage.person('Ishmael');
    const { projectId, recipeId } = await stage.project(me);
    const input = {
      projectId: toGlobalId('Project', projectId),
      recipeId: toGlobalId('Recipe', recipeId),
      title: 'Through the front door',
      summary: '',
      fundingModel: 'TRANCHES',
      currency: 'JPY',
      cashGoalMinor: '20000000000',
      cashOptimumMinor: '30000000000',
      hardCapMinor: '40000000000',
      computeGoalMilliseconds: '3600000',
      coverPricePerGpuHourMinor: '380',
      deadline: stage.inDays(9).toISOString(),
      budgetLines: [
        { kind: 'COMPUTE', amountMinor: '15000000000', note: 'Rented in Osaka' },
        { kind: 'PEOPLE', amountMinor: '5000000000' },
      ],
      tranches: [
        {
          title: 'Half way',
          shareBp: 4000,
          budgetKind: 'COMPUTE',
          evidence: { kind: 'CHECKPOINT', minTokens: '1000' },
        },
        {
          title: 'Good enough',
          shareBp: 6000,
          budgetKind: 'PEOPLE',
          evidence: { kind: 'EVALUATION', metric: 'loss', threshold: '2.5', direction: 'AT_MOST' },
        },
      ],
      approvalsRequired: 2,
      extensionToleranceBp: 500,
      extensionDays: 14,
      windows: { safetyWindowSeconds: 60, reserveDays: { sepaDebit: 70 } },
    };
    const fields = `id currency: cashGoal { amountMinor currency decimal } plan { cashOptimum { decimal } hardCap { amountMinor } coverPricePerGpuHour { amountMinor }
      surplus budgetLines { kind amount { amountMinor } note } tranches { number title shareBp evidence { kind minTokens metric threshold direction } }
      approvalsRequired extension { toleranceBp days } windows { safetyWindowSeconds settlementWindowSeconds reserveDays { sepaDebit card } } }`;
    const create = `mutation C($input: CampaignCreateInput!) { campaignCreate(input: $input) { campaign { ${fields} } userErrors { code path detail } } }`;
    const { data } = await stage.gql(create, { input }, me);
    expect(data.campaignCreate.userErrors).toEqual([]);
    expect(data.campaignCreate.campaign).toMatchObject({
      currency: { amountMinor: '20000000000', currency: 'JPY', decimal: '20000000000' },
      plan: {
        cashOptimum: { decimal: '30000000000' },
        coverPricePerGpuHour: { amountMinor: '380' },
        surplus: 'OPTIMUM',
        budgetLines: [{ kind: 'COMPUTE', note: 'Rented in Osaka' }, { kind: 'PEOPLE' }],
        tranches: [
          { number: 1, evidence: { kind: 'CHECKPOINT', minTokens: '1000', metric: null } },
          { number: 2, evidence: { kind: 'EVALUATION', direction: 'AT_MOST' } },
        ],
        approvalsRequired: 2,
        extension: { toleranceBp: 500, days: 14 },
        windows: {
          safetyWindowSeconds: 60,
          settlementWindowSeconds: 604_800,
          reserveDays: { sepaDebit: 70, card: 120 },
        },
      },
    });
    const update = `mutation U($input: CampaignUpdateInput!) { campaignUpdate(input: $input) { campaign { ${fields} } userErrors { code path } } }`;
    const { id } = data.campaignCreate.campaign;
    const change = { campaignId: id, hardCapMinor: null, windows: { safetyWindowSeconds: 90 } };
    const changed = (await stage.gql(update, { input: change }, me)).data.campaignUpdate;
    expect(changed).toMatchObject({
      userErrors: [],
      campaign: { plan: { hardCap: null, windows: { safetyWindowSeconds: 90 } } },
    });
    const short = { campaignId: id, windows: { safetyWindowSeconds: 0 } };
    const refused = (await stage.gql(update, { input: short }, me)).data.campaignUpdate;
    expect(refused).toMatchObject({
      campaign: null,
      userErrors: [{ code: 'CAMPAIGN_WINDOW_INVALID', path: ['input', 'windows', 'safetyWindowSeconds'] }],
    });
  });
});
