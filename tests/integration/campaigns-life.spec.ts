import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CampaignState } from '../../libs/campaigns/src/domain/campaign.machine.js';
import { AON, EXTENDABLE, reachOf } from './campaigns.reach.js';
import { CampaignsStage, codes, got } from './campaigns.stage.js';

let stage: CampaignsStage;
let owner: Awaited<ReturnType<CampaignsStage['person']>>;
let operator: typeof owner;
beforeAll(async () => {
  stage = await CampaignsStage.open();
  owner = await stage.person('Ishmael');
  operator = await stage.person('Olga Operator', 'operator');
  reach = reachOf(stage, { owner, operator });
});
afterAll(() => stage.close());

let reach: Record<CampaignState, () => Promise<string>>;
const settled = (id: string) => stage.run((tx) => stage.funds.settled(tx, id));

describe('all or nothing', () => {
  it('freezes at the deadline, waits for the charges, and is judged on what was collected', async () => {
    const id = await stage.live(owner, AON);
    await stage.promise(id, 12_000n);
    await stage.advance(31);
    expect(await stage.stateOf(id)).toBe('settling');
    const settling = await stage.payload(id, 'campaign.settling');
    expect(settling).toMatchObject({ round: 1, reason: 'deadline' });
    expect(settling.windowEndsAt).toBe(stage.inDays(7).toISOString());
    await stage.collect(owner, id, 9_999n);
    expect(await stage.stateOf(id)).toBe('settling');
    await stage.collect(owner, id, 1n);
    await settled(id);
    expect(await stage.stateOf(id)).toBe('succeeded');
    const [record] = await stage.rows('SELECT * FROM campaign_settlement WHERE campaign_id = $1', [id]);
    expect(record).toMatchObject({
      snapshot_id: settling.snapshotId,
      round: 1,
      promised_minor: 12_000n,
      verdict: 'succeeded',
      judged_cash_minor: 10_000n,
    });
  });

  it('fails when charges that were promised did not come, and never pays below the goal', async () => {
    const id = await stage.live(owner, AON);
    await stage.promise(id, 12_000n);
    await stage.advance(31);
    await stage.collect(owner, id, 9_999n);
    await settled(id);
    expect(await stage.stateOf(id)).toBe('failed');
    expect(await stage.payload(id, 'campaign.failed')).toMatchObject({
      reason: 'below_goal',
      cash: { amountMinor: '9999' },
    });
    expect(codes(await stage.db.uow.run('pay', (tx) => stage.funds.disbursed(tx, id)))).toEqual([
      'CAMPAIGN_STATE_INVALID',
    ]);
  });

  it('fails at once, and charges nobody, when kept promises would still miss the goal', async () => {
    const [short, enough, near, far] = await Promise.all([
      stage.live(owner, AON),
      stage.live(owner, AON),
      stage.live(owner, EXTENDABLE),
      stage.live(owner, EXTENDABLE),
    ]);
    await stage.promise(short, 9_999n);
    await stage.promise(enough, 10_000n);
    await stage.promise(near, 9_500n);
    await stage.promise(far, 9_499n);
    await stage.advance(31);
    expect(await Promise.all([short, enough, near, far].map((id) => stage.stateOf(id)))).toEqual([
      'failed',
      'settling',
      'settling',
      'failed',
    ]);
    expect(await stage.emitted(short)).not.toContain('campaign.settling');
    expect(await stage.payload(short, 'campaign.failed')).toMatchObject({
      reason: 'below_goal',
      cash: { amountMinor: '0' },
    });
    const [record] = await stage.rows('SELECT * FROM campaign_settlement WHERE campaign_id = $1', [short]);
    expect(record).toMatchObject({ promised_minor: 9_999n, verdict: 'failed', judged_cash_minor: 0n });
  });

  it('is frozen before its deadline when the hard cap is reached, and tells what is left of it', async () => {
    const id = await stage.live(owner, { ...AON, hardCapMinor: 15_000n });
    const left = () => stage.run((tx) => stage.funds.remainingToCapMinor(tx, id));
    expect(await left()).toBe(15_000n);
    await stage.promise(id, 14_000n);
    expect(await left()).toBe(1_000n);
    await stage.advance(1);
    expect(await stage.stateOf(id)).toBe('live');
    await stage.promise(id, 1_000n);
    expect(await left()).toBe(0n);
    await stage.advance(1);
    expect(await stage.stateOf(id)).toBe('settling');
    expect(await stage.payload(id, 'campaign.settling')).toMatchObject({ reason: 'hard_cap' });
    const open = await stage.live(owner, AON);
    expect(await stage.run((tx) => stage.funds.remainingToCapMinor(tx, open))).toBeNull();
  });

  it('lets two who ask for what is left of the cap wait for one another', async () => {
    const id = await stage.live(owner, { ...AON, hardCapMinor: 15_000n });
    const take = () =>
      stage.run(async (tx) => {
        const left = (await stage.funds.remainingToCapMinor(tx, id)) ?? 0n;
        if (left >= 9_000n) await stage.funds.book(tx, id, { promisedMinor: 9_000n });
        return left;
      });
    expect(new Set(await Promise.all([take(), take()]))).toEqual(new Set([15_000n, 6_000n]));
  });

  it('is extended once, with consent, and then judged again', async () => {
    const id = await reach.extended();
    expect(await stage.payload(id, 'campaign.extended')).toMatchObject({
      shortfallMinor: '400',
      deadline: stage.inDays(14).toISOString(),
      version: 2,
    });
    await stage.advance(13);
    expect(await stage.stateOf(id)).toBe('extended');
    await stage.promise(id, 400n);
    await stage.advance(2);
    expect(await stage.stateOf(id)).toBe('settling');
    expect(await stage.payload(id, 'campaign.settling')).toMatchObject({ round: 2, reason: 'extension_over' });
    await settled(id);
    expect(await stage.stateOf(id)).toBe('failed');
    const rounds = await stage.rows('SELECT verdict FROM campaign_settlement WHERE campaign_id = $1 ORDER BY round', [
      id,
    ]);
    expect(rounds.map((row) => row['verdict'])).toEqual(['extended', 'failed']);
    const saved = await reach.extended();
    await stage.collect(owner, saved, 400n);
    await stage.advance(15);
    await settled(saved);
    expect(await stage.stateOf(saved)).toBe('succeeded');
  });

  it('is not extended beyond the tolerance', async () => {
    const id = await stage.live(owner, EXTENDABLE);
    await stage.collect(owner, id, 9_499n);
    await stage.advance(31);
    await settled(id);
    expect(await stage.stateOf(id)).toBe('failed');
  });
});

describe('collapse', () => {
  it('fails a funded campaign that refunds and disputes bring below its goal before money left', async () => {
    const id = await stage.live(owner, AON);
    await stage.collect(owner, id, 10_100n);
    await stage.advance(31);
    await settled(id);
    await stage.refund(id, 100n);
    expect(await stage.stateOf(id)).toBe('succeeded');
    await stage.dispute(id, 1n);
    expect(await stage.stateOf(id)).toBe('failed');
    expect(await stage.payload(id, 'campaign.failed')).toMatchObject({ reason: 'collapse' });
    expect((await stage.emitted(id)).slice(-2)).toEqual(['campaign.collapsed', 'campaign.failed']);
  });

  it('does not happen once money left, nor to a campaign that keeps it all', async () => {
    const id = await stage.live(owner, AON);
    await stage.collect(owner, id, 10_000n);
    await stage.advance(31);
    await settled(id);
    const pay = () => stage.db.uow.run('pay', (tx) => stage.funds.disbursed(tx, id));
    expect(codes(await pay())).toEqual(['CAMPAIGN_SAFETY_WINDOW_OPEN']);
    await stage.advance(2);
    got(await pay());
    got(await pay());
    await stage.dispute(id, 5_000n);
    expect(await stage.stateOf(id)).toBe('succeeded');
    expect(codes(await stage.campaigns.cancel(owner, id, 'too late'))).toEqual(['CAMPAIGN_DISBURSED']);
    const kept = await reach.succeeded();
    await stage.refund(kept, 9_000n);
    expect(await stage.stateOf(kept)).toBe('succeeded');
    expect(await stage.violations()).toEqual([]);
  });

  it('keeps the first money in while the books stand below the goal', async () => {
    const id = await stage.live(owner, AON);
    await stage.collect(owner, id, 10_000n);
    await stage.advance(31);
    await settled(id);
    await stage.advance(2);
    const refused = await stage.db.uow.run('pay', async (tx) => {
      await stage.funds.book(tx, id, { disputedMinor: 1n });
      return stage.funds.disbursed(tx, id);
    });
    expect(codes(refused)).toEqual(['CAMPAIGN_BELOW_GOAL']);
  });
});

describe('suspension', () => {
  it('stops every timer and goes back to where it was', async () => {
    const live = await stage.live(owner, { deadline: stage.inDays(10) });
    const settling = await stage.live(owner, { ...AON, deadline: stage.inDays(10) });
    await stage.collect(owner, settling, 10_000n);
    await stage.advance(5);
    got(await stage.campaigns.suspend(operator, live, 'for legal reasons'));
    await stage.advance(20);
    expect([await stage.stateOf(live), await stage.stateOf(settling)]).toEqual(['suspended', 'settling']);
    got(await stage.campaigns.suspend(operator, settling, 'for legal reasons'));
    await settled(settling);
    expect(await stage.stateOf(settling)).toBe('suspended');
    await stage.advance(3);
    got(await stage.campaigns.resume(operator, live));
    got(await stage.campaigns.resume(operator, settling));
    await stage.relay();
    const [row] = await stage.rows<{ deadline: Date }>('SELECT deadline FROM campaign WHERE id = $1', [live]);
    expect(row?.deadline).toEqual(stage.inDays(5));
    expect(await stage.payload(live, 'campaign.resumed')).toMatchObject({ to: 'live', suspendedMs: 23 * 86_400_000 });
    const [charged] = await stage.rows<{ settlement_ends_at: Date }>(
      'SELECT settlement_ends_at FROM campaign WHERE id = $1',
      [settling],
    );
    // 7 days from day 25, when the clock saw the deadline; suspended at once for 3 days.
    expect(charged?.settlement_ends_at).toEqual(stage.inDays(7));
    expect(await stage.stateOf(settling)).toBe('settling');
  });

  it('takes up a run that began meanwhile', async () => {
    const id = await reach.succeeded();
    got(await stage.campaigns.suspend(operator, id, 'for legal reasons'));
    await stage.runEvent('run.created', id, randomUUID());
    expect(await stage.stateOf(id)).toBe('suspended');
    got(await stage.campaigns.resume(operator, id));
    await stage.relay();
    expect(await stage.stateOf(id)).toBe('training');
  });

  it('cannot be left for another state than the one before, even by hand', async () => {
    const id = await reach.suspended();
    await expect(
      stage.rows("UPDATE campaign SET state = 'succeeded', suspended_from = NULL, suspended_at = NULL WHERE id = $1", [
        id,
      ]),
    ).rejects.toThrow(/back to where it was/);
  });
});

describe('ended campaigns', () => {
  it.each(['failed', 'cancelled', 'refunding', 'refunded', 'closed', 'completed'] as const)(
    '%s: late money reaches the books and nothing else',
    async (state) => {
      const id = await reach[state]();
      await stage.collect(owner, id, 1_000n);
      await stage.dispute(id, 500n);
      await stage.refund(id, 500n);
      await stage.runEvent('run.created', id, randomUUID());
      await stage.advance(1);
      expect(await stage.stateOf(id)).toBe(state);
      expect(await stage.violations()).toEqual([]);
    },
  );
});
