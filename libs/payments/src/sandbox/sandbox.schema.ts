import type { DatabaseSync } from 'node:sqlite';

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
  // What lists are narrowed by: the customer of a payment, the type of an event.
  ['object', 'customer', 'TEXT'],
  ['object', 'type', 'TEXT'],
] as const;

/** What an older file lacks in the columns it did not have. */
const FILLED_COLUMNS: Readonly<Record<string, string>> = {
  customer:
    "UPDATE object SET customer = json_extract(body, '$.customer') WHERE kind IN ('payment_intent', 'charge', 'refund')",
  type: "UPDATE object SET type = json_extract(body, '$.type') WHERE kind = 'event'",
};

const ADDED_INDEXES = `
  CREATE INDEX IF NOT EXISTS object_account_kind_seq ON object (account, kind, seq);
  CREATE INDEX IF NOT EXISTS object_customer ON object (customer, kind, seq) WHERE customer IS NOT NULL;
  CREATE INDEX IF NOT EXISTS object_type ON object (type, seq) WHERE type IS NOT NULL;
  CREATE INDEX IF NOT EXISTS movement_account ON movement (account, currency, available_on, net);
  CREATE INDEX IF NOT EXISTS movement_payout ON movement (payout) WHERE payout IS NOT NULL;
  CREATE INDEX IF NOT EXISTS delivery_release ON delivery (release_at) WHERE release_at IS NOT NULL;
  CREATE INDEX IF NOT EXISTS delivery_held ON delivery (endpoint, id) WHERE held = 1 AND state = 'pending' AND attempt = 0;
  CREATE INDEX IF NOT EXISTS delivery_early ON delivery (id) WHERE early = 1 AND state = 'pending' AND attempt = 0;
  CREATE INDEX IF NOT EXISTS delivery_endpoint ON delivery (endpoint, id);
`;

/** How many pages (4 KiB) the write-ahead log may grow by before it is moved into the file: that is when it is synced. */
const CHECKPOINT_PAGES = 16_384;
/** Of the file, in memory. */
const CACHE_KIB = 65_536;

/** Makes a new or an older file what the book expects. */
export function prepareFile(db: DatabaseSync): void {
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
  db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}; PRAGMA cache_size = -${CACHE_KIB};`);
  db.exec(SCHEMA);
  for (const [table, column, type] of ADDED_COLUMNS) {
    const known = db.prepare('SELECT 1 FROM pragma_table_info(?) WHERE name = ?').get(table, column);
    if (known !== undefined) continue;
    db.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
    if (table === 'object') db.exec(FILLED_COLUMNS[column] ?? '');
  }
  db.exec(ADDED_INDEXES);
}
