import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRefused, newId } from '#kernel';
import { Ledger } from '#ledger';
import { noPersonalData } from '../../apps/personal-data.invariant.js';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';

let db: TestDatabase;
const ledger = new Ledger();
const pseudonym = randomUUID();

beforeAll(async () => {
  db = await createTestDatabase();
  await db.dataSource.query(
    `INSERT INTO contributor (id, pseudonym, display_name, email, created_at)
     VALUES ($1, $2, 'Ada Backer', 'ada@example.org', now())`,
    [newId(), pseudonym],
  );
});
afterAll(() => db?.close());

const violations = async () => {
  const result = await db.uow.read((tx) => noPersonalData.run(tx));
  if (isRefused(result)) throw new Error('a check was refused');
  return result.violations;
};
/** Writes in a transaction of which nothing is kept, and says what the audit finds meanwhile. */
async function found(sql: string, params: unknown[]): Promise<readonly string[]> {
  const runner = db.dataSource.createQueryRunner();
  try {
    await runner.startTransaction();
    await runner.query(sql, params);
    const tx = { query: (text: string, values?: unknown[]) => runner.query(text, values) };
    return (await noPersonalData.run(tx as never)).violations;
  } finally {
    await runner.rollbackTransaction();
    await runner.release();
  }
}
const publish = (payload: object, isPublic = true) =>
  found(
    `INSERT INTO event_outbox (id, type, aggregate_type, aggregate_id, payload, is_public, occurred_at)
     VALUES ($1, 'test.event', 'test', 'x', $2, $3, now())`,
    [newId(), JSON.stringify(payload), isPublic],
  );

describe('invariant 7: no personal data in the log or the ledger', () => {
  it.each([
    [{ contributor: pseudonym, amountMinor: '5' }],
    [{ contributor: 'anonymous' }],
    [{ owner: pseudonym, name: "Ada Backer's attic" }],
    [{ title: 'Ada Backer', source: 'git@github.com:whales/moby.git', reason: 'ask ada@example.org' }],
    [{ files: [{ path: 'model.safetensors', bytes: '1' }], budget: { lines: [{ label: 'Tokens' }] } }],
  ])('holds for %j', async (payload) => {
    expect(await publish(payload)).toEqual([]);
  });

  it.each([
    [{ contributor: 'Ada Backer' }],
    [{ members: [{ owner: 'Ada' }] }],
    [{ by: 'Ada Backer' }],
    [{ note: 'from Ada.Backer+1@mail.example.org' }],
    [{ email: null }],
    [{ nested: [{ billing_details: {} }] }],
    [{ lease: { address: '203.0.113.7' } }],
  ])('finds a public event that says %j', async (payload) => {
    expect(await publish(payload)).toEqual([expect.stringMatching(/^public event [0-9a-f-]{36} names a person$/)]);
    expect(await publish(payload, false), 'an event that is not public').toEqual([]);
  });

  it('finds a leaf and an event of Stripe', async () => {
    const id = newId();
    const leaf = Buffer.from(JSON.stringify({ id, payload: { email: 'ada@example.org' } }));
    const lines = await found(
      `WITH e AS (INSERT INTO event_outbox (id, type, aggregate_type, aggregate_id, payload, is_public, occurred_at)
                  VALUES ($1, 'test.event', 'test', 'x', '{}', true, now()) RETURNING id)
       INSERT INTO log_leaf (index, event_id, event_type, occurred_at, subjects, data, hash)
       SELECT 0, id, 'test.event', now(), '{}', $2, sha256($2) FROM e`,
      [id, leaf],
    );
    expect(lines).toEqual(['leaf of the log 0 names a person']);
    const stripe = await found(
      `INSERT INTO stripe_event (id, type, object_id, payload, content_sha256, occurred_at, received_at, next_attempt_at)
       VALUES ('evt_1', 'charge.succeeded', 'ch_1', $1, '', now(), now(), now())`,
      [JSON.stringify({ data: { object: { billing_details: { name: 'Ada' } } } })],
    );
    expect(stripe).toEqual(['event of Stripe evt_1 names a person']);
  });

  it('finds a transfer, and holds before it', async () => {
    expect(await violations()).toEqual([]);
    const post = (refs: Record<string, string>) =>
      db.uow.run('post', async (tx) => {
        const account = (code: string) => ({ code, unit: 'USD', limit: 'none' as const });
        await ledger.openAccounts(tx, [account('a'), account('b')]);
        const transfer = { key: newId(), kind: 'posted' as const, debit: 'a', credit: 'b', amount: 1n, reason: 'test' };
        return ledger.post(tx, [{ ...transfer, refs }]);
      });
    await post({ campaign: newId(), pledge: newId() });
    expect(await violations()).toEqual([]);
    await post({ contributor: 'ada@example.org' });
    expect(await violations()).toEqual([expect.stringMatching(/^transfer .* names a person$/)]);
  });
});
