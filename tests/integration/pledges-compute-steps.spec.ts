import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '#platform';
import {
  COMPUTE_PLEDGE_STATES,
  type ComputePledgeState,
  computePledgeMachine,
} from '../../libs/pledges/src/domain/compute-pledge.machine.js';
import { pledgePlanMachine } from '../../libs/pledges/src/domain/plan.machine.js';
import { PledgePlanCommands } from '../../libs/pledges/src/plan.commands.js';
import { type Person, codes, got } from './funding.stage.js';
import { METHOD, PledgesStage } from './pledges.stage.js';
import { stepsOf } from './steps.recorder.js';

/* Every step of a compute pledge and of a monthly pledge, and every other refused. As in pledges-steps. */

let stage: PledgesStage;
let dora: Person;
let kept: string;

beforeAll(async () => {
  stage = await PledgesStage.open();
  dora = await stage.funding.person('Dora Donor');
  kept = await stage.keepsAll();
});
afterAll(async () => {
  expect(await stage.funding.violations()).toEqual([]);
  await stage.close();
});

const compute = () => stage.funding.compute;
const offered = async (campaignId = kept): Promise<string> =>
  got(
    await compute().create(dora, campaignId, {
      gpuClass: 'cpu',
      count: 1,
      milliseconds: 60_000n,
      idempotencyKey: randomUUID(),
    }),
  ).id;
const accepted = async (campaignId = kept): Promise<string> => {
  const id = await offered(campaignId);
  return got(await compute().accept(stage.owner, id));
};
/** What a run does with a commitment, and says when it is settled. */
async function delivered(id: string, ms: bigint, acceptedMs = ms): Promise<string> {
  const [runId, { ledger, db }] = [randomUUID(), stage.funding];
  const [debit, credit] = [`pledge:${id}:commitment:cpu`, `run:${runId}:delivered:cpu`];
  got(
    await db.uow.run('deliver', async (tx) => {
      await ledger.openAccounts(tx, [{ code: credit, unit: 'gpu_second:cpu', limit: 'none' }]);
      tx.emit({
        type: 'usage.settled',
        aggregateType: 'run',
        aggregateId: runId,
        payload: { pledgeId: id, runId, acceptedMs: String(acceptedMs), deliveredMs: String(ms) },
        isPublic: true,
      });
      return ledger.post(tx, [{ key: randomUUID(), kind: 'posted', debit, credit, amount: ms, reason: 'test' }]);
    }),
  );
  await stage.funding.relay();
  return id;
}
async function ended(campaignId: string): Promise<void> {
  got(await stage.funding.campaigns.cancel(stage.owner, campaignId, 'out of print'));
  await stage.funding.relay();
  await stage.funding.tick('pledges.wind-up');
}
const path = (id: string) => stage.steps.path(id);

describe('a compute pledge', () => {
  it('is accepted, delivers and is fulfilled, all at once or in parts', async () => {
    expect(await path(await delivered(await accepted(), 60_000n))).toEqual(['offered', 'accepted', 'fulfilled']);
    const parts = await delivered(await accepted(), 20_000n);
    await delivered(parts, 40_000n);
    expect(await path(parts)).toEqual(['offered', 'accepted', 'delivering', 'fulfilled']);
  });

  it('is withdrawn by its donor at any time', async () => {
    for (const id of [await offered(), await accepted(), await delivered(await accepted(), 1_000n)]) {
      const before = await path(id);
      got(await compute().withdraw(dora, id));
      expect(await path(id)).toEqual([...before, 'withdrawn']);
    }
  });

  it('lapses when it is declined, or its campaign ends before it gave anything that was accepted', async () => {
    const declined = await offered();
    got(await compute().decline(stage.owner, declined));
    expect(await path(declined)).toEqual(['offered', 'lapsed']);
    const ending = await stage.keepsAll();
    const [none, idle] = [await offered(ending), await accepted(ending)];
    const bad = await delivered(await accepted(ending), 1_000n, 0n);
    await ended(ending);
    expect(await path(none)).toEqual(['offered', 'lapsed']);
    expect(await path(idle)).toEqual(['offered', 'accepted', 'lapsed']);
    expect(await path(bad)).toEqual(['offered', 'accepted', 'delivering', 'lapsed']);
  });

  it('is refused every other step in every state, and nothing at all changes', async () => {
    const resting: Record<ComputePledgeState, string> = {
      offered: await offered(),
      accepted: await accepted(),
      delivering: await delivered(await accepted(), 1_000n),
      fulfilled: await delivered(await accepted(), 60_000n),
      lapsed: await offered(),
      withdrawn: await offered(),
    };
    got(await compute().decline(stage.owner, resting.lapsed));
    got(await compute().withdraw(dora, resting.withdrawn));
    const asks = {
      accept: (id: string) => compute().accept(stage.owner, id),
      withdraw: (id: string) => compute().withdraw(dora, id),
      // Declining is for offers alone; what was accepted lapses by the end of its campaign.
      lapse: (id: string) => compute().decline(stage.owner, id),
    };
    const before = await stage.steps.everything();
    for (const state of COMPUTE_PLEDGE_STATES)
      for (const [event, ask] of Object.entries(asks) as [keyof typeof asks, typeof asks.accept][])
        if (computePledgeMachine.next(state, event) === undefined || (event === 'lapse' && state !== 'offered'))
          expect([state, event, codes(await ask(resting[state]))]).toEqual([state, event, ['PLEDGE_STATE_INVALID']]);
    expect(await stage.steps.everything()).toEqual(before);
  });

  it('took every step of the machine, and no other', async () => {
    expect([...(await stage.steps.taken('compute_pledge'))].sort()).toEqual(
      [...stepsOf(computePledgeMachine.transitions)].sort(),
    );
    expect(await stage.steps.begun('compute_pledge')).toEqual(new Set(['offered']));
  });
});

describe('a monthly pledge', () => {
  const plans = () => stage.funding.app.get(PledgePlanCommands, { strict: false });
  const begin = async (days: number) => {
    const terms = { campaignId: kept, amountMinor: 1_000n, currency: 'USD', idempotencyKey: randomUUID() };
    return got(await plans().create(dora, { ...terms, endsAt: stage.funding.inDays(days) }));
  };
  const ask = async (mutation: string, id: string): Promise<string[]> => {
    const query = `mutation M($input: PledgePlanStepInput!) { ${mutation}(input: $input) { userErrors { code } } }`;
    const { data, errors } = await stage.funding.gql(query, { input: { planId: toGlobalId('PledgePlan', id) } }, dora);
    if (errors) throw new Error(JSON.stringify(errors));
    return data[mutation].userErrors.map((each: { code: string }) => each.code);
  };

  it('begins with a saved card, is charged month after month, and ends or is stopped', async () => {
    const left = await begin(100);
    expect(await ask('pledgePlanStop', left.plan.id)).toEqual([]);
    expect(await path(left.plan.id)).toEqual(['method_required', 'stopped']);
    const stopped = await begin(100);
    await stage.confirm(stopped.setup?.clientSecret, METHOD.good);
    expect(await ask('pledgePlanStop', stopped.plan.id)).toEqual([]);
    expect(await path(stopped.plan.id)).toEqual(['method_required', 'active', 'stopped']);
    const whole = await begin(40);
    await stage.confirm(whole.setup?.clientSecret, METHOD.good);
    await stage.funding.tick('pledges.plans');
    await stage.days(35);
    await stage.funding.tick('pledges.plans');
    await stage.work();
    expect(await path(whole.plan.id)).toEqual(['method_required', 'active', 'ended']);
    const months = await stage.rows<{ id: string }>(
      'SELECT id FROM cash_pledge WHERE plan_id = $1 ORDER BY plan_month',
      [whole.plan.id],
    );
    expect(await Promise.all(months.map(({ id }) => path(id)))).toEqual([
      ['charging', 'collected'],
      ['charging', 'collected'],
    ]);
    // Nothing more is charged to a plan that is over, and its card is let go.
    const kept = "SELECT 1 FROM saved_method m JOIN pledge_plan p ON p.saved_method_id = m.id WHERE m.state = 'kept'";
    expect(await stage.rows(kept)).toEqual([]);

    const before = await stage.steps.everything();
    for (const { plan } of [left, stopped, whole])
      for (const mutation of ['pledgePlanStop', 'pledgePlanMethodChange'])
        expect(await ask(mutation, plan.id)).toEqual(['PLEDGE_STATE_INVALID']);
    expect(await stage.steps.everything()).toEqual(before);
  });

  it('took every step of the machine, and no other', async () => {
    expect([...(await stage.steps.taken('pledge_plan'))].sort()).toEqual(
      [...stepsOf(pledgePlanMachine.transitions)].sort(),
    );
  });
});
