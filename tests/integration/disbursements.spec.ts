import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BANK, DAY_MS, DisbursementStage, REPORT, REPORTS } from './disbursements.stage.js';
import { codes, got } from './funding.stage.js';

let stage: DisbursementStage;

beforeAll(async () => {
  stage = await DisbursementStage.open();
});
afterAll(async () => {
  expect(await stage.violations()).toEqual([]);
  await stage.close();
});

describe('a campaign paid in tranches', () => {
  it('pays each tranche by evidence, approvals and the clock, to the last cent, and closes', async () => {
    const id = await stage.succeeded();
    expect(await stage.states(id)).toEqual(['planned', 'planned', 'planned', 'planned']);
    await stage.approved(id, 1);
    await stage.work();
    // Approved, and still nothing leaves before the safety window is over.
    expect(await stage.states(id)).toEqual(['approved', 'planned', 'planned', 'planned']);
    expect(await stage.holds(id, 'escrow')).toBe(10_001n);
    await stage.funding.advance(14 * DAY_MS + 60_000);
    await stage.work();
    // Fees of $3.50 are borne first, 1.5 % of $100.01 stays for disputes, rounded up; half of the rest is $47.50.
    expect(await stage.holds(id, 'disputeReserve')).toBe(151n);
    expect((await stage.states(id))[0]).toBe('succeeded');
    expect(await stage.holds(id, 'released')).toBe(4_750n);
    await stage.approved(id, 2);
    await stage.approved(id, 3);
    await stage.work();
    expect(await stage.states(id)).toEqual(['succeeded', 'succeeded', 'succeeded', 'planned']);
    expect(await stage.holds(id, 'released')).toBe(9_500n);
    expect(await stage.holds(id, 'escrow')).toBe(0n);
    expect(await stage.violations()).toEqual([]);

    // The last dispute window closes: the reserve goes back to escrow and out as the remainder.
    await stage.funding.advance(110 * DAY_MS);
    await stage.work();
    expect(await stage.holds(id, 'disputeReserve')).toBe(0n);
    const remainder = await stage.tranche(id, 4);
    expect(remainder.state).toBe('evidence_submitted');
    for (const approver of [stage.people.first, stage.people.second]) {
      got(await stage.evidence.approve(approver, remainder.id, 'All windows are closed.'));
    }
    await stage.work();
    expect(await stage.states(id)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded']);
    expect(await stage.holds(id, 'released')).toBe(9_651n);
    // A bank may send it back for a week or so; only then is the plan over.
    expect(await stage.events(id)).not.toContain('closed');
    await stage.funding.advance(9 * DAY_MS);
    await stage.work();
    const [campaign] = await stage.funding.rows<{ state: string }>('SELECT state FROM campaign WHERE id = $1', [id]);
    expect(campaign?.state).toBe('closed');
    expect(await stage.events(id)).toContain('closed');
  });

  it('is planned once, however often its success is told', async () => {
    const id = await stage.succeeded();
    await stage.funding.db.uow.run('again', (tx) => stage.disbursements.plan(tx, id));
    expect(await stage.states(id)).toHaveLength(REPORTS.length + 1);
    expect((await stage.events(id)).filter((type) => type === 'planned')).toHaveLength(1);
  });
});

describe('approvals', () => {
  it('come from m different people, none of whom submitted the evidence or receives the money', async () => {
    const id = await stage.succeeded();
    const { people } = stage;
    const tranche = await stage.tranche(id);
    expect(codes(await stage.evidence.approve(people.first, tranche.id, 'too early'))).toEqual([
      'DISBURSEMENT_STATE_INVALID',
    ]);
    got(await stage.evidence.submit(people.treasurer, { trancheId: tranche.id, report: REPORT }));
    expect(codes(await stage.evidence.approve(people.treasurer, tranche.id, 'my own'))).toEqual([
      'DISBURSEMENT_OWN_EVIDENCE',
    ]);
    expect(codes(await stage.evidence.approve(people.owner, tranche.id, 'my payout'))).toEqual([
      'DISBURSEMENT_OWN_PAYOUT',
    ]);
    expect(codes(await stage.evidence.approve(people.maintainer, tranche.id, 'no role'))).toEqual([
      'DISBURSEMENT_APPROVER_REQUIRED',
    ]);
    expect(codes(await stage.evidence.approve(people.first, tranche.id, ' '))).toEqual(['DISBURSEMENT_TEXT_INVALID']);
    got(await stage.evidence.approve(people.first, tranche.id, 'The logs bear it out.'));
    expect(codes(await stage.evidence.approve(people.first, tranche.id, 'once more'))).toEqual([
      'DISBURSEMENT_APPROVED_ALREADY',
    ]);
    expect((await stage.tranche(id)).state).toBe('evidence_submitted');
    got(await stage.evidence.approve(people.second, tranche.id, 'I agree.'));
    expect((await stage.tranche(id)).state).toBe('approved');
  });

  it('race: the same approver twice at once counts once', async () => {
    const id = await stage.succeeded();
    const tranche = await stage.tranche(id);
    got(await stage.evidence.submit(stage.people.maintainer, { trancheId: tranche.id, report: REPORT }));
    const both = await Promise.all(
      [1, 2, 3].map(() => stage.evidence.approve(stage.people.first, tranche.id, 'The logs bear it out.')),
    );
    expect(both.filter((outcome) => typeof outcome === 'string')).toHaveLength(1);
    expect((await stage.tranche(id)).state).toBe('evidence_submitted');
  });

  it('are given by those whom the terms name, and nobody else', async () => {
    const id = await stage.succeeded({ approvalsRequired: 1, approvers: [stage.people.second.pseudonym] });
    const tranche = await stage.tranche(id);
    got(await stage.evidence.submit(stage.people.maintainer, { trancheId: tranche.id, report: REPORT }));
    expect(codes(await stage.evidence.approve(stage.people.first, tranche.id, 'not named'))).toEqual([
      'DISBURSEMENT_APPROVER_REQUIRED',
    ]);
    got(await stage.evidence.approve(stage.people.second, tranche.id, 'named'));
    expect((await stage.tranche(id)).state).toBe('approved');
  });

  it('refused once send the tranche back, and better evidence begins anew', async () => {
    const id = await stage.succeeded();
    const tranche = await stage.tranche(id);
    got(await stage.evidence.submit(stage.people.maintainer, { trancheId: tranche.id, report: REPORT }));
    got(await stage.evidence.approve(stage.people.first, tranche.id, 'fine'));
    got(await stage.evidence.reject(stage.people.second, tranche.id, 'The loss curve is missing.'));
    expect((await stage.tranche(id)).state).toBe('planned');
    got(await stage.evidence.submit(stage.people.maintainer, { trancheId: tranche.id, report: REPORT }));
    // The approval of the first round does not count for the second.
    got(await stage.evidence.approve(stage.people.second, tranche.id, 'now it is there'));
    expect((await stage.tranche(id)).state).toBe('evidence_submitted');
  });
});

describe('a payout', () => {
  it('that the bank sends back is back in escrow, and a new attempt pays it', async () => {
    const id = await stage.campaign({});
    await stage.funding.give(await stage.funding.person('Backer 0'), id, 10_001n);
    await stage.connect(id, BANK.closed);
    await stage.approved(id, 1);
    await stage.funding.advance(14 * DAY_MS + 60_000);
    await stage.work();
    const failed = await stage.tranche(id);
    expect(failed.state).toBe('failed');
    expect(await stage.holds(id, 'escrow')).toBe(10_001n - 320n - 151n);
    expect(await stage.holds(id, 'payoutsPayable')).toBe(0n);
    expect(codes(await stage.tranches.retry(stage.people.first, failed.id))).toEqual(['PROJECT_ROLE_REQUIRED']);
    await stage.connect(id, BANK.good);
    got(await stage.tranches.retry(stage.people.treasurer, failed.id));
    await stage.work();
    expect((await stage.tranche(id)).state).toBe('succeeded');
    expect(await stage.holds(id, 'released')).toBe(4_765n);
    const attempts = await stage.funding.rows<{ status: string; failure_code: string | null }>(
      'SELECT status, failure_code FROM payout_attempt WHERE payout_id = $1 ORDER BY number',
      [failed['payout_id']],
    );
    expect(attempts).toEqual([
      { status: 'FAILED', failure_code: 'account_closed' },
      { status: 'SUCCEEDED', failure_code: null },
    ]);
  });

  it('waits for its account, and then goes', async () => {
    const id = await stage.campaign({});
    await stage.funding.give(await stage.funding.person('Backer 0'), id, 10_001n);
    const tranche = await stage.approved(id, 1);
    await stage.funding.advance(14 * DAY_MS + 60_000);
    await stage.work();
    expect((await stage.tranche(id)).state).toBe('approved');
    expect(codes(await stage.disbursements.release(tranche, id))).toEqual(['PAYOUT_ACCOUNT_MISSING']);
    await stage.connect(id);
    await stage.work();
    expect((await stage.tranche(id)).state).toBe('succeeded');
  });

  it('is held by an operator before it leaves, and by nobody after', async () => {
    const id = await stage.succeeded();
    const tranche = await stage.approved(id, 1);
    const { operator, treasurer } = stage.people;
    expect(codes(await stage.tranches.hold(treasurer, tranche, 'a question'))).toEqual([
      'DISBURSEMENT_OPERATOR_REQUIRED',
    ]);
    got(await stage.tranches.hold(operator, tranche, 'A question is open.'));
    await stage.funding.advance(14 * DAY_MS + 60_000);
    await stage.work();
    expect((await stage.tranche(id)).state).toBe('held');
    expect(await stage.holds(id, 'released')).toBe(0n);
    got(await stage.tranches.liftHold(operator, tranche, 'It is answered.'));
    await stage.work();
    expect((await stage.tranche(id)).state).toBe('succeeded');
    expect(codes(await stage.tranches.hold(operator, tranche, 'too late'))).toEqual(['DISBURSEMENT_STATE_INVALID']);
    expect(codes(await stage.tranches.cancel(operator, tranche, 'too late'))).toEqual(['DISBURSEMENT_STATE_INVALID']);
  });

  it('and a hold at the same moment: either the money stays or it arrives, never both', async () => {
    for (let round = 0; round < 4; round += 1) {
      const id = await stage.succeeded();
      const tranche = await stage.approved(id, 1);
      await stage.funding.rows("UPDATE campaign SET safety_ends_at = now() - interval '1 hour' WHERE id = $1", [id]);
      const [, held] = await Promise.all([
        stage.disbursements.release(tranche, id),
        stage.tranches.hold(stage.people.operator, tranche, 'A question is open.'),
      ]);
      await stage.work();
      const { state } = await stage.tranche(id);
      if (typeof held === 'string') {
        expect(state).toBe('held');
        expect(await stage.holds(id, 'released')).toBe(0n);
      } else {
        expect(state).toBe('succeeded');
      }
      expect(await stage.violations()).toEqual([]);
    }
  });
});
