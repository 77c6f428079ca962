import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '#kernel';
import { CampaignsStage } from './campaigns.stage.js';

let stage: CampaignsStage;
let owner: Awaited<ReturnType<CampaignsStage['person']>>;
beforeAll(async () => {
  stage = await CampaignsStage.open();
  owner = await stage.person('Ishmael');
});
afterAll(() => stage.close());

const AON = { fundingModel: 'all_or_nothing', windows: { safetyWindowSeconds: 86_400 } };
const settled = (id: string) => stage.run((tx) => stage.funds.settled(tx, id));

describe('money and GPU time together', () => {
  const both = { ...AON, computeGoalMilliseconds: 7_200_000n };

  it('needs both goals when the terms have no rule', async () => {
    const id = await stage.live(owner, both);
    await stage.collect(owner, id, 1_000_000n);
    await stage.commit(id, 7_199_999n);
    await stage.advance(31);
    await settled(id);
    expect(await stage.stateOf(id)).toBe('failed');
  });

  it('covers missing GPU time by surplus money at the price of the terms, to the unit', async () => {
    for (const [cash, state] of [
      [10_249n, 'failed'],
      [10_250n, 'succeeded'],
    ] as const) {
      const id = await stage.live(owner, { ...both, coverPricePerGpuHourMinor: 250n });
      await stage.collect(owner, id, cash);
      await stage.commit(id, 3_600_000n);
      await stage.advance(31);
      await settled(id);
      expect(await stage.stateOf(id)).toBe(state);
    }
  });
});

describe('tranches and keep-it-all', () => {
  const TRANCHES = {
    fundingModel: 'tranches',
    tranches: [
      {
        title: 'First half',
        shareBp: 5_000,
        budgetKind: 'compute',
        evidence: { kind: 'checkpoint', minTokens: '1000' },
      },
      { title: 'Second half', shareBp: 5_000, budgetKind: 'reserve', evidence: { kind: 'vote' } },
    ],
  };

  it('are judged at once at the deadline when nothing is on its way', async () => {
    const id = await stage.live(owner, TRANCHES);
    await stage.collect(owner, id, 9_999n);
    await stage.advance(31);
    expect(await stage.stateOf(id)).toBe('failed');
    expect(await stage.emitted(id)).not.toContain('campaign.settling');
  });

  it('settle while slow payments are on their way', async () => {
    const pending = new Map<string, number>();
    stage.funds.onPending((_, campaignId) =>
      Promise.resolve({ payments: pending.get(campaignId) ?? 0, unsecuredMinor: 0n, returningMinor: 0n }),
    );
    const id = await stage.live(owner);
    pending.set(id, 1);
    await stage.collect(owner, id, 500n);
    await stage.advance(31);
    expect(await stage.stateOf(id)).toBe('settling');
    await settled(id);
    expect(await stage.stateOf(id)).toBe('succeeded');
    expect(await stage.payload(id, 'campaign.succeeded')).toMatchObject({ goalsReached: false });
  });

  it('tell each stretch goal once, when it is really there', async () => {
    const id = await stage.live(owner, {
      stretchGoals: [
        { title: 'A second book', unit: 'cash', amount: 20_000n },
        { title: 'A third book', unit: 'cash', amount: 30_000n },
      ],
    });
    await stage.collect(owner, id, 20_000n);
    await stage.collect(owner, id, 1n);
    await stage.collect(owner, id, 9_999n);
    const reached = (await stage.emitted(id)).filter((type) => type === 'campaign.stretch.reached');
    expect(reached).toHaveLength(2);
    expect(await stage.payload(id, 'campaign.stretch.reached')).toMatchObject({ number: 2, title: 'A third book' });
  });
});

describe('terms', () => {
  it('are frozen as version 1 when the campaign goes live, with the digest of their canonical JSON', async () => {
    const id = await stage.live(owner, { hardCapMinor: 20_000n });
    const terms = await stage.run((tx) => stage.funds.terms(tx, id));
    expect(terms).toMatchObject({ version: 1, campaignId: id, cashMinimumMinor: '10000', hardCapMinor: '20000' });
    const { sha256, ...document } = terms ?? { sha256: '' };
    expect(createHash('sha256').update(canonicalJson(document)).digest('hex')).toBe(sha256);
    expect(await stage.run((tx) => stage.funds.terms(tx, randomUUID()))).toBeUndefined();
    await expect(
      stage.rows("UPDATE campaign_terms SET cause = 'amended' WHERE campaign_id = $1", [id]),
    ).rejects.toThrow(/written once/);
    await expect(
      stage.rows('UPDATE campaign SET plan = plan || \'{"surplus":"x"}\' WHERE id = $1', [id]),
    ).rejects.toThrow(/immutable/);
  });

  it('open accounts in another currency when they are first needed, twice without harm', async () => {
    const id = await stage.live(owner);
    await stage.run((tx) => stage.funds.openCashAccounts(tx, id, 'JPY'));
    await stage.run((tx) => stage.funds.openCashAccounts(tx, id, 'JPY'));
    const rows = await stage.rows('SELECT code FROM ledger_account WHERE code LIKE $1', [`campaign:${id}:%:JPY`]);
    expect(rows).toHaveLength(7);
  });
});
