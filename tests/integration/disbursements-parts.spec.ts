import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Payouts } from '#payments';
import { DAY_MS, DisbursementStage, type TrancheDraft } from './disbursements.stage.js';
import { codes, got } from './funding.stage.js';

let stage: DisbursementStage;

beforeAll(async () => {
  stage = await DisbursementStage.open({}, { STRIPE_CALLS_PER_SECOND: '10000', STRIPE_CALLS_AT_ONCE: '64' });
});
afterAll(async () => {
  expect(await stage.violations()).toEqual([]);
  await stage.close();
});

const WHOLE: TrancheDraft[] = [
  {
    title: 'All of it',
    shareBp: 10_000,
    budgetKind: 'compute',
    evidence: { kind: 'milestone_report', description: 'What was trained, and how the loss fell.' },
  },
];

/** A campaign that one bank transfer pays in full, its only tranche approved and its safety window over. */
async function wired(amountMinor: bigint): Promise<string> {
  const { funding } = stage;
  const id = await stage.campaign({ tranches: WHOLE, cashGoalMinor: amountMinor });
  const backer = await funding.person(`Foundation ${randomUUID()}`);
  got(
    await funding.cash.create(backer, {
      campaignId: id,
      amountMinor,
      currency: 'USD',
      rail: 'bank_transfer',
      idempotencyKey: randomUUID(),
    }),
  );
  const [customer] = await funding.rows<{ id: string }>(
    'SELECT stripe_customer_id AS id FROM payment_customer WHERE contributor_pseudonym = $1',
    [backer.pseudonym],
  );
  await stage.sandbox(`v1/test_helpers/customers/${customer?.id}/fund_cash_balance`, {
    amount: String(amountMinor),
    currency: 'usd',
  });
  await funding.settle();
  for (let round = 0; round < 3; round += 1) {
    await funding.tick('payment-sweep');
    await funding.settle();
  }
  await stage.connect(id);
  await stage.approved(id, 1);
  return id;
}

const WINDOW_MS = 14 * DAY_MS + 60_000;
interface Part {
  readonly part: number;
  readonly number: number;
  readonly amount_minor: bigint;
  readonly status: string;
  readonly stripe_payout_id: string;
}
const partsOf = async (id: string): Promise<Part[]> =>
  stage.funding.rows<Part>(
    `SELECT a.* FROM payout_attempt a JOIN payout p ON p.id = a.payout_id WHERE p.beneficiary_id = $1
      ORDER BY part, number`,
    [id],
  );
/** What the processor really moved: transfers less what was reversed, minor units. */
async function movedMinor(id: string): Promise<bigint> {
  const parts = new Set(
    (
      await stage.funding.rows<{ id: string }>(
        'SELECT a.id FROM payout_attempt a JOIN payout p ON p.id = a.payout_id WHERE p.beneficiary_id = $1',
        [id],
      )
    ).map((row) => row.id),
  );
  let sum = 0n;
  for (let after = ''; ;) {
    const page = await stage.sandboxGet<{
      data: { id: string; amount: number; amount_reversed: number; metadata: { payout_attempt_id?: string } }[];
      has_more: boolean;
    }>(`v1/transfers?limit=100${after}`);
    for (const one of page.data)
      if (parts.has(one.metadata.payout_attempt_id ?? '')) sum += BigInt(one.amount - one.amount_reversed);
    if (!page.has_more) return sum;
    after = `&starting_after=${page.data.at(-1)?.id}`;
  }
}

describe('a payout above what one transfer carries', () => {
  it('leaves in parts, each once, and has succeeded when all have: $150,000,000', async () => {
    const id = await wired(15_000_100_000n);
    await stage.funding.advance(WINDOW_MS);
    await stage.work();
    const parts = await partsOf(id);
    const tranche = await stage.tranche(id);
    expect(tranche.state).toBe('succeeded');
    const amount = tranche['amount_minor'] as bigint;
    // $150,001,000 less what the 151 payments cost that brought it.
    expect(amount).toBe(15_000_024_500n);
    expect(parts).toHaveLength(151);
    expect(parts.every((part) => part.amount_minor <= 99_999_999n && part.status === 'SUCCEEDED')).toBe(true);
    expect(parts.reduce((sum, part) => sum + part.amount_minor, 0n)).toBe(amount);
    expect(await movedMinor(id)).toBe(amount);
    expect(await stage.holds(id, 'released')).toBe(amount);
    expect(await stage.holds(id, 'payoutsPayable')).toBe(0n);
    expect((await stage.events(id)).filter((type) => type === 'in_transit' || type === 'succeeded')).toEqual([
      'in_transit',
      'succeeded',
    ]);
  });

  it('is paid once though the process dies before the first call and answers are lost', async () => {
    const id = await wired(250_000_000n);
    const killed = vi
      .spyOn(stage.funding.app.get(Payouts, { strict: false }), 'submit')
      .mockRejectedValueOnce(new Error('the process died between row and call'));
    await stage.funding.rows("UPDATE campaign SET safety_ends_at = now() - interval '1 hour' WHERE id = $1", [id]);
    await expect(stage.disbursements.release((await stage.tranche(id)).id, id)).rejects.toThrow('died');
    killed.mockRestore();
    expect((await stage.tranche(id)).state).toBe('reserved');
    expect(await movedMinor(id)).toBe(0n);
    await stage.control('faults', { dropAnswers: 7 });
    for (let round = 0; round < 6; round += 1) await stage.funding.advance(120_000);
    await stage.control('faults', { dropAnswers: 0 });
    await stage.funding.advance(3_600_000);
    await stage.work();
    expect((await stage.tranche(id)).state).toBe('succeeded');
    const parts = await partsOf(id);
    expect(parts.map(({ number, status }) => ({ number, status }))).toEqual(
      [1, 2, 3].map(() => ({ number: 1, status: 'SUCCEEDED' })),
    );
    expect(await movedMinor(id)).toBe((await stage.tranche(id))['amount_minor'] as bigint);
  });

  it('of which one part comes back after it arrived: that part alone is tried again', async () => {
    const id = await wired(150_000_000n);
    await stage.funding.advance(WINDOW_MS);
    await stage.work();
    const [first, second] = await partsOf(id);
    const amount = (first?.amount_minor ?? 0n) + (second?.amount_minor ?? 0n);
    await stage.control('payouts', { payout: second?.stripe_payout_id, code: 'account_closed' });
    await stage.work();
    const failed = await stage.tranche(id);
    expect(failed.state).toBe('failed');
    expect(await stage.holds(id, 'released')).toBe(first?.amount_minor);
    expect(await stage.holds(id, 'escrow')).toBe(second?.amount_minor);
    expect(await stage.violations()).toEqual([]);
    await stage.connect(id);
    got(await stage.tranches.retry(stage.people.treasurer, failed.id));
    expect(codes(await stage.tranches.retry(stage.people.treasurer, failed.id))).toEqual([
      'DISBURSEMENT_STATE_INVALID',
    ]);
    await stage.work();
    expect((await stage.tranche(id)).state).toBe('succeeded');
    expect((await partsOf(id)).map(({ part, number, status }) => `${part}.${number} ${status}`)).toEqual([
      '1.1 SUCCEEDED',
      '2.1 FAILED',
      '2.2 SUCCEEDED',
    ]);
    expect(await movedMinor(id)).toBe(amount);
    expect(await stage.holds(id, 'released')).toBe(amount);
  });
});
