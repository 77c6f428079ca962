import { createHash, randomBytes } from 'node:crypto';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { prepareFile } from './sandbox.schema.js';

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
  /** Further SQL conditions with one value each; `index` is the one to find the rows by. */
  readonly also?: readonly { readonly sql: string; readonly value: string | number; readonly index?: string }[];
}

const RANDOM_BYTES = 8192;

type Row = Record<string, string | number | bigint | null | Uint8Array>;
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * The sandbox's memory: one SQLite file.
 *
 * 1. The changes of one API request (objects, events, deliveries, timers and the idempotency record) happen together or
 *    not at all: each request is a savepoint, and those of one turn of the event loop share a commit.
 * 2. An answer, and a delivery, leaves only after the commit, so a SIGKILL loses nothing that was acknowledged. (The
 *    write-ahead log is not synced at every commit: a power cut may lose the last moments, a killed process may not.)
 */
export class SandboxBook {
  readonly #db: DatabaseSync;
  readonly #seed: string | undefined;
  readonly #nowMs: () => number;
  readonly #statements = new Map<string, StatementSync>();
  /** As they were read or written last: nobody else writes the file. */
  readonly #settings = new Map<string, unknown>();
  readonly #derived = new Map<string, unknown>();
  #randoms = Buffer.alloc(0);
  #depth = 0;
  #open: { readonly done: Promise<void>; readonly settle: (error?: unknown) => void } | undefined;
  #scope = '';
  #offsetMs = 0;
  #clock: { readonly id: string | null; readonly nowMs: number } | undefined;

  constructor(path: string, options: { seed?: string | undefined; nowMs: () => number }) {
    this.#db = new DatabaseSync(path);
    prepareFile(this.#db);
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
    this.flush();
    this.#db.close();
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

  /** All of the body or nothing. It is committed with the turn of the event loop: see {@link committed}. */
  transaction<T>(body: () => T): T {
    if (this.#depth > 0) return body();
    this.#begin();
    this.#statement('SAVEPOINT request').run();
    this.#depth += 1;
    try {
      const result = body();
      this.#statement('RELEASE request').run();
      return result;
    } catch (error) {
      this.#statement('ROLLBACK TO request').run();
      this.#statement('RELEASE request').run();
      this.#settings.clear();
      this.#derived.clear();
      throw error;
    } finally {
      this.#depth -= 1;
    }
  }

  /** Resolves when everything that was done until now is in the file. */
  async committed(): Promise<void> {
    await this.#open?.done;
  }

  /** Commits now. */
  flush(): void {
    const open = this.#open;
    if (open === undefined || this.#depth > 0) return;
    this.#open = undefined;
    try {
      this.#statement('COMMIT').run();
      open.settle();
    } catch (error) {
      this.#db.exec('ROLLBACK');
      this.#settings.clear();
      this.#derived.clear();
      open.settle(error);
      throw error;
    }
  }

  #begin(): void {
    if (this.#open !== undefined) return;
    this.#statement('BEGIN').run();
    let settle: (error?: unknown) => void = () => undefined;
    const done = new Promise<void>((resolve, reject) => {
      settle = (error) => (error === undefined ? resolve() : reject(error as Error));
    });
    // Whoever waits hears of a failure; without anybody who waits it is no failure of the process.
    done.catch(() => undefined);
    this.#open = { done, settle };
    setImmediate(() => {
      try {
        this.flush();
      } catch {
        // Told to everybody who waits for this commit.
      }
    });
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
    if (this.#settings.has(key)) return this.#settings.get(key) as T | undefined;
    const found = this.row('SELECT value FROM meta WHERE key = ?', key);
    const value = found === undefined ? undefined : (JSON.parse(String(found['value'])) as T);
    this.#settings.set(key, value);
    return value;
  }

  setSetting(key: string, value: unknown): void {
    this.run(
      'INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      key,
      JSON.stringify(value),
    );
    this.#settings.set(key, value);
  }

  /** What follows from the objects whose ids begin with the prefix, until one of them changes. */
  derived<T>(prefix: string, make: () => T): T {
    if (!this.#derived.has(prefix)) this.#derived.set(prefix, make());
    return this.#derived.get(prefix) as T;
  }

  #changed(id: string): void {
    for (const prefix of this.#derived.keys()) if (id.startsWith(prefix)) this.#derived.delete(prefix);
  }

  /** Random, or the same sequence at every run of the same seed on an empty file. */
  newId(prefix: string, length = 24): string {
    return `${prefix}_${this.#letters(length)}`;
  }

  #letters(length: number): string {
    if (this.#seed === undefined) return base62(this.#random(length));
    const counter = (this.setting<number>('id_counter') ?? 0) + 1;
    this.setSetting('id_counter', counter);
    return base62(createHash('sha512').update(`${this.#seed}:${counter}`).digest().subarray(0, length));
  }

  #random(length: number): Uint8Array {
    if (this.#randoms.length < length) this.#randoms = randomBytes(RANDOM_BYTES);
    const taken = this.#randoms.subarray(0, length);
    this.#randoms = this.#randoms.subarray(length);
    return taken;
  }

  /** A number in [0, 1): from the seed where there is one, so that chaos can be replayed. */
  chance(): number {
    const bytes =
      this.#seed === undefined
        ? Buffer.from(this.#random(4))
        : createHash('sha256')
            .update(`${this.#seed}:${this.#letters(8)}`)
            .digest()
            .subarray(0, 4);
    return bytes.readUInt32BE(0) / 2 ** 32;
  }

  add<T extends Stored>(object: T, options: { parent?: string; hidden?: object } = {}): T {
    this.run(
      'INSERT INTO object (id, kind, parent, created, body, hidden, account, customer, type) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      object.id,
      object.object,
      options.parent ?? null,
      object.created,
      JSON.stringify(object),
      options.hidden === undefined ? null : JSON.stringify(options.hidden),
      this.#scope,
      textIn(object, 'customer'),
      object.object === 'event' ? textIn(object, 'type') : null,
    );
    this.#changed(object.id);
    return object;
  }

  save<T extends Stored>(object: T): T {
    const customer = textIn(object, 'customer');
    this.run('UPDATE object SET body = ?, customer = ? WHERE id = ?', JSON.stringify(object), customer, object.id);
    this.#changed(object.id);
    return object;
  }

  setParent(id: string, parent: string | null): void {
    this.run('UPDATE object SET parent = ? WHERE id = ?', parent, id);
  }

  remove(id: string): void {
    this.run('DELETE FROM object WHERE id = ?', id);
    this.#changed(id);
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
    this.#changed(id);
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
    const named =
      request.parent === undefined ? request.also?.find(({ index }) => index)?.index : 'object_parent_kind_seq';
    // Named, because the planner would rather walk through all of a kind, newest first, than through one parent's.
    const indexed = named === undefined ? '' : `INDEXED BY ${named}`;
    const found = this.rows(
      `SELECT body FROM object ${indexed} WHERE ${conditions.join(' AND ')} ORDER BY seq ${backwards ? 'ASC' : 'DESC'} LIMIT ?`,
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
  let text = '';
  for (const byte of bytes) text += BASE62[byte % 62];
  return text;
}

/** A field of an object that holds a text, or null: an expanded or missing reference is none. */
function textIn(object: Stored, field: string): string | null {
  const value = (object as unknown as Record<string, unknown>)[field];
  return typeof value === 'string' ? value : null;
}
