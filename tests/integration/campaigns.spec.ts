import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IdentityCommands } from '#identity';
import { campaignMachine } from '../../libs/campaigns/src/domain/campaign.machine.js';
import { CampaignsStage, codes, got } from './campaigns.stage.js';

interface Step {
  from_state: string;
  to_state: string;
}

let stage: CampaignsStage;
let owner: Awaited<ReturnType<CampaignsStage['person']>>;
let operator: typeof owner;
beforeAll(async () => {
  stage = await CampaignsStage.open();
  owner = await stage.person('Ishmael');
  operator = await stage.person('Olga Operator', 'operator');
});
afterAll(() => stage.close());

const stateOf = async (id: string) =>
  (await stage.rows('SELECT state FROM campaign WHERE id = $1', [id]))[0]?.['state'];
const emitted = async (id: string) =>
  (
    await stage.rows("SELECT type FROM event_outbox WHERE aggregate_id = $1 AND type LIKE 'campaign.%' ORDER BY seq", [
      id,
    ])
  ).map((row) => String(row['type']));
const draft = (more: object = {}) => stage.draft(owner, { computeGoalMilliseconds: 600_000n, ...more });
const runEvent = (type: string, campaignId: string, runId: string) =>
  stage.db.uow.run('run', async (tx) =>
    tx.emit({ type, aggregateType: 'run', aggregateId: runId, payload: { runId, campaignId }, isPublic: true }),
  );

describe('the life of a campaign', () => {
  it('goes from draft over review to live, and its accounts exist from then on', async () => {
    const id = got(await stage.campaigns.create(owner, await draft()));
    expect(await stage.rows('SELECT 1 FROM ledger_account WHERE code LIKE $1', [`campaign:${id}:%`])).toHaveLength(0);
    got(await stage.campaigns.submit(owner, id));
    got(await stage.campaigns.approve(operator, id));
    const accounts = await stage.rows('SELECT code FROM ledger_account WHERE code LIKE $1 ORDER BY code', [
      `campaign:${id}:%`,
    ]);
    expect(accounts.map((a) => String(a['code']).split(':').slice(2).join(':'))).toEqual([
      'compute_committed:cpu',
      'compute_offered:cpu',
      'debt:USD',
      'dispute_reserve:USD',
      'escrow:USD',
      'payouts_payable:USD',
      'pledged:USD',
      'refunds_payable:USD',
      'released:USD',
    ]);
    expect(await emitted(id)).toEqual(['campaign.created', 'campaign.submitted', 'campaign.live']);
    const [live] = await stage.rows(
      "SELECT payload FROM event_outbox WHERE type = 'campaign.live' AND aggregate_id = $1",
      [id],
    );
    expect(live?.['payload']).toMatchObject({
      campaignId: id,
      fundingModel: 'keep_it_all',
      cashGoal: { amountMinor: '10000', currency: 'USD' },
      computeGoal: { milliseconds: '600000', class: 'cpu' },
      budget: { flop: '600000000000' },
    });
  });

  it('succeeds when cash and compute have both come, each to its own goal, and not before', async () => {
    const id = await stage.live(owner, { computeGoalMilliseconds: 600_000n });
    await stage.collect(owner, id, 10_000n);
    expect(await stateOf(id)).toBe('live');
    await stage.commit(id, 600_000n);
    expect(await stateOf(id)).toBe('succeeded');
    const [funded] = await stage.rows(
      "SELECT payload FROM event_outbox WHERE type = 'campaign.succeeded' AND aggregate_id = $1",
      [id],
    );
    expect(funded?.['payload']).toMatchObject({
      campaignId: id,
      cash: { amountMinor: '10000', currency: 'USD' },
      compute: { milliseconds: '600000', class: 'cpu' },
      goalsReached: true,
    });
    expect(await stage.violations()).toEqual([]);
  });

  it('trains when its run exists, and completes with it', async () => {
    const id = await stage.live(owner);
    expect(codes(await stage.campaigns.startTraining(owner, id))).toEqual(['CAMPAIGN_STATE_INVALID']);
    await stage.collect(owner, id, 10_000n);
    got(await stage.campaigns.startTraining(owner, id));
    expect(codes(await stage.campaigns.startTraining(owner, id))).toEqual(['CAMPAIGN_TRAINING_REQUESTED']);
    const first = randomUUID();
    await runEvent('run.created', id, first);
    await stage.relay();
    expect(await stateOf(id)).toBe('training');
    await runEvent('run.failed', id, first);
    await stage.relay();
    expect(await stateOf(id)).toBe('succeeded');
    got(await stage.campaigns.startTraining(owner, id));
    const second = randomUUID();
    // Out of order: the end is heard of before the beginning.
    await runEvent('run.completed', id, second);
    await runEvent('run.created', id, second);
    await stage.relay();
    expect(await stateOf(id)).toBe('completed');
    expect((await emitted(id)).slice(-3)).toEqual([
      'campaign.training.requested',
      'campaign.training',
      'campaign.completed',
    ]);
  });

  it('keeps what was given at its deadline, and fails with nothing given', async () => {
    const [kept, empty] = [await stage.live(owner), await stage.live(owner)];
    await stage.collect(owner, kept, 500n);
    await stage.advance(31);
    expect([await stateOf(kept), await stateOf(empty)]).toEqual(['succeeded', 'failed']);
    expect((await emitted(empty)).at(-1)).toBe('campaign.failed');
  });

  it('is sent back, suspended, resumed and cancelled with a reason', async () => {
    const id = got(await stage.campaigns.create(owner, await draft()));
    got(await stage.campaigns.submit(owner, id));
    got(await stage.campaigns.reject(operator, id, 'the summary is too short'));
    expect(await stateOf(id)).toBe('rejected');
    expect(codes(await stage.campaigns.revise(operator, id))).toEqual(['PROJECT_ROLE_REQUIRED']);
    got(await stage.campaigns.revise(owner, id));
    got(await stage.campaigns.update(owner, id, { summary: 'Longer than before.', deadline: stage.inDays(20) }));
    expect(codes(await stage.campaigns.update(owner, id, { title: '', deadline: new Date(0) }))).toEqual([
      'CAMPAIGN_TEXT_INVALID',
      'CAMPAIGN_DEADLINE_INVALID',
    ]);
    expect(codes(await stage.campaigns.update(operator, id, { title: 'Mine' }))).toEqual(['PROJECT_ROLE_REQUIRED']);
    got(await stage.campaigns.submit(owner, id));
    expect(codes(await stage.campaigns.update(owner, id, { title: 'Too late' }))).toEqual(['CAMPAIGN_STATE_INVALID']);
    got(await stage.campaigns.approve(operator, id));
    await stage.collect(owner, id, 700n);
    got(await stage.campaigns.suspend(operator, id, 'under investigation'));
    got(await stage.campaigns.resume(operator, id));
    got(await stage.campaigns.cancel(owner, id, 'the book is out of print'));
    expect(await stage.payload(id, 'campaign.cancelled')).toMatchObject({ reason: 'the book is out of print' });
    expect(await stage.violations()).toEqual([]);
  });
});

describe('a campaign is refused', () => {
  it.each([
    ['CAMPAIGN_FUNDING_MODEL_UNKNOWN', { fundingModel: 'lottery' }],
    ['CAMPAIGN_TRANCHES_INVALID', { fundingModel: 'tranches' }],
    ['CAMPAIGN_CURRENCY_UNSUPPORTED', { currency: 'XXX' }],
    ['CAMPAIGN_GOAL_MISSING', { cashGoalMinor: 0n, computeGoalMilliseconds: null }],
    ['AMOUNT_OUT_OF_RANGE', { cashGoalMinor: -1n }],
    ['AMOUNT_OUT_OF_RANGE', { computeGoalMilliseconds: 10n ** 30n }],
    ['CAMPAIGN_DEADLINE_INVALID', { deadline: new Date(0) }],
    ['CAMPAIGN_DEADLINE_INVALID', { deadline: new Date('2999-01-01') }],
    ['CAMPAIGN_TEXT_INVALID', { title: '' }],
    ['CAMPAIGN_TEXT_INVALID', { summary: 'x'.repeat(2001) }],
    ['CAMPAIGN_CLASS_MISMATCH', { computeClass: 'l40s' }],
    ['CAMPAIGN_RECIPE_NOT_FOUND', { recipeId: randomUUID() }],
    ['CATALOG_MFU_INVALID', { mfu: '2' }],
    ['PROJECT_ROLE_REQUIRED', { projectId: randomUUID() }],
  ])('%s (case %#)', async (code, more) => {
    const [before] = await stage.rows('SELECT count(*) n FROM campaign');
    expect(codes(await stage.campaigns.create(owner, await draft(more)))).toEqual([code]);
    expect((await stage.rows('SELECT count(*) n FROM campaign'))[0]).toEqual(before);
  });

  it('in every step: unknown, by strangers, by its own maker, in another state, without a reason', async () => {
    const stranger = await stage.person('Mallory');
    const id = got(await stage.campaigns.create(owner, await draft()));
    expect(codes(await stage.campaigns.submit(owner, randomUUID()))).toEqual(['CAMPAIGN_NOT_FOUND']);
    expect(codes(await stage.campaigns.submit(stranger, id))).toEqual(['PROJECT_ROLE_REQUIRED']);
    expect(codes(await stage.campaigns.approve(operator, id))).toEqual(['CAMPAIGN_STATE_INVALID']);
    got(await stage.campaigns.submit(owner, id));
    expect(codes(await stage.campaigns.approve(owner, id))).toEqual(['CAMPAIGN_REVIEW_FORBIDDEN']);
    expect(codes(await stage.campaigns.reject(operator, id, ' '))).toEqual(['CAMPAIGN_TEXT_INVALID']);
    expect(codes(await stage.campaigns.suspend(owner, id, 'because'))).toEqual(['CAMPAIGN_OPERATOR_REQUIRED']);
    expect(codes(await stage.campaigns.resume(owner, id))).toEqual(['CAMPAIGN_OPERATOR_REQUIRED']);
    expect(codes(await stage.campaigns.suspend(operator, id, 'because'))).toEqual(['CAMPAIGN_STATE_INVALID']);
    expect(codes(await stage.campaigns.cancel(stranger, id, 'because'))).toEqual(['PROJECT_ROLE_REQUIRED']);
    expect(codes(await stage.campaigns.startTraining(stranger, id))).toEqual(['PROJECT_ROLE_REQUIRED']);
    await stage.rows("UPDATE campaign SET deadline = now() - interval '1 second' WHERE id = $1", [id]);
    expect(codes(await stage.campaigns.approve(operator, id))).toEqual(['CAMPAIGN_DEADLINE_INVALID']);
    expect(await stateOf(id)).toBe('in_review');
  });

  it('a reviewer of the project may approve what somebody else made', async () => {
    const asked = await draft();
    const reviewer = await stage.person('Rita Reviewer');
    const member = { projectId: asked.projectId, contributorId: reviewer.contributorId, roles: ['reviewer'] };
    got(await stage.app.get(IdentityCommands, { strict: false }).setProjectMember(owner, member));
    const id = got(await stage.campaigns.create(owner, asked));
    got(await stage.campaigns.submit(owner, id));
    got(await stage.campaigns.approve(reviewer, id));
    expect(await stateOf(id)).toBe('live');
  });

  it('by the database: steps that the machine does not know, and any change of the terms', async () => {
    const id = await stage.live(owner);
    await expect(stage.rows("UPDATE campaign SET state = 'completed' WHERE id = $1", [id])).rejects.toThrow(
      /does not go/,
    );
    await expect(stage.rows('UPDATE campaign SET cash_goal_minor = 1 WHERE id = $1', [id])).rejects.toThrow(
      /immutable/,
    );
    const rows = await stage.rows<Step>('SELECT from_state, to_state FROM campaign_transition');
    expect(new Set(rows.map((r) => `${r.from_state} ${r.to_state}`))).toEqual(
      new Set(campaignMachine.transitions.map((t) => `${t.from} ${t.to}`)),
    );
  });
});
