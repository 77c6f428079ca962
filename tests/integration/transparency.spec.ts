import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DomainEventInput, OutboxRelay } from '#platform';
import { SigningKey, TransparencyLog, transparencyInvariants } from '#transparency';
import { bytes, notes, portableTreeHash, proofs, tiles, tree } from '#transparency/pure';
import { createTestDatabase, type TestDatabase } from '../../libs/testkit/src/index.js';

const key = SigningKey.fromSeed('test.example/log', new Uint8Array(32).fill(7));
const log = new TransparencyLog(() => Promise.resolve(key));
let db: TestDatabase;
let relay: OutboxRelay;

beforeAll(async () => {
  db = await createTestDatabase();
  relay = new OutboxRelay(db.uow, log, () => [], 37);
});
afterAll(() => db.close());

const event = (n: number, isPublic = true): DomainEventInput => ({
  type: 'pledge.cash.captured',
  aggregateType: 'pledge',
  aggregateId: `p${n}`,
  payload: {
    pledgeId: `p${n}`,
    campaignId: n % 2 === 0 ? 'even' : 'odd',
    amountMinor: String(n),
    note: 'Zoë ✓',
    ratio: 0.1 * n,
  },
  isPublic,
});

async function emit(...events: DomainEventInput[]): Promise<void> {
  await db.uow.run('test.emit', async (tx) => {
    for (const one of events) tx.emit(one);
    return undefined;
  });
}

async function drain(): Promise<void> {
  while ((await relay.pass()).relayed > 0);
}

async function violations(): Promise<string[]> {
  const found: string[] = [];
  for (const check of transparencyInvariants) found.push(...(await db.uow.read((tx) => check.run(tx))).violations);
  return found;
}

/** Does something the triggers forbid, and always rolls back after looking at what the checks say. */
async function tampered(sql: string): Promise<string[]> {
  const found: string[] = [];
  const runner = db.dataSource.createQueryRunner();
  await runner.startTransaction();
  try {
    await runner.query('SET LOCAL session_replication_role = replica');
    await runner.query(sql);
    const tx = {
      query: async (text: string, params: unknown[] = []) => (await runner.query(text, params, true)).records,
    } as never;
    for (const check of transparencyInvariants) found.push(...(await check.run(tx)).violations);
  } finally {
    await runner.rollbackTransaction();
    await runner.release();
  }
  return found;
}

describe('the log', () => {
  it('is empty at first and says so, signed', async () => {
    const { note, size } = await db.uow.read((tx) => log.latestCheckpoint(tx));
    expect(size).toBe(0);
    expect((await notes.openCheckpoint(note, key.verifierKey))?.checkpoint.size).toBe(0);
    expect(await violations()).toEqual([]);
  });

  it('takes every public event once, in order, and no other event', async () => {
    for (let n = 0; n < 30; n += 1) await emit(...Array.from({ length: 10 }, (_, i) => event(10 * n + i, i !== 3)));
    await drain();
    const leaves = await db.uow.read((tx) => log.leaves(tx, 0, 1000));
    expect(leaves).toHaveLength(270);
    expect(leaves.map((leaf) => leaf.index)).toEqual(leaves.map((_, i) => i));
    expect(leaves.map((leaf) => JSON.parse(Buffer.from(leaf.data).toString()).payload.amountMinor)).not.toContain('13');
    expect(await violations()).toEqual([]);
  });

  it('proves any leaf in any checkpoint, and each checkpoint out of the one before', async () => {
    await db.uow.read(async (tx) => {
      const { rows } = {
        rows: await tx.query<{ size: bigint; note: string }>('SELECT size, note FROM log_checkpoint ORDER BY size'),
      };
      expect(rows.length).toBeGreaterThan(5);
      let before: { size: number; root: Uint8Array } | undefined;
      for (const row of rows) {
        const opened = await notes.openCheckpoint(row.note, key.verifierKey);
        const { size, root } = opened!.checkpoint;
        const indices = [0, Math.floor(size / 2), size - 1];
        const paths = await log.inclusionProofs(tx, indices, size);
        for (const [i, index] of indices.entries()) {
          const leafHash = (await log.leaves(tx, index, 1))[0]!.hash;
          expect(proofs.verifyInclusion({ index, size, leafHash, root, proof: paths[i]! }, portableTreeHash)).toBe(
            true,
          );
        }
        if (before) {
          const proof = await log.consistencyProof(tx, before.size, size);
          expect(
            proofs.verifyConsistency(
              { from: before.size, to: size, fromRoot: before.root, toRoot: root, proof },
              portableTreeHash,
            ),
          ).toBe(true);
        }
        before = { size, root };
      }
    });
  });

  it('serves tiles from which anyone rebuilds the root', async () => {
    await db.uow.read(async (tx) => {
      const full = await log.tile(tx, { level: 0, index: 0, width: 256 });
      const rest = await log.tile(tx, { level: 0, index: 1, width: 14 });
      const built = new tree.MemoryTree(portableTreeHash);
      for (const hash of [...full!, ...rest!]) built.append(hash);
      expect(bytes.equalBytes(built.root(), (await log.latestCheckpoint(tx)).rootHash)).toBe(true);
      const above = await log.tile(tx, { level: 1, index: 0, width: 1 });
      expect(bytes.equalBytes(above![0]!, built.range({ start: 0, end: 256 }))).toBe(true);
      expect(await log.tile(tx, { level: 0, index: 1, width: 15 })).toBeUndefined();
      expect(tiles.tileExists({ level: 0, index: 1, width: 14 }, 270)).toBe(true);
    });
  });

  it('finds the leaves that name a campaign', async () => {
    const odd = await db.uow.read((tx) => log.leavesAbout(tx, ['odd'], 100));
    expect(odd.length).toBeGreaterThan(30);
    expect(odd.every((leaf) => leaf.subjects.includes('odd') && leaf.index < 100)).toBe(true);
  });

  it('holds an event too long for a tile by the digest of its payload', async () => {
    await emit({ ...event(1000), payload: { text: 'x'.repeat(70_000) } });
    await drain();
    const [leaf] = await db.uow.read(async (tx) => log.leaves(tx, (await log.size(tx)) - 1, 1));
    const content = JSON.parse(Buffer.from(leaf!.data).toString());
    expect(content.payload).toBeUndefined();
    expect(content.payloadSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(await violations()).toEqual([]);
  });

  it('can not be changed', async () => {
    for (const sql of [
      "UPDATE log_leaf SET event_type = 'x'",
      'DELETE FROM log_leaf',
      'TRUNCATE log_node',
      "UPDATE log_checkpoint SET note = ''",
      'DELETE FROM log_identity',
    ]) {
      await expect(db.dataSource.query(sql), sql).rejects.toThrow('append-only');
    }
  });

  it('refuses to go on with another key', async () => {
    await emit(event(2000));
    const other = SigningKey.fromSeed('test.example/log', new Uint8Array(32).fill(8));
    const stranger = new OutboxRelay(db.uow, new TransparencyLog(() => Promise.resolve(other)), () => []);
    await expect(stranger.pass()).rejects.toThrow('Put the right file back');
    await drain();
    expect(await violations()).toEqual([]);
  });
});

describe('the audit finds', () => {
  it.each([
    ['a leaf taken out', 'DELETE FROM log_leaf WHERE index = 5', /event .* is public but not in the log/],
    ['a changed leaf', `UPDATE log_leaf SET data = '{}' WHERE index = 5`, /leaf 5 is not its event/],
    [
      'a changed event',
      `UPDATE event_outbox SET payload = '{"amountMinor":"1"}' WHERE id = (SELECT event_id FROM log_leaf WHERE index = 5)`,
      /leaf 5 is not its event/,
    ],
    [
      'two leaves that changed places',
      'UPDATE log_leaf SET index = CASE index WHEN 7 THEN -1 ELSE 7 END WHERE index IN (7, 8); UPDATE log_leaf SET index = 8 WHERE index = -1',
      /out of order/,
    ],
    [
      'a changed subtree hash',
      `UPDATE log_node SET hash = sha256('x') WHERE level = 3 AND index = 1`,
      /node 3\/1 is not the hash/,
    ],
    [
      'a changed root',
      `UPDATE log_checkpoint SET root_hash = sha256('x') WHERE size = (SELECT max(size) FROM log_checkpoint)`,
      /is not what the log signed/,
    ],
    [
      'a lost checkpoint',
      'DELETE FROM log_checkpoint WHERE size = (SELECT max(size) FROM log_checkpoint)',
      /newest checkpoint covers/,
    ],
  ])('%s', async (_, sql, expected) => {
    await expect(
      tampered(
        sql.startsWith('UPDATE log_leaf SET index = CASE')
          ? `ALTER TABLE log_leaf DROP CONSTRAINT log_leaf_index_ck, DROP CONSTRAINT log_leaf_index_pk; ${sql}`
          : sql,
      ),
    ).resolves.toEqual(expect.arrayContaining([expect.stringMatching(expected)]));
  });
});

describe('the key file', () => {
  it('is made once, for its owner alone, whoever asks first', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cw-key-'));
    try {
      const path = join(folder, 'keys', 'log.key');
      const made = await Promise.all(Array.from({ length: 8 }, () => SigningKey.load(path, 'localhost:4000/log')));
      expect(new Set(made.map((one) => one.verifierKeyText)).size).toBe(1);
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect((await SigningKey.load(path, 'another.example/log')).origin).toBe('localhost:4000/log');
      const text = await readFile(path, 'utf8');
      await writeFile(path, text.replace(/\+[0-9a-f]{8}\+/, '+00000000+'));
      await expect(SigningKey.load(path, 'x')).rejects.toThrow('damaged');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
