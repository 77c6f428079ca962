import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../../libs/testkit/src/index.js';
import { got, Stage } from './payments.stage.js';

const PLEDGES = 60;

let stage: Stage;
beforeAll(async () => {
  stage = await Stage.open({ timing: { disputeDelayMs: 50, outcomeDelayMs: 50 } });
});
afterAll(() => stage.close());

/** A donor with a saved card; `token` is Stripe's for the test card. */
async function donor(n: number, token: string): Promise<{ pseudonym: string; savedMethodId: string }> {
  const pseudonym = randomUUID();
  const reference = `method-${n}`;
  const input = {
    reference,
    purpose: 'pledge' as const,
    beneficiaryId: stage.campaignId,
    contributorPseudonym: pseudonym,
    rail: 'card' as const,
  };
  const ids = got(await stage.db.uow.run('setup', (tx) => stage.methods.prepareSetups(tx, [input])));
  const setup = got(await stage.methods.submitSetup(ids[0] ?? ''));
  const intent = (setup.clientSecret ?? '').split('_secret_')[0] ?? '';
  const back = { payment_method: token, return_url: 'http://127.0.0.1/back' };
  const page = (await stage.stripe.setupIntents.confirm(intent, back)).next_action?.redirect_to_url?.url;
  if (page != null) {
    await fetch(page, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ outcome: 'complete' }),
    });
  }
  await stage.settle();
  return { pseudonym, savedMethodId: stage.witness.saved.get(reference) ?? '' };
}

describe('the charge of many pledges', () => {
  it('with connections cut and answers lost all the while charges each once, and refunds each once', async () => {
    const cards = ['pm_card_visa', 'pm_card_visa', 'pm_card_chargeCustomerFail', 'pm_card_authenticationRequired'];
    const donors = await Promise.all(cards.map((token, n) => donor(n, token)));
    await stage.control('chaos', { duplicates: 2, outOfOrder: 5 });
    const inputs = Array.from({ length: PLEDGES }, (_, n) => {
      const of = donors[n % 4];
      if (of === undefined) throw new Error('no donor');
      const { pseudonym, savedMethodId } = of;
      return { ...stage.input(`close-${n}`), contributorPseudonym: pseudonym, savedMethodId };
    });
    const ids = got(await stage.db.uow.run('close', (tx) => stage.payments.preparePayments(tx, inputs)));
    const status = async (): Promise<Record<string, number>> => {
      const rows = await stage.db.dataSource.query(
        'SELECT status, count(*)::int AS n FROM payment WHERE id = ANY($1) GROUP BY status',
        [ids],
      );
      return Object.fromEntries((rows as { status: string; n: number }[]).map((row) => [row.status, row.n]));
    };
    await whileDisturbed(async () => {
      await eventually(
        'every pledge has an answer',
        async () => {
          // A process that died gives its rows back with their lease; here it is over at once.
          await stage.db.dataSource.query(
            "UPDATE payment SET next_check_at = now() WHERE status IN ('LOCAL_INTENT', 'REQUIRES_PAYMENT_METHOD')",
          );
          await Promise.all([stage.sweep.tick().catch(() => undefined), stage.sweep.tick().catch(() => undefined)]);
          await stage.inbox.drain().catch(() => undefined);
          const now = await status();
          return (now['LOCAL_INTENT'] ?? 0) + (now['REQUIRES_PAYMENT_METHOD'] ?? 0) === 0;
        },
        60_000,
      );
    });
    await stage.settle();
    expect(await status()).toEqual({ SUCCEEDED: PLEDGES / 2, FAILED: PLEDGES / 4, REQUIRES_ACTION: PLEDGES / 4 });
    const charges = new Map<string, number>();
    for await (const intent of stage.stripe.paymentIntents.list({ limit: 100 })) {
      const id = intent.metadata['payment_id'] ?? '';
      charges.set(id, (charges.get(id) ?? 0) + 1);
    }
    expect(ids.map((id) => charges.get(id))).toEqual(ids.map(() => 1));
    await stage.audit();

    const paid = (await stage.db.dataSource.query(
      "SELECT id FROM payment WHERE id = ANY($1) AND status = 'SUCCEEDED'",
      [ids],
    )) as { id: string }[];
    const asked = await stage.db.uow.run('refund', (tx) =>
      stage.payments.requestRefunds(
        tx,
        paid.map(({ id }) => ({ paymentId: id, amountMinor: 5000n, reason: 'failed', key: `close:${id}` })),
      ),
    );
    expect(asked).toHaveLength(PLEDGES / 2);
    await whileDisturbed(async () => {
      await eventually(
        'every refund is made',
        async () => {
          await stage.db.dataSource.query("UPDATE refund SET next_check_at = now() WHERE status = 'REQUESTED'");
          await Promise.all([stage.sweep.tick().catch(() => undefined), stage.sweep.tick().catch(() => undefined)]);
          await stage.inbox.drain().catch(() => undefined);
          const rows = await stage.db.dataSource.query("SELECT 1 FROM refund WHERE status <> 'SUCCEEDED'");
          return (rows as unknown[]).length === 0;
        },
        60_000,
      );
    });
    await stage.settle();
    const refunds = (await stage.stripe.refunds.list({ limit: 100 })).data;
    expect(refunds).toHaveLength(PLEDGES / 2);
    expect(await stage.held(stage.escrow)).toBe(0n);
    await stage.audit();
  }, 180_000);
});

/** Cuts database connections and drops answers of the processor at random while the work goes on. */
async function whileDisturbed(work: () => Promise<void>): Promise<void> {
  const cutter = new pg.Client({ connectionString: stage.db.url, application_name: 'cutter' });
  await cutter.connect();
  let done = false;
  let left = 25;
  const disturbing = (async () => {
    while (!done && left > 0) {
      left -= 1;
      await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 60));
      await cutter.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name <> 'cutter' ORDER BY random() LIMIT 1`,
      );
      await stage.control('faults', { dropAnswers: 1 });
    }
    await stage.control('faults', { dropAnswers: 0 });
  })();
  await work();
  done = true;
  await disturbing;
  await cutter.end();
}
