import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MatchingModule, PoolCommands, RoundCommands, matchingInvariants } from '#matching';
import { toGlobalId } from '#platform';
import { ROUND_STATES, roundMachine } from '../../libs/matching/src/domain/round.machine.js';
import { CARD, FundingStage, type Person, got } from './funding.stage.js';

let home: string;
let stage: FundingStage;
let sponsor: Person;
let stranger: Person;
let campaignId: string;
let poolId: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'commonweights-matching-'));
  stage = await FundingStage.open({}, { modules: [MatchingModule], env: { COMMONWEIGHTS_HOME: home } });
  sponsor = await stage.person('Foundation Fiona');
  stranger = await stage.person('Stella Stranger');
  campaignId = await stage.liveCampaign(await stage.person('Ishmael'), { cashGoalMinor: 10_000_000n });
});
afterAll(async () => {
  await stage.close();
  await rm(home, { recursive: true, force: true });
});

const ERRORS = 'userErrors { code path }';
/** The only field of a mutation's answer. */
async function change(name: string, type: string, fields: string, input: object, as?: Person) {
  const text = `mutation M($input: ${type}!) { ${name}(input: $input) { ${fields} ${ERRORS} } }`;
  const answer = await stage.gql(text, { input }, as);
  return answer.data?.[name] ?? answer.errors?.[0]?.extensions;
}
const refusedAs = async (name: string, type: string, fields: string, input: object, as: Person = sponsor) =>
  (await change(name, type, fields, input, as)).userErrors.map((e: { code: string }) => e.code);

const round = (more: object = {}) => ({
  poolId,
  title: 'Spring round',
  summary: 'Matches what many give.',
  poolMinor: '50000',
  terms: { rule: { kind: 'quadratic' }, unsaturated: 'scale_up' },
  opensAt: stage.now().toISOString(),
  closesAt: stage.inDays(7).toISOString(),
  reviewSeconds: '0',
  campaigns: [{ campaignId: toGlobalId('Campaign', campaignId) }],
  ...more,
});

describe('matching by GraphQL', () => {
  it('opens a pool, takes a deposit and shows both; a declined card leaves nothing', async () => {
    expect(
      await change('matchPoolCreate', 'MatchPoolCreateInput', 'pool { id }', { title: 'x', currency: 'USD' }),
    ).toEqual(expect.objectContaining({ code: 'UNAUTHENTICATED' }));
    const made = await change(
      'matchPoolCreate',
      'MatchPoolCreateInput',
      'pool { id free { amountMinor } }',
      {
        title: 'Open models fund',
        currency: 'USD',
      },
      sponsor,
    );
    expect(made.userErrors).toEqual([]);
    poolId = made.pool.id;
    const deposit = { poolId, amountMinor: '100000', currency: 'USD', idempotencyKey: randomUUID(), anonymous: true };
    const fields = 'pool { id } payment { clientSecret publishableKey }';
    const paid = await change('matchPoolDeposit', 'MatchPoolDepositInput', fields, deposit, sponsor);
    await stage.pay(paid.payment.clientSecret, CARD.declined);
    await stage.settle();
    const query =
      'query P($id: ID!) { matchPool(id: $id) { deposited { amountMinor } free { amountMinor } sponsors { displayName amount { decimal } } } }';
    expect((await stage.gql(query, { id: poolId })).data.matchPool).toEqual({
      deposited: { amountMinor: '0' },
      free: { amountMinor: '0' },
      sponsors: [],
    });
    await stage.pay(paid.payment.clientSecret, CARD.good);
    await stage.settle();
    expect((await stage.gql(query, { id: poolId })).data.matchPool).toEqual({
      deposited: { amountMinor: '100000' },
      free: { amountMinor: '100000' },
      sponsors: [{ displayName: 'Anonymous', amount: { decimal: '1000.00' } }],
    });
  });

  it('drafts, shows to its manager alone, opens and estimates', async () => {
    const made = await change('matchRoundCreate', 'MatchRoundCreateInput', 'round { id slug state }', round(), sponsor);
    expect(made.userErrors).toEqual([]);
    expect(made.round.state).toBe('DRAFT');
    const shown =
      'query R($slug: String!) { matchRound(slug: $slug) { state viewerManages terms campaigns { campaign { title } giftCount estimate { amountMinor } } exclusions { id } results { version } pool { title } } matchRounds(first: 5) { nodes { id } } }';
    expect((await stage.gql(shown, { slug: made.round.slug }, stranger)).data).toEqual({
      matchRound: null,
      matchRounds: { nodes: [] },
    });
    expect((await stage.gql(shown, { slug: made.round.slug }, sponsor)).data.matchRound.viewerManages).toBe(true);
    const roundId = made.round.id;
    expect(await refusedAs('matchRoundOpen', 'MatchRoundStepInput', 'round { id }', { roundId }, stranger)).toEqual([
      'MATCHING_FORBIDDEN',
    ]);
    const opened = await change(
      'matchRoundOpen',
      'MatchRoundStepInput',
      'round { state promised { amountMinor } }',
      { roundId },
      sponsor,
    );
    expect(opened.round).toEqual({ state: 'OPEN', promised: { amountMinor: '50000' } });
    const { data } = await stage.gql(shown, { slug: made.round.slug });
    expect(data.matchRound).toMatchObject({
      state: 'OPEN',
      viewerManages: false,
      terms: { rule: { kind: 'quadratic' }, unsaturated: 'scale_up' },
      campaigns: [{ giftCount: 0, estimate: { amountMinor: '0' } }],
      pool: { title: 'Open models fund' },
    });
  });

  it('refuses by code and path, and changes nothing', async () => {
    const create = (more: object) =>
      change('matchRoundCreate', 'MatchRoundCreateInput', 'round { id }', round(more), sponsor);
    expect((await create({ terms: { rule: { kind: 'pairwise' } } })).userErrors).toEqual([
      { code: 'MATCHING_TERMS_INVALID', path: ['input', 'rule', 'bound'] },
    ]);
    expect((await create({ campaigns: [{ campaignId: poolId }] })).userErrors).toEqual([
      { code: 'ID_INVALID', path: ['input', 'campaigns', '0', 'campaignId'] },
    ]);
    const exclude = { roundId: toGlobalId('MatchRound', randomUUID()), kind: 'DONOR', reason: 'a test' };
    expect(await refusedAs('matchExclude', 'MatchExcludeInput', 'round { id }', { ...exclude, subject: 'x' })).toEqual([
      'ID_INVALID',
    ]);
    expect(
      await refusedAs('matchExclude', 'MatchExcludeInput', 'round { id }', { ...exclude, subject: randomUUID() }),
    ).toEqual(['MATCHING_ROUND_NOT_FOUND']);
    const exclusionId = toGlobalId('MatchExclusion', randomUUID());
    expect(
      await refusedAs('matchAppeal', 'MatchAppealInput', 'round { id }', { exclusionId, statement: 'no' }),
    ).toEqual(['MATCHING_EXCLUSION_NOT_FOUND']);
    expect(
      await refusedAs('matchPoolGiveBack', 'MatchPoolGiveBackInput', 'pool { id }', { poolId, reason: '' }),
    ).toEqual(['MATCHING_TEXT_INVALID']);
    const [count] = await stage.rows<{ n: bigint }>('SELECT count(*) AS n FROM match_round');
    expect(count?.n).toBe(1n);
  });
});

describe('the database', () => {
  it.each(ROUND_STATES)('takes a round from %s only where the machine goes', async (from) => {
    const pools = stage.app.get(PoolCommands, { strict: false });
    const rounds = stage.app.get(RoundCommands, { strict: false });
    const pool = got(await pools.create(sponsor, { title: 'A pool', currency: 'USD' }));
    for (const to of ROUND_STATES) {
      const id = got(
        await rounds.create(sponsor, {
          poolId: pool,
          title: 'A round',
          summary: '',
          terms: { rule: { kind: 'quadratic' } },
          poolMinor: 1n,
          opensAt: stage.now(),
          closesAt: stage.inDays(1),
          reviewSeconds: 0n,
          campaigns: [],
        }),
      );
      await stage.rows('ALTER TABLE match_round DISABLE TRIGGER match_round_guard_tr');
      await stage.rows('UPDATE match_round SET state = $2 WHERE id = $1', [id, from]);
      await stage.rows('ALTER TABLE match_round ENABLE TRIGGER match_round_guard_tr');
      const step = stage.rows('UPDATE match_round SET state = $2 WHERE id = $1', [id, to]);
      const isKnown = from === to || roundMachine.transitions.some((t) => t.from === from && t.to === to);
      if (isKnown) await step;
      else await expect(step, `${from} to ${to}`).rejects.toThrow('does not go');
      await stage.rows('DELETE FROM match_round WHERE id = $1', [id]);
    }
  });
});

describe('a campaign that ended before the payment', () => {
  it('gets nothing, and its match goes back to the pool', async () => {
    const pools = stage.app.get(PoolCommands, { strict: false });
    const rounds = stage.app.get(RoundCommands, { strict: false });
    const owner = await stage.person('Queequeg');
    const doomed = await stage.liveCampaign(owner, { cashGoalMinor: 10_000_000n });
    const pool = got(await pools.create(sponsor, { title: 'A pool', currency: 'USD' }));
    const asked = {
      poolId: pool,
      amountMinor: 10_000n,
      currency: 'USD',
      rail: 'card' as const,
      idempotencyKey: randomUUID(),
    };
    const made = got(await pools.deposit(sponsor, asked));
    await stage.pay(made.payment?.clientSecret, CARD.good);
    await stage.settle();
    const id = got(
      await rounds.create(sponsor, {
        poolId: pool,
        title: 'A round',
        summary: '',
        poolMinor: 10_000n,
        terms: { rule: { kind: 'linear' }, unsaturated: 'scale_up' },
        opensAt: stage.now(),
        closesAt: stage.inDays(1),
        reviewSeconds: 0n,
        campaigns: [{ campaignId: doomed }],
      }),
    );
    got(await rounds.open(sponsor, id));
    await stage.give(await stage.person('Ada'), doomed, 2_500n);
    got(await stage.campaigns.cancel(owner, doomed, 'the data was withdrawn'));
    await stage.advance(86_400_000 + 1000);
    for (let n = 0; n < 4; n += 1) await stage.tick('matching.rounds');
    const [row] = await stage.rows('SELECT state, paid_minor FROM match_round WHERE id = $1', [id]);
    expect(row).toEqual({ state: 'paid', paid_minor: 0n });
    for (const check of matchingInvariants)
      expect((await stage.db.uow.read((tx) => check.run(tx))).violations).toEqual([]);
    const [account] = await stage.rows<{ b: bigint }>(
      'SELECT credits_posted - debits_posted AS b FROM ledger_account WHERE code = $1',
      [`pool:${pool}:USD`],
    );
    expect(account?.b).toBe(10_000n);
  });
});
