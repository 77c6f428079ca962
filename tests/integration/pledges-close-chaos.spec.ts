import { randomUUID } from 'node:crypto';
import { DataSource, type QueryRunner } from 'typeorm';
import { expect, it } from 'vitest';
import { CARD, FundingStage, type Person, got } from './funding.stage.js';

const PLEDGES = 36;
const DAY_MS = 86_400_000;
const LEASE_MS = 61_000;
const CHARGE_FAILS = '4000000000000341';

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

/** What a process that dies leaves: a statement that was never sent, or a commit whose answer nobody heard. */
class Crashes {
  share = 0;
  count = 0;

  constructor(
    dataSource: DataSource,
    private readonly next: () => number,
  ) {
    const create = dataSource.createQueryRunner.bind(dataSource);
    Object.assign(dataSource, {
      createQueryRunner: (...args: Parameters<typeof create>): QueryRunner => {
        const runner = create(...args);
        const [query, commit] = [runner.query.bind(runner), runner.commitTransaction.bind(runner)];
        Object.assign(runner, {
          query: async (...asked: unknown[]) => {
            if (!/^(ROLLBACK|BEGIN)/.test(String(asked[0]))) this.maybe();
            return (query as (...a: unknown[]) => Promise<unknown>)(...asked);
          },
          commitTransaction: async () => {
            await commit();
            this.maybe();
          },
        });
        return runner;
      },
    });
  }

  private maybe(): void {
    if (this.next() >= this.share) return;
    this.count += 1;
    throw Object.assign(new Error('the process died here'), { code: 'ECONNRESET' });
  }
}

async function stripe(stage: FundingStage, path: string, body?: object): Promise<Record<string, unknown>> {
  const response = await fetch(`${stage.sandbox.url}/${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: 'Bearer sk_test_funding', 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return (await response.json()) as Record<string, unknown>;
}

/** Every object of a list of the processor, page by page. */
async function everything(stage: FundingStage, path: string): Promise<Record<string, unknown>[]> {
  const all: Record<string, unknown>[] = [];
  for (let more = true; more;) {
    const last = all.at(-1)?.['id'];
    const after = typeof last === 'string' ? `&starting_after=${last}` : '';
    const page = await stripe(stage, `v1/${path}?limit=100${after}`);
    all.push(...(page['data'] as Record<string, unknown>[]));
    more = page['has_more'] === true;
  }
  return all;
}

// Both wait for the processor most of their time, so they wait together.
it.concurrent.each([
  { seed: 1, goalMinor: BigInt(PLEDGES) * 800n, ends: 'succeeded' },
  { seed: 2, goalMinor: BigInt(PLEDGES) * 1_000n, ends: 'refunded' },
])(
  'a close that dies at random statements and calls charges and refunds each pledge once (seed $seed)',
  async (plan) => {
    const stage = await FundingStage.open();
    try {
      const next = random(plan.seed);
      const owner = await stage.person('Ishmael');
      const people = await Promise.all(['Ada', 'Bob', 'Cleo', 'Dan'].map((name) => stage.person(name)));
      const campaignId = await stage.liveCampaign(owner, {
        fundingModel: 'all_or_nothing',
        cashGoalMinor: plan.goalMinor,
        computeGoalMilliseconds: null,
        windows: { settlementWindowSeconds: 7 * 86_400, retryEverySeconds: 2 * 86_400, safetyWindowSeconds: 86_400 },
      });
      const save = async (index: number): Promise<void> => {
        const who = people[index % people.length] as Person;
        const asked = { campaignId, amountMinor: 1_000n, currency: 'USD', idempotencyKey: randomUUID() };
        const made = got(await stage.cash.create(who, asked));
        await stage.saveCard(made.payment?.clientSecret, index % 12 === 0 ? CHARGE_FAILS : CARD.good);
      };
      for (let from = 0; from < PLEDGES; from += 12)
        await Promise.all(Array.from({ length: 12 }, (_, index) => save(from + index)));
      await stage.settle();

      await stage.advance(30 * DAY_MS + 1000);
      await stage.relay();
      const crashes = new Crashes(stage.app.get(DataSource), next);
      const clocks = ['pledges.close', 'payment-sweep', 'pledges.wind-up'];
      const work = async (rounds: number): Promise<void> => {
        for (let round = 0; round < rounds; round += 1) {
          crashes.share = 0.02;
          if (next() < 0.5) await stripe(stage, '_sandbox/faults', { dropAnswers: 3 });
          for (const clock of clocks) await stage.tick(clock).catch(() => undefined);
          crashes.share = 0;
          // What died keeps its rows and its events until its lease is over.
          await stage.pass(LEASE_MS);
          await stage.settle();
        }
      };
      await work(6);
      for (let days = 0; days < 9; days += 3) {
        await stage.advance(3 * DAY_MS);
        await work(6);
      }
      await stripe(stage, '_sandbox/faults', { dropAnswers: 0 });
      for (let round = 0; round < 6; round += 1) {
        await stage.advance(60_000);
        for (const clock of clocks) await stage.tick(clock);
        await stage.settle();
      }

      const seed = `seed ${plan.seed}, ${crashes.count} crashes`;
      expect(crashes.count, seed).toBeGreaterThan(10);
      const states = await stage.rows<{ state: string; n: number }>(
        'SELECT state, count(*)::int AS n FROM cash_pledge WHERE campaign_id = $1 GROUP BY state ORDER BY state',
        [campaignId],
      );
      const good = plan.ends === 'succeeded' ? 'collected' : 'refunded';
      expect(states, seed).toEqual([
        ...(good === 'collected' ? [{ state: 'collected', n: PLEDGES - PLEDGES / 12 }] : []),
        { state: 'dropped', n: PLEDGES / 12 },
        ...(good === 'refunded' ? [{ state: 'refunded', n: PLEDGES - PLEDGES / 12 }] : []),
      ]);
      const [campaign] = await stage.rows<{ state: string }>('SELECT state FROM campaign WHERE id = $1', [campaignId]);
      expect(campaign?.state, seed).toBe(plan.ends);
      const paid = (await everything(stage, 'payment_intents')).filter((intent) => intent['status'] === 'succeeded');
      const references = paid.map((intent) => (intent['metadata'] as Record<string, string>)['reference']);
      expect(references.length, seed).toBe(PLEDGES - PLEDGES / 12);
      expect(new Set(references).size, seed).toBe(references.length);
      const refunds = (await everything(stage, 'refunds')).filter((refund) => refund['status'] === 'succeeded');
      expect(refunds.length, seed).toBe(plan.ends === 'refunded' ? references.length : 0);
      expect(await stage.violations(), seed).toEqual([]);
    } finally {
      await stage.close();
    }
  },
  120_000,
);
