import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { campaignChart } from '#campaigns';
import { Payouts } from '#payments';
import { TRANCHE_STATES, trancheMachine } from '../../libs/disbursements/src/domain/tranche.machine.js';
import { DAY_MS, DisbursementStage } from './disbursements.stage.js';
import { got } from './funding.stage.js';

let stage: DisbursementStage;

beforeAll(async () => {
  stage = await DisbursementStage.open();
});
afterAll(async () => {
  expect(await stage.violations()).toEqual([]);
  await stage.close();
});

const WINDOW_MS = 14 * DAY_MS + 60_000;

describe('the database', () => {
  it('takes every step that the machine knows, and refuses every other', async () => {
    const id = await stage.succeeded({ approvalsRequired: 1 });
    const { id: trancheId } = await stage.tranche(id);
    const known = new Set(trancheMachine.transitions.map(({ from, to }) => `${from} ${to}`));
    const run = stage.funding.db.dataSource.createQueryRunner();
    await run.startTransaction();
    try {
      // Approvals are a guard of their own; here only the steps are walked.
      await run.query('ALTER TABLE disbursement_approval DISABLE TRIGGER USER');
      await run.query('UPDATE disbursement SET approvals_required = 0 WHERE campaign_id = $1', [id]);
      for (const from of TRANCHE_STATES) {
        for (const to of TRANCHE_STATES.filter((state) => state !== from)) {
          await run.query('SAVEPOINT step');
          await run.query('ALTER TABLE disbursement_tranche DISABLE TRIGGER disbursement_tranche_guard_tr');
          await run.query(
            `UPDATE disbursement_tranche SET state = $2, amount_minor = 1, net_minor = 1, held_reason = 'asked' WHERE id = $1`,
            [trancheId, from],
          );
          await run.query('ALTER TABLE disbursement_tranche ENABLE TRIGGER disbursement_tranche_guard_tr');
          const refusal = await run
            .query('UPDATE disbursement_tranche SET state = $2 WHERE id = $1', [trancheId, to])
            .then(() => undefined)
            .catch((error: Error) => error.message);
          const expected = known.has(`${from} ${to}`) ? undefined : `a tranche does not go from ${from} to ${to}`;
          expect(`${from} ${to}: ${refusal}`).toBe(`${from} ${to}: ${expected}`);
          await run.query('ROLLBACK TO SAVEPOINT step');
        }
      }
    } finally {
      await run.rollbackTransaction();
      await run.release();
    }
  });

  it('refuses an approved tranche that lacks approvals, and terms that change', async () => {
    const id = await stage.succeeded();
    const { id: trancheId } = await stage.tranche(id);
    got(
      await stage.evidence.submit(stage.people.maintainer, { trancheId, report: 'The first thousand steps are done.' }),
    );
    const set = (change: string) =>
      stage.funding.rows(`UPDATE disbursement_tranche SET ${change} WHERE id = $1`, [trancheId]);
    await expect(set("state = 'approved'")).rejects.toThrow('lacks approvals');
    await expect(set('share_bp = 9000')).rejects.toThrow('immutable');
  });
});

describe('a suspended campaign', () => {
  it('takes back what is set aside, and goes on with it when it is resumed', async () => {
    const id = await stage.succeeded();
    await stage.approved(id, 1);
    const killed = vi
      .spyOn(stage.funding.app.get(Payouts, { strict: false }), 'submit')
      .mockRejectedValueOnce(new Error('the process died between row and call'));
    await stage.funding.rows("UPDATE campaign SET safety_ends_at = now() - interval '1 hour' WHERE id = $1", [id]);
    await expect(stage.disbursements.release((await stage.tranche(id)).id, id)).rejects.toThrow('died');
    killed.mockRestore();
    expect((await stage.tranche(id)).state).toBe('reserved');
    got(await stage.funding.campaigns.suspend(stage.people.operator, id, 'A question is open.'));
    await stage.funding.relay();
    expect((await stage.tranche(id)).state).toBe('held');
    await stage.funding.advance(60_000);
    await stage.work();
    expect(await stage.holds(id, 'released')).toBe(0n);
    expect(await stage.holds(id, 'payoutsPayable')).toBe(0n);
    got(await stage.funding.campaigns.resume(stage.people.operator, id));
    await stage.funding.relay();
    await stage.funding.advance(60_000);
    await stage.work();
    expect((await stage.tranche(id)).state).toBe('succeeded');
  });
});

describe('a plan that ends while the campaign trains', () => {
  it('closes, and its campaign with the end of the training', async () => {
    const id = await stage.succeeded();
    const [state] = await stage.funding.rows<{ state: string }>('SELECT state FROM campaign WHERE id = $1', [id]);
    expect(state?.state).toBe('succeeded');
    await stage.funding.rows("UPDATE disbursement SET state = 'closed', ended_at = now() WHERE campaign_id = $1", [id]);
    await stage.funding.rows("UPDATE campaign SET state = 'training' WHERE id = $1", [id]);
    await stage.funding.rows("UPDATE campaign SET state = 'completed' WHERE id = $1", [id]);
    await stage.funding.db.uow.run('completed', (tx) => {
      const payload = { campaignId: id };
      tx.emit({ type: 'campaign.completed', aggregateType: 'campaign', aggregateId: id, isPublic: true, payload });
      return Promise.resolve();
    });
    await stage.funding.relay();
    const [after] = await stage.funding.rows<{ state: string }>('SELECT state FROM campaign WHERE id = $1', [id]);
    expect(after?.state).toBe('closed');
  });
});

describe('a dispute that is lost', () => {
  it('takes the reserve, then escrow, and what is missing is the campaign’s debt', async () => {
    const id = await stage.succeeded();
    await stage.approved(id, 1);
    await stage.approved(id, 2);
    await stage.funding.advance(WINDOW_MS);
    await stage.work();
    const reserve = await stage.holds(id, 'disputeReserve');
    const escrow = await stage.holds(id, 'escrow');
    const [payment] = await stage.funding.rows<{ intent: string }>(
      'SELECT stripe_payment_intent_id AS intent FROM payment WHERE beneficiary_id = $1 AND amount_minor = 6000',
      [id],
    );
    await stage.control('disputes', { paymentIntent: payment?.intent });
    await stage.funding.settle();
    const [dispute] = await stage.funding.rows<{ id: string }>(
      `SELECT d.stripe_dispute_id AS id FROM dispute d JOIN payment p ON p.id = d.payment_id WHERE p.beneficiary_id = $1`,
      [id],
    );
    await stage.funding.closeDispute(dispute?.id ?? '', 'lost');
    await stage.funding.settle();
    const [lost] = await stage.funding.rows<{ reserve: bigint; escrow: bigint; debt: bigint }>(
      `SELECT d.lost_reserve_minor AS reserve, d.lost_escrow_minor AS escrow, d.lost_debt_minor AS debt
         FROM dispute d JOIN payment p ON p.id = d.payment_id WHERE p.beneficiary_id = $1`,
      [id],
    );
    expect(lost).toEqual({ reserve, escrow, debt: 6_000n - reserve - escrow });
    const code = campaignChart.of(id, '', 'USD').debt;
    const balance = (await stage.funding.db.uow.read((tx) => stage.funding.ledger.balances(tx, [code]))).get(code);
    expect((balance?.debitsPosted ?? 0n) - (balance?.creditsPosted ?? 0n)).toBe(6_000n - reserve - escrow);
    expect(await stage.holds(id, 'escrow')).toBe(0n);
    expect(await stage.holds(id, 'disputeReserve')).toBe(0n);
  });
});
