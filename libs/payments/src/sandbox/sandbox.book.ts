import { createHash, randomBytes } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/**
 * The sandbox's memory: one SQLite file.
 *
 * 1. One API request is one SQLite transaction: objects, events, deliveries, timers and the idempotency record
 *    change together or not at all.
 * 2. The answer leaves only after the commit, so a SIGKILL loses nothing that was acknowledged. (The write-ahead
 *    log is not synced at every commit: a power cut may lose the last moments, a killed process may not.)
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, parent TEXT,
    created INTEGER NOT NULL, body TEXT NOT NULL, hidden TEXT) STRICT;
  CREATE INDEX IF NOT EXISTS object_kind_seq ON object (kind, seq);
  CREATE INDEX IF NOT EXISTS object_parent_kind_seq ON object (parent, kind, seq);
  CREATE TABLE IF NOT EXISTS movement (
    txn TEXT PRIMARY KEY, currency TEXT NOT NULL, net INTEGER NOT NULL, available_on INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS movement_available ON movement (currency, available_on, net);
  CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL,
    request_id TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS timer (
    id INTEGER PRIMARY KEY AUTOINCREMENT, due_ms INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS timer_due ON timer (due_ms);
  CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, endpoint TEXT NOT NULL, copy INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL, held INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'given_up', 'lost')),
    last_error TEXT) STRICT;
  CREATE INDEX IF NOT EXISTS delivery_due ON delivery (state, next_ms);
  CREATE INDEX IF NOT EXISTS delivery_event ON delivery (event);
`;

/** Columns that came after the first version of the file. */
const ADDED_COLUMNS = [
  ['object', 'account', "TEXT NOT NULL DEFAULT ''"],
  ['timer', 'account', "TEXT NOT NULL DEFAULT ''"],
  ['movement', 'account', "TEXT NOT NULL DEFAULT ''"],
  ['movement', 'type', "TEXT NOT NULL DEFAULT ''"],
  ['movement', 'payout', 'TEXT'],
  ['delivery', 'release_at', 'INTEGER'],
  ['delivery', 'early', 'INTEGER NOT NULL DEFAULT 0'],
  ['delivery', 'first_ms', 'INTEGER'],
  ['timer', 'clock', 'TEXT'],
] as const;

const ADDED_INDEXES = `
  CREATE INDEX IF NOT EXISTS object_account_kind_seq ON object (account, kind, seq);
  CREATE INDEX IF NOT EXISTS movement_account ON movement (account, currency, available_on, net);
  CREATE INDEX IF NOT EXISTS movement_payout ON movement (payout) WHERE payout IS NOT NULL;
  CREATE INDEX IF NOT EXISTS delivery_release ON delivery (release_at) WHERE release_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS delivery_held ON delivery (endpoint, id) WHERE held = 1 AND state = 'pending' AND attempt = 0;
  CREATE INDEX IF NOT EXISTS delivery_early ON delivery (id) WHERE early = 1 AND state = 'pending' AND attempt = 0;
  CREATE INDEX IF NOT EXISTS delivery_endpoint ON delivery (endpoint, id);
`;

export interface Stored {
  readonly id: string;
  readonly object: string;
  readonly created: number;
}

export interface PageRequest {
  readonly limit: number;
  readonly startingAfter?: string | undefined;
  readonly endingBefore?: string | undefined;
  readonly parent?: string | undefined;
  readonly createdFrom?: number | undefined;
  readonly createdTo?: number | undefined;
  /** Further SQL conditions with one value each. */
  readonly also?: readonly { readonly sql: string; readonly value: string | number }[];
}

type Row = Record<string, string | number | bigint | null | Uint8Array>;
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export class SandboxBook {
  readonly #db: DatabaseSync;
  readonly #seed: string | undefined;
  readonly #nowMs: () => number;
  readonly #statements = new Map<string, StatementSync>();
  #depth = 0;
  #scope = '';
  #offsetMs = 0;
  #clock: { readonly id: string | null; readonly nowMs: number } | undefined;

  constructor(path: string, options: { seed?: string | undefined; nowMs: () => number }) {
    this.#db = new DatabaseSync(path);
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
    this.#db.exec(SCHEMA);
    this.#addColumns();
    this.#seed = options.seed;
    this.#nowMs = options.nowMs;
    this.#offsetMs = this.setting<number>('time_offset_ms') ?? 0;
  }

  /** The sandbox's time: of the test clock or the timer that is being served, else of the machine plus what was added. */
  get nowMs(): number {
    return this.#clock?.nowMs ?? this.#nowMs() + this.#offsetMs;
  }

  /** The machine's time, whatever was done to the sandbox's: what a signature is dated with. */
  get machineNowMs(): number {
    return this.#nowMs();
  }

  /** Time goes forward only, for this file for good. */
  addTime(ms: number): void {
    this.#offsetMs += ms;
    this.setSetting('time_offset_ms', this.#offsetMs);
  }

  /** Acts at an instant, and, with a test clock, lets the timers that are started here follow it. */
  at<T>(instant: { readonly nowMs: number; readonly clock: string | null }, body: () => T): T {
    const before = this.#clock;
    this.#clock = { id: instant.clock, nowMs: instant.nowMs };
    try {
      return body();
    } finally {
      this.#clock = before;
    }
  }

  /** Events are dated and delivered by the sandbox's own time even while a test clock is served. */
  offClock<T>(body: () => T): T {
    const before = this.#clock;
    if (before?.id != null) this.#clock = undefined;
    try {
      return body();
    } finally {
      this.#clock = before;
    }
  }

  /** Acts at the time of a test clock; without one, at the sandbox's. */
  onClock<T>(clock: string | null | undefined, body: () => T): T {
    const found =
      clock == null ? undefined : this.find<Stored & { frozen_time: number }>('test_helpers.test_clock', clock);
    return found === undefined ? body() : this.at({ nowMs: found.frozen_time * 1000, clock: found.id }, body);
  }

  /** Seconds since the epoch, as every Stripe object carries them. */
  get nowSeconds(): number {
    return Math.floor(this.nowMs / 1000);
  }

  close(): void {
    this.#db.close();
  }

  #addColumns(): void {
    for (const [table, column, type] of ADDED_COLUMNS) {
      const known = this.#db.prepare('SELECT 1 FROM pragma_table_info(?) WHERE name = ?').get(table, column);
      if (known === undefined) this.#db.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
    }
    this.#db.exec(ADDED_INDEXES);
  }

  /** Whose objects are written and found: '' is the platform, else the id of a connected account. */
  get scope(): string {
    return this.#scope;
  }

  /** Acts in the name of another account. Everything here is synchronous, so nobody else sees the scope. */
  within<T>(account: string, body: () => T): T {
    const before = this.#scope;
    this.#scope = account;
    try {
      return body();
    } finally {
      this.#scope = before;
    }
  }

  transaction<T>(body: () => T): T {
    if (this.#depth > 0) return body();
    this.#db.exec('BEGIN IMMEDIATE');
    this.#depth += 1;
    try {
      const result = body();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  /** The texts are few and fixed, so each is compiled once. */
  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const compiled = this.#db.prepare(sql);
    this.#statements.set(sql, compiled);
    return compiled;
  }

  run(sql: string, ...values: (string | number | null)[]): number {
    return Number(this.#statement(sql).run(...values).changes);
  }

  rows(sql: string, ...values: (string | number | null)[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  row(sql: string, ...values: (string | number | null)[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined;
  }

  setting<T>(key: string): T | undefined {
    const found = this.row('SELECT value FROM meta WHERE key = ?', key);
    return found === undefined ? undefined : (JSON.parse(String(found['value'])) as T);
  }

  setSetting(key: string, value: unknown): void {
    this.run(
      'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      key,
      JSON.stringify(value),
    );
  }

  /** Random, or the same sequence at every run of the same seed on an empty file. */
  newId(prefix: string, length = 24): string {
    return `${prefix}_${this.#letters(length)}`;
  }

  #letters(length: number): string {
    if (this.#seed === undefined) return base62(randomBytes(length));
    const counter = (this.setting<number>('id_counter') ?? 0) + 1;
    this.setSetting('id_counter', counter);
    return base62(createHash('sha512').update(`${this.#seed}:${counter}`).digest().subarray(0, length));
  }

  /** A number in [0, 1): from the seed where there is one, so that chaos can be replayed. */
  chance(): number {
    const bytes =
      this.#seed === undefined
        ? randomBytes(4)
        : createHash('sha256')
            .update(`${this.#seed}:${this.#letters(8)}`)
            .digest()
            .subarray(0, 4);
    return bytes.readUInt32BE(0) / 2 ** 32;
  }

  add<T extends Stored>(object: T, options: { parent?: string; hidden?: object } = {}): T {
    this.run(
      'INSERT INTO object (id, kind, parent, created, body, hidden, account) VALUES (?, ?, ?, ?, ?, ?, ?)',
      object.id,
      object.object,
      options.parent ?? null,
      object.created,
      JSON.stringify(object),
      options.hidden === undefined ? null : JSON.stringify(options.hidden),
      this.#scope,
    );
    return object;
  }

  save<T extends Stored>(object: T): T {
    this.run('UPDATE object SET body = ? WHERE id = ?', JSON.stringify(object), object.id);
    return object;
  }

  setParent(id: string, parent: string | null): void {
    this.run('UPDATE object SET parent = ? WHERE id = ?', parent, id);
  }

  remove(id: string): void {
    this.run('DELETE FROM object WHERE id = ?', id);
  }

  find<T extends Stored>(kind: string, id: string): T | undefined {
    const found = this.row('SELECT body FROM object WHERE id = ? AND kind = ? AND account = ?', id, kind, this.#scope);
    return found === undefined ? undefined : (JSON.parse(String(found['body'])) as T);
  }

  findAny(id: string): Stored | undefined {
    const found = this.row('SELECT body FROM object WHERE id = ?', id);
    return found === undefined ? undefined : (JSON.parse(String(found['body'])) as Stored);
  }

  /** What the sandbox knows about an object and the API does not show. */
  hidden<T>(id: string): T | undefined {
    const found = this.row('SELECT hidden FROM object WHERE id = ?', id);
    return found?.['hidden'] == null ? undefined : (JSON.parse(String(found['hidden'])) as T);
  }

  setHidden(id: string, hidden: object): void {
    this.run('UPDATE object SET hidden = ? WHERE id = ?', JSON.stringify(hidden), id);
  }

  children<T extends Stored>(parent: string, kind: string): T[] {
    return this.rows('SELECT body FROM object WHERE parent = ? AND kind = ? ORDER BY seq', parent, kind).map(
      (found) => JSON.parse(String(found['body'])) as T,
    );
  }

  /** Newest first, by keyset; `undefined` when the cursor names an object that is not there. */
  page<T extends Stored>(kind: string, request: PageRequest): { data: T[]; hasMore: boolean } | undefined {
    const conditions = ['account = ?', 'kind = ?'];
    const values: (string | number)[] = [this.#scope, kind];
    const add = (condition: string, value: string | number | undefined): void => {
      if (value === undefined) return;
      conditions.push(condition);
      values.push(value);
    };
    add('parent = ?', request.parent);
    add('created >= ?', request.createdFrom);
    add('created <= ?', request.createdTo);
    for (const { sql, value } of request.also ?? []) add(sql, value);
    const backwards = request.endingBefore !== undefined;
    const cursor = request.startingAfter ?? request.endingBefore;
    if (cursor !== undefined) {
      const at = this.row(
        'SELECT seq FROM object WHERE id = ? AND kind = ? AND account = ?',
        cursor,
        kind,
        this.#scope,
      );
      if (at === undefined) return undefined;
      add(backwards ? 'seq > ?' : 'seq < ?', Number(at['seq']));
    }
    const found = this.rows(
      `SELECT body FROM object WHERE ${conditions.join(' AND ')} ORDER BY seq ${backwards ? 'ASC' : 'DESC'} LIMIT ?`,
      ...values,
      request.limit + 1,
    ).map((each) => JSON.parse(String(each['body'])) as T);
    const data = found.slice(0, request.limit);
    return { data: backwards ? data.reverse() : data, hasMore: found.length > request.limit };
  }

  startTimer(kind: string, subject: string, delayMs: number): void {
    this.run(
      'INSERT INTO timer (due_ms, kind, subject, account, clock) VALUES (?, ?, ?, ?, ?)',
      this.nowMs + delayMs,
      kind,
      subject,
      this.#scope,
      this.#clock?.id ?? null,
    );
  }
}

function base62(bytes: Uint8Array): string {
  return [...bytes].map((byte) => BASE62[byte % 62]).join('');
}
