import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MatchingModule, PoolCommands, ReviewCommands, RoundCommands, matchingInvariants } from '#matching';
import { depositMachine } from '../../libs/matching/src/domain/deposit.machine.js';
import { ROUND_STATES, type RoundState, roundMachine } from '../../libs/matching/src/domain/round.machine.js';
import { type Person, codes, got } from './funding.stage.js';
import { DAY_MS, METHOD, PledgesStage } from './pledges.stage.js';
import { stepsOf } from './steps.recorder.js';

/* Every step of a sponsor's deposit and of a match round, by sponsors, banks and the clock. As in pledges-steps. */

let home: string;
let stage: PledgesStage;
let sponsor: Person;
let poolId: string;
let campaignId: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'commonweights-matching-'));
  stage = await PledgesStage.open({ modules: [MatchingModule], env: { COMMONWEIGHTS_HOME: home } }, [
    { table: 'match_deposit', column: 'state' },
    { table: 'match_round', column: 'state' },
  ]);
  sponsor = await stage.funding.person('Foundation Fiona');
  poolId = await fresh();
  await deposit(poolId, 1_000_000n);
  campaignId = await stage.keepsAll();
});
afterAll(async () => {
  const found = await stage.funding.violations();
  for (const check of matchingInvariants) {
    const { violations } = await stage.funding.db.uow.read((tx) => check.run(tx));
    found.push(...violations.map((violation) => `${check.name}: ${violation}`));
  }
  expect(found).toEqual([]);
  await stage.close();
  await rm(home, { recursive: true, force: true });
});

const pools = () => stage.funding.app.get(PoolCommands, { strict: false });
const rounds = () => stage.funding.app.get(RoundCommands, { strict: false });
const fresh = async () => got(await pools().create(sponsor, { title: 'Open models fund', currency: 'USD' }));
const begun = async (pool: string, amountMinor: bigint) =>
  got(
    await pools().deposit(sponsor, {
      poolId: pool,
      amountMinor,
      currency: 'USD',
      rail: 'card',
      idempotencyKey: randomUUID(),
    }),
  );
async function deposit(pool: string, amountMinor = 5_000n, card: string = METHOD.good): Promise<string> {
  const made = await begun(pool, amountMinor);
  await stage.confirm(made.payment?.clientSecret, card);
  return made.deposit.id;
}
const refundOf = async (depositId: string): Promise<string> =>
  (
    await stage.rows<{ id: string }>(
      'SELECT r.stripe_refund_id AS id FROM refund r JOIN payment p ON p.id = r.payment_id WHERE p.reference = $1',
      [depositId],
    )
  )[0]?.id ?? '';
const giveBack = async (pool: string): Promise<void> => {
  got(await pools().giveBack(sponsor, pool, 'the season is over'));
};

describe('a deposit', () => {
  it('is declined, and paid with a better card; given back, and sent back by the bank', async () => {
    const pool = await fresh();
    const made = await begun(pool, 5_000n);
    await stage.confirm(made.payment?.clientSecret, METHOD.declined);
    expect(await stage.path(made.deposit.id)).toEqual(['created', 'failed']);
    await stage.confirm(made.payment?.clientSecret, METHOD.good);
    await giveBack(pool);
    await stage.funding.settle();
    await stage.bank('refunds', { refund: await refundOf(made.deposit.id), outcome: 'failed' });
    expect(await stage.path(made.deposit.id)).toEqual([
      'created',
      'failed',
      'collected',
      'refund_pending',
      'refunded',
      'collected',
    ]);
  });

  it('is disputed: won, lost, and given back late', async () => {
    const pool = await fresh();
    const [won, lost] = [await deposit(pool, 5_000n, METHOD.dispute), await deposit(pool, 5_000n, METHOD.dispute)];
    await stage.funding.closeDispute(await stage.disputeOf(won), 'won');
    await stage.funding.closeDispute(await stage.disputeOf(lost), 'lost');
    await stage.funding.settle();
    expect(await stage.path(won)).toEqual(['created', 'collected', 'disputed', 'collected']);
    expect(await stage.path(lost)).toEqual(['created', 'collected', 'disputed', 'charged_back']);
    await stage.bank('disputes/decide', { dispute: await stage.disputeOf(lost), outcome: 'won' });
    expect((await stage.path(lost)).at(-1)).toBe('collected');
  });

  it('is disputed while it is given back, and the refund is refused by the processor', async () => {
    const pool = await fresh();
    const [faster, refused] = [await deposit(pool), await deposit(pool, 4_000n)];
    stage.dies('submitRefund', 2);
    await giveBack(pool);
    await stage.bank('disputes', { paymentIntent: await stage.intentOf(faster) });
    expect((await stage.path(faster)).slice(-2)).toEqual(['refund_pending', 'disputed']);
    await stage.bank('chaos', { paused: true }, false);
    await stage.bank('disputes', { paymentIntent: await stage.intentOf(refused) }, false);
    await stage.funding.tick('payment-sweep');
    expect((await stage.path(refused)).slice(-2)).toEqual(['refund_pending', 'collected']);
    await stage.bank('chaos', { paused: false });
    expect((await stage.path(refused)).at(-1)).toBe('disputed');
  });

  it('took every step of the machine, and no other', async () => {
    expect([...(await stage.steps.taken('match_deposit'))].sort()).toEqual(
      [...stepsOf(depositMachine.transitions)].sort(),
    );
  });
});

describe('a round', () => {
  const drafted = async () =>
    got(
      await rounds().create(sponsor, {
        poolId,
        title: 'Spring round',
        summary: 'Matches what many give.',
        poolMinor: 5_000n,
        terms: { rule: { kind: 'quadratic' }, unsaturated: 'scale_up' },
        opensAt: stage.funding.now(),
        closesAt: stage.funding.inDays(7),
        reviewSeconds: 86_400n,
        campaigns: [{ campaignId }],
      } as Parameters<RoundCommands['create']>[1]),
    );
  const opened = async () => {
    const id = await drafted();
    return got(await rounds().open(sponsor, id));
  };
  const tick = () => stage.funding.tick('matching.rounds');
  /** So far that the clock takes it through so many of its steps. */
  const ticked = async (steps: number): Promise<string> => {
    const id = await opened();
    await stage.paid(sponsor, campaignId, 2_500n);
    await stage.funding.pass(7 * DAY_MS + 1_000);
    for (let n = 0; n < Math.min(steps, 2); n += 1) await tick();
    if (steps > 2) await stage.funding.pass(DAY_MS + 1_000);
    for (let n = 2; n < steps; n += 1) await tick();
    return id;
  };
  const cancel = (id: string) => rounds().cancel(sponsor, id, 'nobody gives');
  const REACH: Record<RoundState, () => Promise<string>> = {
    draft: drafted,
    open: opened,
    closed: () => ticked(1),
    computed: () => ticked(2),
    final: () => ticked(3),
    paid: () => ticked(4),
    cancelled: async () => got(await cancel(await opened())),
  };

  it('is opened, cut off, computed, reviewed and paid', async () => {
    expect(await stage.path(await REACH.paid())).toEqual(['draft', 'open', 'closed', 'computed', 'final', 'paid']);
  });

  it.each(ROUND_STATES.filter((state) => roundMachine.next(state, 'cancel') !== undefined))(
    'is cancelled while it is %s, and its promise goes back to the pool',
    async (state) => {
      const id = await REACH[state]();
      expect((await stage.path(id)).at(-1)).toBe(state);
      got(await cancel(id));
      expect((await stage.path(id)).slice(-2)).toEqual([state, 'cancelled']);
    },
  );

  it('is computed again when what counts has changed by the review, and stays so', async () => {
    const other = await stage.funding.person('Ada');
    const id = await opened();
    await stage.paid(other, campaignId, 2_500n);
    await stage.paid(sponsor, campaignId, 2_500n);
    await stage.funding.pass(7 * DAY_MS + 1_000);
    await tick();
    await tick();
    const exclude = { roundId: id, kind: 'donor' as const, subjectId: other.pseudonym, reason: 'two accounts' };
    got(await stage.funding.app.get(ReviewCommands, { strict: false }).exclude(sponsor, exclude));
    const results = await stage.rows('SELECT version FROM match_result WHERE round_id = $1', [id]);
    expect(results).toHaveLength(2);
    expect((await stage.path(id)).at(-1)).toBe('computed');
    got(await cancel(id));
  });

  it('is refused every other step in every state, and nothing at all changes', async () => {
    const asks = {
      open: (id: string) => rounds().open(sponsor, id),
      cancel,
    };
    for (const state of ROUND_STATES) {
      const id = await REACH[state]();
      expect((await stage.path(id)).at(-1)).toBe(state);
      await stage.funding.settle();
      const before = await stage.steps.everything();
      for (const [event, ask] of Object.entries(asks) as [keyof typeof asks, typeof cancel][])
        if (roundMachine.next(state, event) === undefined)
          expect([state, event, codes(await ask(id))]).toEqual([state, event, ['MATCHING_STATE_INVALID']]);
      if (state !== 'draft' && state !== 'open') {
        const changed = await rounds().replaceCampaigns(sponsor, id, [{ campaignId }]);
        expect(codes(changed)).toEqual(['MATCHING_CUT_OFF_PASSED']);
      }
      expect(await stage.steps.everything()).toEqual(before);
      if (roundMachine.next(state, 'cancel') !== undefined) got(await cancel(id));
    }
  });

  it('took every step of the machine, and no other', async () => {
    // A result that is computed again leaves the state as it was; it is seen by its second version above.
    const moves = roundMachine.transitions.filter(({ from, to }) => from !== to);
    expect([...(await stage.steps.taken('match_round'))].sort()).toEqual([...stepsOf(moves)].sort());
  });
});
