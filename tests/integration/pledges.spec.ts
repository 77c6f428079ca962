import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CARD, FundingStage, type Person, codes, got, inDays } from './funding.stage.js';

let stage: FundingStage;
let owner: Person;
let ada: Person;
let campaignId: string;

beforeAll(async () => {
  stage = await FundingStage.open();
  owner = await stage.person('Ishmael');
  ada = await stage.person('Ada');
  campaignId = await stage.liveCampaign(owner, { cashGoalMinor: 1_000_000n });
});
afterAll(() => stage.close());

const pledge = (more: object = {}) => ({
  campaignId,
  amountMinor: 2_500n,
  currency: 'USD',
  idempotencyKey: randomUUID(),
  ...more,
});
const stateOf = async (id: string) =>
  (await stage.rows('SELECT state FROM cash_pledge WHERE id = $1', [id]))[0]?.['state'];

describe('a cash pledge', () => {
  it('goes from promise to money: memo, escrow, fee, backer and event change together', async () => {
    const made = got(await stage.cash.create(ada, pledge()));
    expect(made.pledge.state).toBe('created');
    expect(made.payment?.clientSecret).toMatch(/_secret_/);
    expect(await stage.violations()).toEqual([]);
    await stage.pay(made.payment?.clientSecret, CARD.good);
    await stage.settle();
    expect(await stateOf(made.pledge.id)).toBe('captured');
    expect(await stage.violations()).toEqual([]);
    const [event] = await stage.rows("SELECT payload, is_public FROM event_outbox WHERE type = 'pledge.cash.captured'");
    expect(event).toMatchObject({
      is_public: true,
      payload: { pledgeId: made.pledge.id, campaignId, amountMinor: '2500', currency: 'USD' },
    });
  });

  it('is the same pledge and payment when the key is sent again', async () => {
    const asked = pledge();
    const [first, second] = await Promise.all([stage.cash.create(ada, asked), stage.cash.create(ada, asked)]);
    const third = await stage.cash.create(ada, asked);
    expect(new Set([first, second, third].map((o) => got(o).pledge.id)).size).toBe(1);
    expect(new Set([first, second, third].map((o) => got(o).payment?.paymentId)).size).toBe(1);
    expect(codes(await stage.cash.create(ada, { ...asked, amountMinor: 2_501n }))).toEqual([
      'PLEDGE_IDEMPOTENCY_MISMATCH',
    ]);
  });

  it('is one of many in a rush: each answered, each once in the books', async () => {
    const keys = Array.from({ length: 120 }, () => randomUUID());
    const asked = [...keys, ...keys].map((idempotencyKey) => stage.cash.promise(ada, pledge({ idempotencyKey })));
    const ids = (await Promise.all(asked)).map((outcome) => got(outcome).pledge.id);
    expect(new Set(ids).size).toBe(120);
    const [row] = await stage.rows('SELECT count(*) n FROM ledger_transfer WHERE key = ANY($1)', [
      ids.map((id) => `pledge:${id}:promise:1`),
    ]);
    expect(row?.['n']).toBe(120n);
    expect(await stage.violations()).toEqual([]);
  });
});
