import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isRefused } from '#kernel';
import { CARD, FundingStage, type Person, got } from './funding.stage.js';

/** A small generator, so that a failing seed can be run again (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const PLEDGES = 24;
const CARDS = [CARD.good, CARD.good, CARD.good, CARD.declined, CARD.challenge, CARD.dispute, CARD.refundFails];

describe.each([1, 2])('funding with seed %i', (seed) => {
  it('keeps every invariant while webhooks come thrice and shuffled and everybody acts at once', async () => {
    const stage = await FundingStage.open({ chaos: { duplicates: 3, outOfOrder: 3, shuffleMs: 300 } });
    try {
      const next = random(seed);
      const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
      const owner = await stage.person('Ishmael');
      const people = await Promise.all(['Ada', 'Bob', 'Cleo'].map((name) => stage.person(name)));
      const campaigns = [
        await stage.liveCampaign(owner, { cashGoalMinor: 20_000n, autoAcceptCompute: true }),
        await stage.liveCampaign(owner, { cashGoalMinor: 10n ** 9n }),
      ];
      const plans = Array.from({ length: PLEDGES }, () => ({
        who: pick(people),
        campaignId: pick(campaigns),
        amountMinor: BigInt(50 + Math.floor(next() * 10_000)),
        card: pick(CARDS),
        cancelFirst: next() < 0.15,
        twice: next() < 0.3,
        refund: next() < 0.4,
      }));
      const pledgeIds = await Promise.all(plans.map((plan) => live(stage, plan)));
      await Promise.all(people.map((person) => lend(stage, person, pick(campaigns), next() < 0.5)));
      await stage.settle();
      await Promise.all(
        plans.map(async (plan, index) => {
          if (plan.refund) await regret(stage, owner, plan, pledgeIds[index] ?? '');
        }),
      );
      const cancelled = next() < 0.7;
      if (cancelled) got(await stage.campaigns.cancel(owner, campaigns[1] ?? '', 'enough of chaos'));
      for (let round = 0; round < 3; round += 1) {
        await Promise.all([
          stage.tick('pledges.wind-up'),
          stage.tick('payment-sweep'),
          stage.tick('campaigns.deadline'),
        ]);
        await stage.settle();
      }
      expect(await stage.violations(), `seed ${seed}`).toEqual([]);
      const left = await stage.rows<{ state: string }>(
        `SELECT p.state FROM cash_pledge p JOIN campaign c ON c.id = p.campaign_id
          WHERE c.state IN ('cancelled', 'refunding') AND p.state IN ('created', 'needs_action', 'errored', 'refund_pending')`,
      );
      expect(left, `seed ${seed}`).toEqual([]);
    } finally {
      await stage.close();
    }
  });
});

interface Plan {
  readonly who: Person;
  readonly campaignId: string;
  readonly amountMinor: bigint;
  readonly card: string;
  readonly cancelFirst: boolean;
  readonly twice: boolean;
  readonly refund: boolean;
}

/** One pledge's life, its acts not waiting for one another's webhooks. */
async function live(stage: FundingStage, plan: Plan): Promise<string> {
  const asked = {
    campaignId: plan.campaignId,
    amountMinor: plan.amountMinor,
    currency: 'USD',
    idempotencyKey: randomUUID(),
  };
  const [made, again] = await Promise.all([
    stage.cash.create(plan.who, asked),
    plan.twice ? stage.cash.create(plan.who, asked) : undefined,
  ]);
  const pledge = got(made);
  if (again) expect(got(again).pledge.id).toBe(pledge.pledge.id);
  const acts = [
    stage.pay(pledge.payment?.clientSecret, plan.card),
    ...(plan.cancelFirst ? [stage.cash.cancel(plan.who, pledge.pledge.id)] : []),
  ];
  await Promise.all(acts);
  return pledge.pledge.id;
}

/** Backer and owner ask for the same money at once; at most one of them gets the refund. */
async function regret(stage: FundingStage, owner: Person, plan: Plan, pledgeId: string): Promise<void> {
  const outcomes = await Promise.all([
    stage.cash.refund(plan.who, pledgeId, 'mine'),
    stage.cash.refund(owner, pledgeId, 'ours'),
  ]);
  expect(outcomes.filter((outcome) => !isRefused(outcome)).length).toBeLessThan(2);
}

async function lend(stage: FundingStage, who: Person, campaignId: string, leaves: boolean): Promise<void> {
  const offer = { gpuClass: 'cpu', count: 1, milliseconds: 250_000n, idempotencyKey: randomUUID() };
  const made = got(await stage.compute.create(who, campaignId, offer));
  if (leaves) await Promise.all([1, 2].map(() => stage.compute.withdraw(who, made.id)));
}
