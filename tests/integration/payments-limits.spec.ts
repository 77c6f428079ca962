import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../../libs/testkit/src/index.js';
import { got, SECRET_KEY, Stage } from './payments.stage.js';

/* The processor takes far fewer calls than there is to charge, and says so (429): nothing is charged twice or lost. */

const PLEDGES = 24;

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open();
});
afterAll(() => stage.close());

async function savedCard(): Promise<{ contributorPseudonym: string; savedMethodId: string }> {
  const contributorPseudonym = randomUUID();
  const input = {
    reference: 'method',
    purpose: 'pledge' as const,
    beneficiaryId: stage.campaignId,
    contributorPseudonym,
    rail: 'card' as const,
  };
  const [id = ''] = got(await stage.db.uow.run('setup', (tx) => stage.methods.prepareSetups(tx, [input])));
  const setup = got(await stage.methods.submitSetup(id));
  const intent = (setup.clientSecret ?? '').split('_secret_')[0] ?? '';
  await stage.stripe.setupIntents.confirm(intent, { payment_method: 'pm_card_visa', return_url: 'http://127.0.0.1/' });
  await stage.settle();
  return { contributorPseudonym, savedMethodId: stage.witness.saved.get('method') ?? '' };
}

async function turnedAway(): Promise<number> {
  const answer = await fetch(`${stage.sandbox.url}/_sandbox/status`, {
    headers: { authorization: `Bearer ${SECRET_KEY}` },
  });
  return ((await answer.json()) as { limits: { turnedAway: number } }).limits.turnedAway;
}

/** The sweep at once instead of after a second and more. */
async function swept(what: 'payment' | 'refund', state: string): Promise<void> {
  await eventually(
    `every ${what} has left ${state}`,
    async () => {
      await stage.db.dataSource.query(`UPDATE ${what} SET next_check_at = now() WHERE status = $1`, [state]);
      await stage.sweep.tick();
      await stage.inbox.drain();
      const open: unknown[] = await stage.db.dataSource.query(`SELECT 1 FROM ${what} WHERE status = $1`, [state]);
      return open.length === 0;
    },
    30_000,
  );
}

it('charges and refunds that are turned away for haste keep their keys, and happen once each', async () => {
  const card = await savedCard();
  await stage.control('limits', { callsPerSecond: 12 });
  const inputs = Array.from({ length: PLEDGES }, (_, n) => ({ ...stage.input(`pledge-${n}`), ...card }));
  const ids = got(await stage.db.uow.run('close', (tx) => stage.payments.preparePayments(tx, inputs)));
  await swept('payment', 'LOCAL_INTENT');
  const afterCharges = await turnedAway();
  expect(afterCharges).toBeGreaterThan(0);

  const asked = ids.map((id) => ({ paymentId: id, amountMinor: 5000n, reason: 'failed', key: `failed:${id}` }));
  await stage.db.uow.run('refund', (tx) => stage.payments.requestRefunds(tx, asked));
  await stage.control('faults', { lockCalls: 3 });
  await swept('refund', 'REQUESTED');
  expect(await turnedAway()).toBeGreaterThan(afterCharges);

  await stage.control('limits', { callsPerSecond: 0 });
  await stage.settle();
  const intents = (await stage.stripe.paymentIntents.list({ limit: 100 })).data;
  expect(intents).toHaveLength(PLEDGES);
  const charged = intents.map((intent) => [intent.metadata['payment_id'], intent.status] as const);
  expect(new Map(charged)).toEqual(new Map(ids.map((id) => [id, 'succeeded'])));
  expect((await stage.stripe.refunds.list({ limit: 100 })).data).toHaveLength(PLEDGES);
  const ended: unknown = await stage.db.dataSource.query(
    `SELECT p.status AS payment, r.status AS refund, count(*)::int AS n
       FROM payment p JOIN refund r ON r.payment_id = p.id GROUP BY 1, 2`,
  );
  expect(ended).toEqual([{ payment: 'SUCCEEDED', refund: 'SUCCEEDED', n: PLEDGES }]);
  expect(await stage.held(stage.escrow)).toBe(0n);
  await stage.audit();
}, 90_000);
