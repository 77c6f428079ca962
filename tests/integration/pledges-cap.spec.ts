import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toGlobalId } from '#platform';
import type { Person } from './funding.stage.js';
import { METHOD, PledgesStage } from './pledges.stage.js';

const CREATE =
  'mutation M($input: PledgeCashCreateInput!) { pledgeCashCreate(input: $input) { pledge { id } payment { clientSecret } userErrors { code path } } }';

let stage: PledgesStage;
let donors: Person[];

beforeAll(async () => {
  stage = await PledgesStage.open();
  donors = await Promise.all(Array.from({ length: 8 }, (_, n) => stage.funding.person(`Donor ${n}`)));
});
afterAll(async () => {
  expect(await stage.funding.violations()).toEqual([]);
  await stage.close();
});

interface Answer {
  readonly pledge: { id: string } | null;
  readonly payment: { clientSecret: string } | null;
  readonly userErrors: { code: string; path: string[] }[];
}

/** So many ask at once, eight people in turn. */
async function rush(count: number, campaignId: string, more: object = {}): Promise<Answer[]> {
  const ask = async (n: number): Promise<Answer> => {
    const input = {
      campaignId: toGlobalId('Campaign', campaignId),
      amountMinor: '2500',
      currency: 'USD',
      idempotencyKey: randomUUID(),
      ...more,
    };
    const { data, errors } = await stage.funding.gql(CREATE, { input }, donors[n % donors.length]);
    if (errors) throw new Error(JSON.stringify(errors));
    return data.pledgeCashCreate as Answer;
  };
  return Promise.all(Array.from({ length: count }, (_, n) => ask(n)));
}
const counted = async (campaignId: string) =>
  (
    await stage.rows<{ promised: bigint; captured: bigint }>(
      'SELECT promised_minor AS promised, captured_minor AS captured FROM campaign_tally WHERE campaign_id = $1',
      [campaignId],
    )
  )[0];

describe('a hard cap', () => {
  it('that 64 callers race for is filled to the unit, and who comes too late is told so', async () => {
    const id = await stage.keepsAll({
      fundingModel: 'tranches',
      cashGoalMinor: 100_000n,
      hardCapMinor: 100_000n,
      tranches: HALVES,
    });
    const answers = await rush(64, id);
    const refused = answers.filter((answer) => answer.userErrors.length > 0);
    expect(refused).toHaveLength(24);
    for (const { pledge, userErrors } of refused) {
      expect(pledge).toBeNull();
      expect(userErrors).toEqual([{ code: 'PLEDGE_HARD_CAP', path: ['input', 'amountMinor'] }]);
    }
    expect(await counted(id)).toEqual({ promised: 100_000n, captured: 0n });
    expect(await stage.rows('SELECT 1 FROM cash_pledge WHERE campaign_id = $1', [id])).toHaveLength(40);
    // Nothing stands behind these promises yet: they take room, and end nothing.
    await stage.days(0);
    expect(await stage.campaignState(id)).toBe('live');
    await stage.days(2);
    expect(await counted(id)).toEqual({ promised: 0n, captured: 0n });
    expect((await rush(1, id))[0]?.userErrors).toEqual([]);
  });

  it('that is filled by saved cards freezes the list, whichever of them were saved first, and lets the others go', async () => {
    const id = await stage.allOrNothing({ cashGoalMinor: 20_000n, hardCapMinor: 20_000n });
    const answers = await rush(12, id);
    expect(answers.flatMap((answer) => answer.userErrors)).toEqual([]);
    await Promise.all(answers.map(({ payment }) => stage.funding.saveCard(payment?.clientSecret, METHOD.good)));
    await stage.funding.settle();
    const states = await stage.rows<{ state: string; n: number }>(
      'SELECT state, count(*)::int AS n FROM cash_pledge WHERE campaign_id = $1 GROUP BY state ORDER BY state',
      [id],
    );
    expect(states).toEqual([
      { state: 'cancelled', n: 4 },
      { state: 'pledged', n: 8 },
    ]);
    expect(
      await stage.rows("SELECT 1 FROM event_outbox WHERE type = 'pledge.cap.filled' AND aggregate_id = $1", [id]),
    ).toHaveLength(1);
    expect(await stage.campaignState(id)).toBe('settling');
    await stage.work();
    expect(await counted(id)).toEqual({ promised: 0n, captured: 20_000n });
    expect(await stage.campaignState(id)).toBe('succeeded');
    // No card is kept longer than it is needed: neither of those that were charged nor of those that came too late.
    const kept = await stage.rows<{ state: string }>(
      'SELECT DISTINCT m.state FROM saved_method m JOIN payment_setup s ON s.id = m.setup_id WHERE s.beneficiary_id = $1',
      [id],
    );
    expect(kept).toEqual([{ state: 'released' }]);
  });

  it('is not filled by a bank transfer that nobody has made', async () => {
    const id = await stage.allOrNothing({ hardCapMinor: 20_000n });
    const [wired] = await rush(1, id, { amountMinor: '20000', rail: 'BANK_TRANSFER' });
    expect(wired?.userErrors).toEqual([]);
    await stage.days(0);
    expect(await stage.campaignState(id)).toBe('live');
    await stage.wire(donors[0] as Person, 20_000n);
    await stage.days(0);
    await stage.work();
    expect(await stage.campaignState(id)).toBe('succeeded');
  });
});

const SAYS = { kind: 'milestone_report', description: 'What was trained.' };
const HALVES = [
  { title: 'Half at the start', shareBp: 5_000, budgetKind: 'compute', evidence: SAYS },
  { title: 'Half at the end', shareBp: 5_000, budgetKind: 'compute', evidence: SAYS },
];
