import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import {
  CAMPAIGN_STATES,
  type CampaignEvent,
  type CampaignState,
  campaignMachine,
} from '../../libs/campaigns/src/domain/campaign.machine.js';
import { AON, EXTENDABLE, reachOf } from './campaigns.reach.js';
import { CampaignsStage, codes, got } from './campaigns.stage.js';
import { StepsRecorder, stepsOf } from './steps.recorder.js';

/*
 * Every step of a campaign, taken by people, other rooms and time; and in each state every step that the machine does not
 * know there, refused with nothing changed. What the database wrote down is compared with the machine at the end.
 */

let stage: CampaignsStage;
let steps: StepsRecorder;
let owner: Awaited<ReturnType<CampaignsStage['person']>>;
let operator: typeof owner;
let reach: ReturnType<typeof reachOf>;

beforeAll(async () => {
  stage = await CampaignsStage.open();
  steps = await StepsRecorder.begin(stage.db.dataSource, [{ table: 'campaign', column: 'state' }]);
  owner = await stage.person('Ishmael');
  operator = await stage.person('Olga Operator', 'operator');
  reach = reachOf(stage, { owner, operator });
});
afterAll(async () => {
  expect(await stage.violations()).toEqual([]);
  await stage.close();
});

const settled = (id: string) => stage.run((tx) => stage.funds.settled(tx, id));
const suspend = (id: string) => stage.campaigns.suspend(operator, id, 'for legal reasons');
const cancel = (id: string) => stage.campaigns.cancel(owner, id, 'out of print');
const resume = (id: string) => stage.campaigns.resume(operator, id);
const refundsBegun = (id: string) => stage.run((tx) => stage.funds.refundsBegun(tx, id));
const refundsDone = (id: string) => stage.run((tx) => stage.funds.refundsDone(tx, id));
const close = (id: string) => stage.db.uow.run('close', (tx) => stage.funds.close(tx, id));
const run = (type: string) => (id: string) => stage.runEvent(type, id, randomUUID());

/** A campaign that stands there in a way of its own, and what takes the step; else as {@link reachOf} gets there. */
interface Way {
  readonly from?: () => Promise<string>;
  readonly take: (id: string) => Promise<unknown>;
}
const frozenWith =
  (collectedMinor: bigint, terms: object = AON) =>
  async (): Promise<string> => {
    const id = await stage.live(owner, terms);
    await stage.promise(id, 10_000n);
    await stage.advance(31);
    await stage.promise(id, -10_000n);
    if (collectedMinor > 0n) await stage.collect(owner, id, collectedMinor);
    return id;
  };
const suspendedIn = (state: CampaignState) => async (): Promise<string> => got(await suspend(await reach[state]()));

const WAYS: Readonly<Record<string, Way>> = {
  'draft submit': { take: (id) => stage.campaigns.submit(owner, id) },
  'in_review approve': { take: (id) => stage.campaigns.approve(operator, id) },
  'in_review reject': { take: (id) => stage.campaigns.reject(operator, id, 'too short') },
  'rejected revise': { take: (id) => stage.campaigns.revise(owner, id) },
  'live deadline': {
    from: () => stage.live(owner, AON),
    take: async (id) => {
      await stage.promise(id, 10_000n);
      await stage.advance(31);
    },
  },
  'live hard_cap': {
    from: () => stage.live(owner, { ...AON, hardCapMinor: 15_000n }),
    take: async (id) => {
      await stage.promise(id, 15_000n);
      await stage.advance(1);
    },
  },
  'live reach_goals': { take: (id) => stage.collect(owner, id, 10_000n) },
  'settling fund': { from: frozenWith(10_000n), take: settled },
  'settling fall_short': { from: frozenWith(9_999n), take: settled },
  'settling extend': { from: frozenWith(9_600n, EXTENDABLE), take: settled },
  'extended extension_over': {
    take: async (id) => {
      await stage.promise(id, 400n);
      await stage.advance(15);
    },
  },
  'suspended resume_live': { from: suspendedIn('live'), take: resume },
  'suspended resume_settling': { from: suspendedIn('settling'), take: resume },
  'suspended resume_extended': { from: suspendedIn('extended'), take: resume },
  'suspended resume_succeeded': { from: suspendedIn('succeeded'), take: resume },
  'succeeded start_training': { take: run('run.created') },
  'succeeded collapse': {
    from: async () => {
      const id = await frozenWith(10_000n)();
      await settled(id);
      return id;
    },
    take: (id) => stage.dispute(id, 1n),
  },
  'succeeded close': { take: close },
  'training run_failed': {
    take: async (id) => {
      const [row] = await stage.rows('SELECT run_id FROM campaign_run WHERE campaign_id = $1', [id]);
      await stage.runEvent('run.failed', id, String(row?.['run_id']));
    },
  },
  'training run_completed': { take: run('run.completed') },
  'completed close': { take: close },
  'refunding finish_refunds': { take: refundsDone },
  ...Object.fromEntries(
    ['draft', 'in_review', 'rejected', 'live', 'suspended', 'succeeded'].map((from) => [
      `${from} cancel`,
      { take: cancel },
    ]),
  ),
  ...Object.fromEntries(
    ['live', 'settling', 'extended', 'succeeded'].map((from) => [`${from} suspend`, { take: suspend }]),
  ),
  ...Object.fromEntries(
    ['failed', 'cancelled'].flatMap((from) => [
      [`${from} begin_refunds`, { take: refundsBegun }],
      [`${from} finish_refunds`, { take: refundsDone }],
    ]),
  ),
};

/** What people may ask for and other rooms say, by the events that it is to the machine. */
const ASKED: Readonly<Record<string, { events: readonly CampaignEvent[]; ask: (id: string) => Promise<unknown> }>> = {
  submit: { events: ['submit'], ask: (id) => stage.campaigns.submit(owner, id) },
  approve: { events: ['approve'], ask: (id) => stage.campaigns.approve(operator, id) },
  reject: { events: ['reject'], ask: (id) => stage.campaigns.reject(operator, id, 'too short') },
  revise: { events: ['revise'], ask: (id) => stage.campaigns.revise(owner, id) },
  suspend: { events: ['suspend'], ask: suspend },
  resume: { events: ['resume_live', 'resume_settling', 'resume_extended', 'resume_succeeded'], ask: resume },
  cancel: { events: ['cancel'], ask: cancel },
  startTraining: { events: ['start_training'], ask: (id) => stage.campaigns.startTraining(owner, id) },
  settled: { events: ['fund', 'fall_short', 'extend'], ask: settled },
  refundsBegun: { events: ['begin_refunds'], ask: refundsBegun },
  refundsDone: { events: ['finish_refunds'], ask: refundsDone },
  close: { events: ['close'], ask: close },
};

describe('every step', () => {
  it('has a way to be taken here, and nothing else has', () => {
    const known = campaignMachine.transitions.map(({ from, event }) => `${from} ${event}`);
    expect(Object.keys(WAYS).sort()).toEqual(known.sort());
  });

  it.each(campaignMachine.transitions.map((t) => [t.from, t.event, t.to] as const))(
    '%s, %s: %s',
    async (from, event, to) => {
      const way = WAYS[`${from} ${event}`];
      const id = await (way?.from ?? reach[from])();
      const before = await steps.path(id);
      expect(before.at(-1)).toBe(from);
      const outcome = await way?.take(id);
      expect(isRefused(outcome) ? codes(outcome) : []).toEqual([]);
      expect(await steps.path(id)).toEqual([...before, to]);
    },
  );

  it('that the machine does not know is refused, and nothing at all changes', async () => {
    for (const state of CAMPAIGN_STATES) {
      const id = await reach[state]();
      const before = await steps.everything();
      for (const [name, { events, ask }] of Object.entries(ASKED)) {
        if (events.some((event) => campaignMachine.next(state, event) !== undefined)) continue;
        const outcome = await ask(id);
        // Told twice that it is closed, or what came of its refunds, it says nothing: that is how it stands.
        const isReport = name === 'settled' || name.startsWith('refunds') || (name === 'close' && state === 'closed');
        if (!isReport) expect([state, name, codes(outcome)]).toEqual([state, name, ['CAMPAIGN_STATE_INVALID']]);
      }
      expect(await steps.everything()).toEqual(before);
    }
  });

  it('was taken, and no other', async () => {
    expect([...(await steps.taken('campaign'))].sort()).toEqual([...stepsOf(campaignMachine.transitions)].sort());
    expect(await steps.begun('campaign')).toEqual(new Set(['draft']));
    const causes = await stage.rows('SELECT DISTINCT cause FROM campaign_settlement ORDER BY cause');
    expect(causes.map((row) => row['cause'])).toEqual(['deadline', 'extension_over', 'hard_cap']);
  });
});
