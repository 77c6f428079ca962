import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refuse, isRefused } from '#kernel';
import { type DomainEvent, GroupCommitter, OutboxRelay, type Tx } from '#platform';
import { type TestDatabase, createTestDatabase } from '../../libs/testkit/src/index.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase();
});
afterAll(() => db.close());

const event = (type: string, n: number) => ({
  type,
  aggregateType: 'test',
  aggregateId: String(n),
  payload: { n },
  isPublic: true,
});

class Record {
  readonly seen: DomainEvent[] = [];
  append(_tx: Tx, events: readonly DomainEvent[]): Promise<void> {
    this.seen.push(...events);
    return Promise.resolve();
  }
}

describe('unit of work', () => {
  it('writes state and event together, and neither when the body refuses or throws', async () => {
    const count = async () =>
      (await db.uow.read((tx) => tx.query<{ n: bigint }>("SELECT count(*) n FROM event_outbox WHERE type = 'uow'")))[0]
        ?.n;
    await db.uow.run('t', async (tx) => tx.emit(event('uow', 1)));
    const refused = await db.uow.run('t', async (tx) => {
      tx.emit(event('uow', 2));
      return refuse({ code: 'NO', message: 'No.' });
    });
    expect(isRefused(refused)).toBe(true);
    await expect(
      db.uow.run('t', async (tx) => {
        tx.emit(event('uow', 3));
        throw new Error('bug');
      }),
    ).rejects.toThrow('bug');
    expect(await count()).toBe(1n);
  });

  it('retries deadlocks until both sides are done', async () => {
    await db.dataSource.query('CREATE TABLE pair (id int PRIMARY KEY, n int NOT NULL)');
    await db.dataSource.query('INSERT INTO pair VALUES (1, 0), (2, 0)');
    const bump = (ids: number[]) =>
      db.uow.run('pair', async (tx) => {
        for (const id of ids) {
          await tx.query('UPDATE pair SET n = n + 1 WHERE id = $1', [id]);
          await new Promise((resolve) => setTimeout(resolve, 60));
        }
      });
    await Promise.all([bump([1, 2]), bump([2, 1])]);
    expect(await db.dataSource.query('SELECT n FROM pair ORDER BY id')).toEqual([{ n: 2 }, { n: 2 }]);
  });

  it('keeps a read from writing', async () => {
    await expect(db.uow.read((tx) => tx.query('UPDATE event_counter SET next_position = 9'))).rejects.toThrow(
      /read-only/,
    );
  });

  it('keeps recorded events from being edited', async () => {
    await expect(db.dataSource.query("UPDATE event_outbox SET payload = '{}'")).rejects.toThrow(/append-only/);
    await expect(db.dataSource.query('DELETE FROM event_outbox')).rejects.toThrow(/append-only/);
  });
});

describe('outbox relay', () => {
  it('gives gapless positions and never skips a transaction that commits late', async () => {
    const record = new Record();
    const relay = new OutboxRelay(db.uow, record, (type) => (type === 'late' ? ['listener'] : []));
    while ((await relay.pass()).relayed > 0);
    record.seen.length = 0;

    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let inserted = () => {};
    const written = new Promise<void>((resolve) => (inserted = resolve));
    // This one draws its sequence number first but commits last.
    const late = db.uow.run('late', async (tx) => {
      await tx.query(
        `INSERT INTO event_outbox (id, type, aggregate_type, aggregate_id, payload, is_public, occurred_at)
         VALUES (gen_random_uuid(), 'late', 'test', '1', '{}', true, now())`,
      );
      inserted();
      await held;
    });
    await written;
    await db.uow.run('early', async (tx) => tx.emit(event('early', 2)));
    expect((await relay.pass()).relayed).toBe(1);
    release();
    await late;
    const pass = await relay.pass();
    expect(pass.relayed).toBe(1);
    expect(pass.deliveries).toHaveLength(1);
    expect(record.seen.map((e) => e.type)).toEqual(['early', 'late']);
    const positions = await db.dataSource.query('SELECT position FROM event_outbox ORDER BY position');
    expect(positions.map((r: { position: bigint }) => r.position)).toEqual(
      positions.map((_: unknown, i: number) => BigInt(i)),
    );
  });

  it('lets two relays work at once without doubling an event', async () => {
    const record = new Record();
    const make = () => new OutboxRelay(db.uow, record, () => ['a', 'b'], 7);
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => db.uow.run('many', async (tx) => tx.emit(event('many', n)))),
    );
    const drain = async (relay: OutboxRelay) => {
      while ((await relay.pass()).relayed > 0);
    };
    await Promise.all([drain(make()), drain(make())]);
    expect(new Set(record.seen.map((e) => e.id)).size).toBe(40);
    expect(record.seen).toHaveLength(40);
    const [row] = await db.dataSource.query("SELECT count(*) n FROM event_delivery WHERE subscriber = 'b'");
    expect(row.n).toBe(40n);
  });

  it('finds deliveries that their queue lost', async () => {
    const relay = new OutboxRelay(db.uow, new Record(), () => []);
    expect(await relay.overdue(60_000)).toHaveLength(0);
    expect((await relay.overdue(0)).length).toBeGreaterThan(40);
  });
});

describe('group committer', () => {
  it('answers each caller after its batch and isolates a poisoned row', async () => {
    const batches: number[] = [];
    const committer = new GroupCommitter<number, number>(async (batch) => {
      batches.push(batch.length);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (batch.includes(13)) throw new Error('poison');
      return batch.map((n) => n * 2);
    });
    const results = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => committer.submit(n)));
    expect(results.filter((r) => r.status === 'rejected')).toHaveLength(1);
    expect(results[7]).toMatchObject({ value: 14 });
    expect(batches[0]).toBe(20);
  });
});
