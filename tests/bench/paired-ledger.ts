import pg from 'pg';
import { newId } from '#kernel';

/**
 * The usual way of a ledger in SQL, and pgledger's: one transfer a transaction. Both balance rows are locked in the
 * order of their ids, each balance and version is moved, and each entry carries the balance before and after it. Written
 * from that description, as one function, so that a transfer is one round trip. Entries belong to a transfer and an
 * account and are found by either, as its keys and indexes are; it has no idempotency, pending amounts, limits but the
 * sign, or immutability.
 */
const SCHEMA = `
CREATE TABLE bench_pair_account (
  id uuid PRIMARY KEY, currency text NOT NULL, balance bigint NOT NULL, version bigint NOT NULL,
  may_be_negative boolean NOT NULL, updated_at timestamptz NOT NULL);
CREATE TABLE bench_pair_transfer (
  id uuid PRIMARY KEY, from_id uuid NOT NULL REFERENCES bench_pair_account, to_id uuid NOT NULL REFERENCES bench_pair_account,
  amount bigint NOT NULL CHECK (amount > 0),
  created_at timestamptz NOT NULL);
CREATE TABLE bench_pair_entry (
  id uuid PRIMARY KEY, account_id uuid NOT NULL REFERENCES bench_pair_account,
  transfer_id uuid NOT NULL REFERENCES bench_pair_transfer, amount bigint NOT NULL, previous bigint NOT NULL,
  current bigint NOT NULL, version bigint NOT NULL, created_at timestamptz NOT NULL);
CREATE INDEX bench_pair_entry_account_ix ON bench_pair_entry (account_id);
CREATE INDEX bench_pair_entry_transfer_ix ON bench_pair_entry (transfer_id);
CREATE FUNCTION bench_pair_post(p_id uuid, p_from uuid, p_to uuid, p_amount bigint, p_entry uuid, p_other uuid)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  v_from bench_pair_account; v_to bench_pair_account; r bench_pair_account;
BEGIN
  FOR r IN SELECT * FROM bench_pair_account WHERE id IN (p_from, p_to) ORDER BY id FOR UPDATE LOOP
    IF r.id = p_from THEN v_from := r; ELSE v_to := r; END IF;
  END LOOP;
  IF v_from.currency <> v_to.currency THEN RAISE EXCEPTION 'two currencies'; END IF;
  INSERT INTO bench_pair_transfer VALUES (p_id, p_from, p_to, p_amount, now());
  UPDATE bench_pair_account SET balance = balance - p_amount, version = version + 1, updated_at = now() WHERE id = p_from
    RETURNING * INTO v_from;
  IF v_from.balance < 0 AND NOT v_from.may_be_negative THEN RAISE EXCEPTION 'overdrawn'; END IF;
  INSERT INTO bench_pair_entry
    VALUES (p_entry, p_from, p_id, -p_amount, v_from.balance + p_amount, v_from.balance, v_from.version, now());
  UPDATE bench_pair_account SET balance = balance + p_amount, version = version + 1, updated_at = now() WHERE id = p_to
    RETURNING * INTO v_to;
  INSERT INTO bench_pair_entry
    VALUES (p_other, p_to, p_id, p_amount, v_to.balance - p_amount, v_to.balance, v_to.version, now());
END $$;`;

const PAYERS = 64;
const EACH = 2;

/** The paired ledger with one hot account that 64 others pay into, and as many connections as clients. */
export class PairedLedger {
  private readonly pool: pg.Pool;
  private readonly hot: string;
  private readonly payers: readonly string[];

  private constructor(pool: pg.Pool, hot: string, payers: readonly string[]) {
    this.pool = pool;
    this.hot = hot;
    this.payers = payers;
  }

  static async open(databaseUrl: string, clients: number): Promise<PairedLedger> {
    const pool = new pg.Pool({
      connectionString: databaseUrl,
      max: clients,
      min: clients,
      application_name: 'pairing',
    });
    await pool.query(`DROP TABLE IF EXISTS bench_pair_account, bench_pair_transfer, bench_pair_entry CASCADE;
      DROP FUNCTION IF EXISTS bench_pair_post; ${SCHEMA}`);
    const [hot = '', ...payers] = Array.from({ length: PAYERS + 1 }, () => newId());
    await pool.query(
      `INSERT INTO bench_pair_account SELECT id, 'USD', $2, 0, false, now() FROM unnest($1::uuid[]) id`,
      [[hot, ...payers], String(10n ** 15n)],
    );
    return new PairedLedger(pool, hot, payers);
  }

  /** So many clients at once, each with two transfers one after another. Answers how many were committed. */
  async transfer(clients: number): Promise<number> {
    await Promise.all(
      Array.from({ length: clients }, async (_, client) => {
        for (let n = 0; n < EACH; n += 1) {
          await this.pool.query({
            name: 'pair',
            text: 'SELECT bench_pair_post($1, $2, $3, $4, $5, $6)',
            values: [newId(), this.payers[(client * EACH + n) % PAYERS], this.hot, 100 + n, newId(), newId()],
          });
        }
      }),
    );
    return clients * EACH;
  }

  /** Throws unless the balances are the sums of their entries. */
  async verify(): Promise<void> {
    const { rows } = await this.pool.query<{ wrong: string }>(
      `SELECT count(*)::text AS wrong FROM bench_pair_account a
       WHERE a.balance <> $1::bigint + coalesce((SELECT sum(amount) FROM bench_pair_entry e WHERE e.account_id = a.id), 0)`,
      [String(10n ** 15n)],
    );
    if (rows[0]?.wrong !== '0') throw new Error(`${rows[0]?.wrong} balances of the peer are wrong`);
  }

  async close(): Promise<void> {
    await this.pool
      .query(
        `DROP TABLE IF EXISTS bench_pair_account, bench_pair_transfer, bench_pair_entry CASCADE;
         DROP FUNCTION IF EXISTS bench_pair_post`,
      )
      .catch(() => undefined);
    await this.pool.end();
  }
}
