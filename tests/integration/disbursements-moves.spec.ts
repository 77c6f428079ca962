import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Payouts } from '#payments';
import { trancheMachine } from '../../libs/disbursements/src/domain/tranche.machine.js';
import { BANK, DAY_MS, DisbursementStage, REPORT } from './disbursements.stage.js';
import { codes, got } from './funding.stage.js';
import { StepsRecorder, stepsOf } from './steps.recorder.js';

/* Every step of a tranche, by its project, operators, the clock and banks. As in pledges-steps. */

const SHARES = Array.from({ length: 10 }, (_, n) => ({
  title: `Part ${n + 1}`,
  shareBp: 1_000,
  budgetKind: 'compute',
  evidence: { kind: 'milestone_report', description: 'What was trained, and how the loss fell.' },
}));

let stage: DisbursementStage;
let steps: StepsRecorder;
let campaignId: string;
const tranche: string[] = [];

beforeAll(async () => {
  stage = await DisbursementStage.open();
  steps = await StepsRecorder.begin(stage.funding.db.dataSource, [{ table: 'disbursement_tranche', column: 'state' }]);
  campaignId = await stage.succeeded({ tranches: SHARES, approvalsRequired: 1 }, [60_000n, 40_000n]);
  for (let number = 1; number <= SHARES.length; number += 1) tranche.push((await stage.tranche(campaignId, number)).id);
  await stage.funding.advance(14 * DAY_MS + 60_000);
});
afterAll(async () => {
  expect(await stage.violations()).toEqual([]);
  await stage.close();
});

const at = (n: number): string => tranche[n - 1] ?? '';
const path = (n: number) => steps.path(at(n));
const submit = (n: number) => stage.evidence.submit(stage.people.maintainer, { trancheId: at(n), report: REPORT });
const approve = (n: number) => stage.evidence.approve(stage.people.first, at(n), 'The logs bear it out.');
const reject = (n: number) => stage.evidence.reject(stage.people.first, at(n), 'The loss curve is missing.');
const hold = (n: number) => stage.tranches.hold(stage.people.operator, at(n), 'A question is open.');
const lift = (n: number) => stage.tranches.liftHold(stage.people.operator, at(n), 'It is answered.');
const cancel = (n: number) => stage.tranches.cancel(stage.people.operator, at(n), 'It is not needed.');
const retry = (n: number) => stage.tranches.retry(stage.people.treasurer, at(n));
const approved = async (n: number): Promise<void> => {
  got(await submit(n));
  got(await approve(n));
};
/** The process dies between the reservation and the call. */
const reserved = async (n: number): Promise<void> => {
  await approved(n);
  const payouts = stage.funding.app.get(Payouts, { strict: false });
  const killed = vi.spyOn(payouts, 'submit').mockRejectedValueOnce(new Error('the process died'));
  await expect(stage.disbursements.release(at(n), campaignId)).rejects.toThrow('died');
  killed.mockRestore();
};
const paid = async (n: number): Promise<void> => {
  await approved(n);
  await stage.work();
};
const payoutOf = async (n: number): Promise<string> =>
  (
    await stage.funding.rows<{ id: string }>(
      `SELECT a.stripe_payout_id AS id FROM payout_attempt a JOIN disbursement_tranche t ON t.payout_id = a.payout_id
        WHERE t.id = $1 ORDER BY a.number DESC LIMIT 1`,
      [at(n)],
    )
  )[0]?.id ?? '';

describe('a tranche', () => {
  it('waits for evidence that holds, and may be given up meanwhile', async () => {
    got(await submit(1));
    got(await reject(1));
    got(await submit(1));
    got(await cancel(1));
    expect(await path(1)).toEqual(['planned', 'evidence_submitted', 'planned', 'evidence_submitted', 'canceled']);
    got(await cancel(2));
    expect(await path(2)).toEqual(['planned', 'canceled']);
  });

  it('is held, goes on, and is given up while the processor was not told', async () => {
    await approved(3);
    got(await hold(3));
    got(await lift(3));
    got(await cancel(3));
    expect((await path(3)).slice(-4)).toEqual(['approved', 'held', 'approved', 'canceled']);
    await reserved(4);
    got(await hold(4));
    got(await cancel(4));
    expect((await path(4)).slice(-4)).toEqual(['approved', 'reserved', 'held', 'canceled']);
    await reserved(5);
    got(await cancel(5));
    expect((await path(5)).slice(-3)).toEqual(['approved', 'reserved', 'canceled']);
  });

  it('arrives, comes back days later, and is sent again', async () => {
    await paid(6);
    expect((await path(6)).slice(-4)).toEqual(['approved', 'reserved', 'in_transit', 'succeeded']);
    await stage.control('payouts', { payout: await payoutOf(6), code: 'account_closed' });
    await stage.funding.settle();
    expect((await path(6)).at(-1)).toBe('failed');
    await stage.connect(campaignId);
    got(await retry(6));
    await stage.work();
    expect((await path(6)).slice(-6)).toEqual([
      'succeeded',
      'failed',
      'approved',
      'reserved',
      'in_transit',
      'succeeded',
    ]);
  });

  it('fails at the bank or at the processor, and is given up', async () => {
    await stage.connect(campaignId, BANK.closed);
    await paid(7);
    expect((await path(7)).slice(-3)).toEqual(['reserved', 'in_transit', 'failed']);
    got(await cancel(7));
    expect((await path(7)).at(-1)).toBe('canceled');
    await stage.connect(campaignId);
    const [account] = await stage.funding.rows<{ id: string }>('SELECT stripe_account_id AS id FROM payout_account');
    await reserved(8);
    const gone = await fetch(`${stage.funding.sandbox.url}/v1/accounts/${account?.id}`, {
      method: 'DELETE',
      headers: { authorization: 'Bearer sk_test_funding' },
    });
    expect(gone.status).toBe(200);
    await stage.funding.tick('payout-sweep');
    await stage.funding.advance(60_000);
    await stage.work();
    expect((await path(8)).slice(-3)).toEqual(['approved', 'reserved', 'failed']);
  });

  it('is refused every other step in every state, and nothing at all changes', async () => {
    got(await submit(9));
    await approved(10);
    got(await hold(10));
    const asks = { submit_evidence: submit, approve, reject, hold, lift_hold: lift, cancel, retry };
    await stage.funding.settle();
    const before = await steps.everything();
    const seen = new Set<string>();
    for (let n = 1; n <= SHARES.length; n += 1) {
      const state = (await path(n)).at(-1) as (typeof trancheMachine.states)[number];
      seen.add(state);
      for (const [event, ask] of Object.entries(asks) as [keyof typeof asks, typeof submit][])
        if (trancheMachine.next(state, event) === undefined)
          expect([state, event, codes(await ask(n))]).toEqual([state, event, ['DISBURSEMENT_STATE_INVALID']]);
    }
    expect(await steps.everything()).toEqual(before);
    expect([...seen].sort()).toEqual(['canceled', 'evidence_submitted', 'failed', 'held', 'succeeded']);
  });

  it('took every step of the machine, and no other', async () => {
    expect([...(await steps.taken('disbursement_tranche'))].sort()).toEqual(
      [...stepsOf(trancheMachine.transitions)].sort(),
    );
  });
});
