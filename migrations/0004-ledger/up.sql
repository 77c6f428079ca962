-- The ledger: accounts of one unit each, immutable transfers between them, balances that only transfers change.
-- The rules are numbered in libs/ledger/README.md.

CREATE TABLE ledger_unit (
  code text NOT NULL,
  scale smallint NOT NULL,
  CONSTRAINT ledger_unit_code_pk PRIMARY KEY (code),
  CONSTRAINT ledger_unit_code_ck CHECK (code ~ '^([A-Z]{3}|gpu_second:[a-z0-9][a-z0-9_.-]{0,62})$'),
  CONSTRAINT ledger_unit_scale_ck CHECK (scale BETWEEN 0 AND 6)
);
-- Currencies with the digits of their minor unit (ISO 4217, list one). A unit never changes, so one that a country
-- redenominates comes as a new code, as it does in ISO 4217.
INSERT INTO ledger_unit (code, scale)
SELECT unnest(string_to_array('AED ARS AUD BDT BRL CAD CHF CNY COP CRC CZK DKK DOP EGP EUR GBP GEL GHS HKD HUF IDR ILS INR KES '
  'KZT LKR MAD MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RON RSD SAR SEK SGD THB TRY TWD TZS UAH USD UYU ZAR', ' ')), 2
UNION ALL
SELECT unnest(string_to_array('CLP ISK JPY KRW PYG RWF UGX VND XAF XOF XPF', ' ')), 0
UNION ALL
SELECT unnest(string_to_array('BHD IQD JOD KWD LYD OMR TND', ' ')), 3;

-- Codes and keys are compared by their bytes (collation "C"), whatever the collation of the database: it is faster, and one
-- index then serves equality, order and prefix.
CREATE TABLE ledger_account (
  id uuid NOT NULL,
  code text COLLATE "C" NOT NULL,
  unit text NOT NULL,
  limit_rule text NOT NULL,
  debits_pending bigint NOT NULL DEFAULT 0,
  debits_posted bigint NOT NULL DEFAULT 0,
  credits_pending bigint NOT NULL DEFAULT 0,
  credits_posted bigint NOT NULL DEFAULT 0,
  -- How many entries the account has; the newest entry carries this number.
  version bigint NOT NULL DEFAULT 0,
  -- When the newest entry was recorded. No entry of the account is ever recorded at an earlier moment than this.
  touched_at timestamptz NOT NULL DEFAULT '-infinity',
  -- The pending transfer that closed the account; while it stands, nothing but voids and expiries are entered.
  closed_by uuid,
  opened_at timestamptz NOT NULL,
  CONSTRAINT ledger_account_id_pk PRIMARY KEY (id),
  CONSTRAINT ledger_account_code_uq UNIQUE (code),
  CONSTRAINT ledger_account_unit_fk FOREIGN KEY (unit) REFERENCES ledger_unit (code),
  CONSTRAINT ledger_account_limit_rule_ck
    CHECK (limit_rule IN ('none', 'debits_must_not_exceed_credits', 'credits_must_not_exceed_debits')),
  CONSTRAINT ledger_account_counters_ck
    CHECK (debits_pending >= 0 AND debits_posted >= 0 AND credits_pending >= 0 AND credits_posted >= 0),
  -- Written as differences, which can't leave the range of bigint.
  CONSTRAINT ledger_account_range_ck CHECK (
    debits_pending <= 9000000000000000000 - debits_posted AND credits_pending <= 9000000000000000000 - credits_posted),
  CONSTRAINT ledger_account_debits_limit_ck
    CHECK (limit_rule <> 'debits_must_not_exceed_credits' OR debits_pending <= credits_posted - debits_posted),
  CONSTRAINT ledger_account_credits_limit_ck
    CHECK (limit_rule <> 'credits_must_not_exceed_debits' OR credits_pending <= debits_posted - credits_posted)
) WITH (fillfactor = 50);
CREATE INDEX ledger_account_unit_code_ix ON ledger_account (unit, code);

CREATE TABLE ledger_transfer (
  id uuid NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  key text COLLATE "C" NOT NULL,
  request_hash bytea NOT NULL,
  -- The first transfer of the chain that this one succeeded with; its own id when it stood alone.
  chain_id uuid NOT NULL,
  kind text NOT NULL,
  unit text NOT NULL,
  debit_account_id uuid NOT NULL,
  credit_account_id uuid NOT NULL,
  amount bigint NOT NULL,
  -- What a resolution takes off the pending counters: the whole amount of the pending transfer.
  released bigint NOT NULL DEFAULT 0,
  pending_id uuid,
  expires_at timestamptz,
  -- The account that a pending transfer closes until it is voided or expires.
  closes text,
  reason text NOT NULL,
  refs jsonb NOT NULL,
  -- Whole milliseconds, as every process and every cursor writes a moment.
  recorded_at timestamptz(3) NOT NULL,
  -- The number of this entry in each of its two accounts, counted from 1 without a gap, and the account after it.
  debit_version bigint NOT NULL,
  debit_debits_pending bigint NOT NULL,
  debit_debits_posted bigint NOT NULL,
  debit_credits_pending bigint NOT NULL,
  debit_credits_posted bigint NOT NULL,
  credit_version bigint NOT NULL,
  credit_debits_pending bigint NOT NULL,
  credit_debits_posted bigint NOT NULL,
  credit_credits_pending bigint NOT NULL,
  credit_credits_posted bigint NOT NULL,
  CONSTRAINT ledger_transfer_id_pk PRIMARY KEY (id),
  CONSTRAINT ledger_transfer_seq_uq UNIQUE (seq),
  CONSTRAINT ledger_transfer_key_uq UNIQUE (key),
  -- That both accounts exist and hold this unit, and that a resolution has its pending transfer, is checked by
  -- ledger_transfer_apply for all rows of a statement at once: a foreign key asks for each row, also for those where it is
  -- null, which was a quarter of the time of a posting, and more with many accounts.
  CONSTRAINT ledger_transfer_key_ck CHECK (length(key) BETWEEN 1 AND 200),
  CONSTRAINT ledger_transfer_request_hash_ck CHECK (length(request_hash) = 32),
  CONSTRAINT ledger_transfer_accounts_ck CHECK (debit_account_id <> credit_account_id),
  -- Only a transfer that closes an account, and what lets it go, may hold nothing.
  CONSTRAINT ledger_transfer_amount_ck CHECK (amount <= 1000000000000000000
    AND (amount > 0 OR amount = 0 AND (closes IS NOT NULL OR kind IN ('void_pending', 'expired')))),
  CONSTRAINT ledger_transfer_closes_ck CHECK (closes IS NULL OR closes IN ('debit', 'credit') AND kind = 'pending'),
  CONSTRAINT ledger_transfer_kind_ck CHECK (
    CASE kind
      WHEN 'posted' THEN pending_id IS NULL AND released = 0 AND expires_at IS NULL
      WHEN 'pending' THEN pending_id IS NULL AND released = 0
      WHEN 'post_pending' THEN pending_id IS NOT NULL AND released >= amount AND expires_at IS NULL
      WHEN 'void_pending' THEN pending_id IS NOT NULL AND released = amount AND expires_at IS NULL
      WHEN 'expired' THEN pending_id IS NOT NULL AND released = amount AND expires_at IS NOT NULL
      ELSE false
    END)
);
ALTER TABLE ledger_account ADD CONSTRAINT ledger_account_closed_by_fk FOREIGN KEY (closed_by) REFERENCES ledger_transfer (id);
-- A pending transfer is resolved at most once.
CREATE UNIQUE INDEX ledger_transfer_pending_id_uq ON ledger_transfer (pending_id) WHERE pending_id IS NOT NULL;
-- An account's entries in their order; also the point-in-time balance: the newest entry not after the moment.
-- No two entries are equal, so looking for equal ones before each split of a page is left out.
CREATE INDEX ledger_transfer_debit_entry_ix ON ledger_transfer (debit_account_id, recorded_at, debit_version)
  WITH (deduplicate_items = off);
CREATE INDEX ledger_transfer_credit_entry_ix ON ledger_transfer (credit_account_id, recorded_at, credit_version)
  WITH (deduplicate_items = off);
-- Expiries that were written down after they happened.
CREATE INDEX ledger_transfer_debit_expired_ix ON ledger_transfer (debit_account_id, recorded_at, expires_at)
  WHERE kind = 'expired';
CREATE INDEX ledger_transfer_credit_expired_ix ON ledger_transfer (credit_account_id, recorded_at, expires_at)
  WHERE kind = 'expired';

-- Pending transfers that can still expire. Derived from ledger_transfer and kept by its trigger.
CREATE TABLE ledger_expiry (
  transfer_id uuid NOT NULL,
  debit_account_id uuid NOT NULL,
  credit_account_id uuid NOT NULL,
  amount bigint NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT ledger_expiry_transfer_id_pk PRIMARY KEY (transfer_id),
  CONSTRAINT ledger_expiry_transfer_id_fk FOREIGN KEY (transfer_id) REFERENCES ledger_transfer (id)
);
CREATE INDEX ledger_expiry_expires_at_ix ON ledger_expiry (expires_at);
CREATE INDEX ledger_expiry_debit_ix ON ledger_expiry (debit_account_id, expires_at);
CREATE INDEX ledger_expiry_credit_ix ON ledger_expiry (credit_account_id, expires_at);

-- Keys of transfers that asked to be refused for good when they are refused for a reason that may pass, and were.
CREATE TABLE ledger_burnt_key (
  key text COLLATE "C" NOT NULL,
  request_hash bytea NOT NULL,
  code text NOT NULL,
  refused_at timestamptz NOT NULL,
  CONSTRAINT ledger_burnt_key_key_pk PRIMARY KEY (key),
  CONSTRAINT ledger_burnt_key_request_hash_ck CHECK (length(request_hash) = 32)
);

-- The book of each unit: its transfers numbered from 1 without a gap, each sealed over the one before. Written behind the
-- transfers by one sealer, so that writers don't queue for a number.
CREATE TABLE ledger_seal (
  unit text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  -- The transfer, by its sequence number: half as wide as its id, and in the order in which seals are written.
  transfer_seq bigint NOT NULL,
  hash bytea NOT NULL,
  CONSTRAINT ledger_seal_unit_position_pk PRIMARY KEY (unit, position),
  -- That the transfer exists and is of this unit is checked by ledger_seal_added for all rows of a statement at once.
  CONSTRAINT ledger_seal_transfer_seq_uq UNIQUE (transfer_seq),
  CONSTRAINT ledger_seal_position_ck CHECK (position > 0),
  CONSTRAINT ledger_seal_hash_ck CHECK (length(hash) = 32)
);

-- Where the sealer stands. Every transfer with seq <= floor_seq is sealed, and none will appear there any more: either every
-- number up to there has its seal, or, when the sequence stood at next_floor_seq, transactions before next_floor_xid were
-- under way, and they are all over by the time that floor is taken.
CREATE TABLE ledger_sealer (
  id smallint NOT NULL,
  floor_seq bigint NOT NULL,
  next_floor_seq bigint NOT NULL,
  next_floor_xid bigint NOT NULL,
  CONSTRAINT ledger_sealer_id_pk PRIMARY KEY (id),
  CONSTRAINT ledger_sealer_id_ck CHECK (id = 1)
);
INSERT INTO ledger_sealer (id, floor_seq, next_floor_seq, next_floor_xid) VALUES (1, 0, 0, 0);

-- The newest seal of each unit that went into the public log.
CREATE TABLE ledger_seal_notice (
  unit text NOT NULL,
  position bigint NOT NULL,
  hash bytea NOT NULL,
  published_at timestamptz NOT NULL,
  CONSTRAINT ledger_seal_notice_unit_position_pk PRIMARY KEY (unit, position),
  CONSTRAINT ledger_seal_notice_unit_position_fk FOREIGN KEY (unit, position) REFERENCES ledger_seal (unit, position)
);

-- What an account holds now, expired amounts left out. Other rooms' statements join this rather than ledger_account when
-- they show pending amounts.
CREATE VIEW ledger_balance AS
SELECT a.id, a.code, a.unit,
  a.debits_pending - coalesce((SELECT sum(e.amount) FROM ledger_expiry e
    WHERE e.debit_account_id = a.id AND e.expires_at <= now()), 0)::bigint AS debits_pending,
  a.debits_posted,
  a.credits_pending - coalesce((SELECT sum(e.amount) FROM ledger_expiry e
    WHERE e.credit_account_id = a.id AND e.expires_at <= now()), 0)::bigint AS credits_pending,
  a.credits_posted
FROM ledger_account a;

CREATE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: the ledger is append-only; correct a mistake by another transfer', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_transfer_immutable_tr BEFORE UPDATE OR DELETE ON ledger_transfer
  FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_transfer_truncate_tr BEFORE TRUNCATE ON ledger_transfer
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_account_delete_tr BEFORE DELETE ON ledger_account
  FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_account_truncate_tr BEFORE TRUNCATE ON ledger_account
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_seal_immutable_tr BEFORE UPDATE OR DELETE ON ledger_seal
  FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_seal_truncate_tr BEFORE TRUNCATE ON ledger_seal
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_burnt_key_immutable_tr BEFORE UPDATE OR DELETE ON ledger_burnt_key
  FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_burnt_key_truncate_tr BEFORE TRUNCATE ON ledger_burnt_key
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_seal_notice_immutable_tr BEFORE UPDATE OR DELETE ON ledger_seal_notice
  FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_seal_notice_truncate_tr BEFORE TRUNCATE ON ledger_seal_notice
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_unit_change_tr BEFORE UPDATE OR DELETE ON ledger_unit
  FOR EACH ROW EXECUTE FUNCTION ledger_refuse_change();
CREATE TRIGGER ledger_expiry_truncate_tr BEFORE TRUNCATE ON ledger_expiry
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse_change();

-- Only the trigger of ledger_transfer (depth 1, so that this one runs at depth 2) may change an account or the expiries.
CREATE FUNCTION ledger_account_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    -- Here and not as a check of the row, which every posting would ask again; a code never changes.
    IF NEW.code !~ '^[A-Za-z0-9][A-Za-z0-9:_.-]{0,199}$' THEN
      RAISE EXCEPTION 'the code of an account has letters, digits and : _ . - only, at most 200: %', NEW.code
        USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.debits_pending, NEW.debits_posted, NEW.credits_pending, NEW.credits_posted, NEW.version) <> (0, 0, 0, 0, 0)
       OR NEW.touched_at <> '-infinity' OR NEW.closed_by IS NOT NULL THEN
      RAISE EXCEPTION 'an account opens empty' USING ERRCODE = 'restrict_violation';
    END IF;
  ELSIF pg_trigger_depth() < 2 THEN
    RAISE EXCEPTION 'balances change only by transfers' USING ERRCODE = 'restrict_violation';
  ELSIF (NEW.id, NEW.code, NEW.unit, NEW.limit_rule, NEW.opened_at) IS DISTINCT FROM
        (OLD.id, OLD.code, OLD.unit, OLD.limit_rule, OLD.opened_at) THEN
    RAISE EXCEPTION 'an account keeps its code, unit and limit' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER ledger_account_guard_tr BEFORE INSERT OR UPDATE ON ledger_account
  FOR EACH ROW EXECUTE FUNCTION ledger_account_guard();

CREATE FUNCTION ledger_expiry_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF pg_trigger_depth() < 2 THEN
    RAISE EXCEPTION 'expiries change only by transfers' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_expiry_guard_tr AFTER INSERT OR UPDATE OR DELETE ON ledger_expiry
  FOR EACH STATEMENT EXECUTE FUNCTION ledger_expiry_guard();

-- Every way to insert transfers goes through here, so the sum of the entries and the balance can't part.
CREATE FUNCTION ledger_transfer_apply() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  v_expected integer;
  v_updated integer;
  v_plain boolean;
  v_resolves boolean;
  v_closings integer;
BEGIN
  -- One walk over the new rows, grouped by each side; the rest of the statement is by account.
  WITH side AS (
    SELECT debit_account_id, credit_account_id, unit, count(*) AS entries,
           sum(CASE WHEN kind = 'pending' THEN amount ELSE 0 END - released) AS holds,
           sum(CASE WHEN kind IN ('posted', 'post_pending') THEN amount ELSE 0 END) AS posts,
           min(debit_version) AS first_debit, max(debit_version) AS last_debit,
           min(credit_version) AS first_credit, max(credit_version) AS last_credit,
           min(recorded_at) AS first_at, max(recorded_at) AS last_at,
           bool_and(kind IN ('void_pending', 'expired')) AS releases, bool_and(kind = 'posted') AS plain
    FROM added GROUP BY GROUPING SETS ((debit_account_id, unit), (credit_account_id, unit))
  ), entry AS (
    SELECT debit_account_id AS account_id, unit, entries, holds AS dp, posts AS d, 0 AS cp, 0 AS c,
           first_debit AS first_version, last_debit AS last_version, first_at, last_at, releases, plain
    FROM side WHERE debit_account_id IS NOT NULL
    UNION ALL
    SELECT credit_account_id, unit, entries, 0, 0, holds, posts, first_credit, last_credit, first_at, last_at, releases, plain
    FROM side WHERE credit_account_id IS NOT NULL
  ), change AS (
    SELECT account_id, unit, sum(dp)::bigint AS dp, sum(d)::bigint AS d, sum(cp)::bigint AS cp, sum(c)::bigint AS c,
           sum(entries)::bigint AS entries, min(first_version) AS first_version, max(last_version) AS last_version,
           min(first_at) AS first_at, max(last_at) AS last_at, bool_and(releases) AS releases,
           bool_and(plain) AS plain
    FROM entry GROUP BY account_id, unit
  ), changed AS (
    UPDATE ledger_account a
    SET debits_pending = a.debits_pending + c.dp, debits_posted = a.debits_posted + c.d,
        credits_pending = a.credits_pending + c.cp, credits_posted = a.credits_posted + c.c,
        version = a.version + c.entries, touched_at = c.last_at
    FROM change c
    -- IS TRUE keeps the planner from walking all accounts of the unit.
    WHERE a.id = c.account_id AND (a.unit = c.unit) IS TRUE AND c.first_version = a.version + 1
      AND c.last_version = a.version + c.entries AND c.first_at >= a.touched_at AND (a.closed_by IS NULL OR c.releases)
    RETURNING 1
  )
  SELECT count(*), (SELECT count(*) FROM changed), bool_and(plain) INTO v_expected, v_updated, v_plain FROM change;
  IF v_expected <> v_updated THEN
    RAISE EXCEPTION 'entries continue their account in number, time and unit, and a closed one has none but releases'
      USING ERRCODE = 'check_violation';
  END IF;
  -- Posted transfers resolve, close and hold nothing.
  IF v_plain THEN RETURN NULL; END IF;
  SELECT count(pending_id) > 0, count(closes) INTO v_resolves, v_closings FROM added;
  IF v_resolves THEN
    IF EXISTS (
      SELECT FROM added r LEFT JOIN ledger_transfer p ON p.id = r.pending_id
      WHERE r.pending_id IS NOT NULL
        AND (p.id IS NULL OR p.kind <> 'pending' OR p.amount <> r.released OR p.debit_account_id <> r.debit_account_id
          OR p.credit_account_id <> r.credit_account_id
          OR (r.kind = 'expired') <> (p.expires_at IS NOT NULL AND p.expires_at <= r.recorded_at))
    ) THEN
      RAISE EXCEPTION 'a resolution matches its pending transfer' USING ERRCODE = 'check_violation';
    END IF;
    UPDATE ledger_account a SET closed_by = NULL FROM added r WHERE a.closed_by = r.pending_id;
  END IF;
  IF v_closings > 0 THEN
    -- The closing entry is the account's last of the statement, so that what followed it can't hide behind it.
    UPDATE ledger_account a SET closed_by = t.id FROM added t
    WHERE (t.closes = 'debit' AND a.id = t.debit_account_id AND a.version = t.debit_version)
       OR (t.closes = 'credit' AND a.id = t.credit_account_id AND a.version = t.credit_version);
    GET DIAGNOSTICS v_updated = ROW_COUNT;
    IF v_updated <> v_closings THEN
      RAISE EXCEPTION 'nothing follows the closing of an account' USING ERRCODE = 'check_violation';
    END IF;
  END IF;
  INSERT INTO ledger_expiry (transfer_id, debit_account_id, credit_account_id, amount, expires_at)
  SELECT id, debit_account_id, credit_account_id, amount, expires_at FROM added
  WHERE kind = 'pending' AND expires_at IS NOT NULL;
  IF v_resolves THEN
    DELETE FROM ledger_expiry e USING added r WHERE r.pending_id IS NOT NULL AND e.transfer_id = r.pending_id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_transfer_apply_tr AFTER INSERT ON ledger_transfer
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_transfer_apply();

CREATE FUNCTION ledger_seal_added() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
DECLARE
  v_count bigint;
  v_first bigint;
  v_last bigint;
  v_found bigint;
BEGIN
  SELECT count(*), min(transfer_seq), max(transfer_seq) INTO v_count, v_first, v_last FROM added;
  IF v_last - v_first < 4 * v_count + 1000 THEN
    -- Neighbours, as the sealer's are: one walk along the sequence.
    SELECT count(*) INTO v_found FROM added s
      JOIN (SELECT seq, unit FROM ledger_transfer WHERE seq BETWEEN v_first AND v_last) t
      ON t.seq = s.transfer_seq AND t.unit = s.unit;
  ELSE
    SELECT count((SELECT 1 FROM ledger_transfer t WHERE t.seq = s.transfer_seq AND t.unit = s.unit)) INTO v_found FROM added s;
  END IF;
  IF v_found <> v_count THEN
    RAISE EXCEPTION 'a seal is of a transfer of its unit' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER ledger_seal_added_tr AFTER INSERT ON ledger_seal
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_seal_added();

-- UUIDv7 of a moment (RFC 9562 section 5.7), for the transfers that the database itself writes.
CREATE FUNCTION ledger_uuid_v7(p_at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
    PLACING substring(int8send(floor(extract(epoch FROM p_at) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

-- Writes down the due expiries among the given accounts, which the caller has locked. Returns how many.
CREATE FUNCTION ledger_expire_locked(p_now timestamptz, p_accounts uuid[]) RETURNS integer LANGUAGE plpgsql
-- Its parts are joined to one another, which no index serves.
SET enable_hashjoin = on
AS $$
DECLARE
  v_count integer;
BEGIN
  WITH due AS (
    SELECT e.transfer_id, e.debit_account_id, e.credit_account_id, e.amount, e.expires_at, p.key, p.unit, p.reason, p.refs,
           ledger_uuid_v7(p_now) AS id, row_number() OVER (ORDER BY e.expires_at, e.transfer_id) AS n
    FROM ledger_expiry e JOIN ledger_transfer p ON p.id = e.transfer_id
    WHERE e.expires_at <= p_now AND e.debit_account_id = ANY (p_accounts) AND e.credit_account_id = ANY (p_accounts)
  ), entry AS (
    SELECT n, debit_account_id AS account_id, amount AS dp, 0 AS cp FROM due
    UNION ALL SELECT n, credit_account_id, 0, amount FROM due
  ), running AS (
    SELECT e.n, e.account_id, a.version + row_number() OVER w AS version,
           a.debits_pending - (sum(e.dp) OVER w)::bigint AS debits_pending, a.debits_posted,
           a.credits_pending - (sum(e.cp) OVER w)::bigint AS credits_pending, a.credits_posted
    FROM entry e JOIN ledger_account a ON a.id = e.account_id
    WINDOW w AS (PARTITION BY e.account_id ORDER BY e.n)
  )
  INSERT INTO ledger_transfer (id, key, request_hash, chain_id, kind, unit, debit_account_id, credit_account_id, amount,
    released, pending_id, expires_at, reason, refs, recorded_at,
    debit_version, debit_debits_pending, debit_debits_posted, debit_credits_pending, debit_credits_posted,
    credit_version, credit_debits_pending, credit_debits_posted, credit_credits_pending, credit_credits_posted)
  SELECT x.id, 'ledger:expired:' || x.transfer_id, sha256(uuid_send(x.transfer_id)), x.id, 'expired', x.unit,
    x.debit_account_id, x.credit_account_id, x.amount, x.amount, x.transfer_id, x.expires_at, x.reason, x.refs, p_now,
    d.version, d.debits_pending, d.debits_posted, d.credits_pending, d.credits_posted,
    c.version, c.debits_pending, c.debits_posted, c.credits_pending, c.credits_posted
  FROM due x
  JOIN running d ON d.n = x.n AND d.account_id = x.debit_account_id
  JOIN running c ON c.n = x.n AND c.account_id = x.credit_account_id
  ORDER BY x.n;
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END $$;

-- Locks accounts in the order of their ids, with every account that a due expiry of theirs also touches, and writes
-- those expiries down. Returns the moment that what follows is recorded at: p_now, or the newest entry if that is later.
-- p_still says that none of them held anything pending a moment ago: then there is most likely nothing to expire.
CREATE FUNCTION ledger_lock(p_now timestamptz, p_accounts uuid[], p_still boolean) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
  v_still boolean;
  v_accounts uuid[] := p_accounts;
  v_more uuid[];
  -- Whole milliseconds, as every process and every cursor writes a moment.
  v_now timestamptz := date_trunc('milliseconds', p_now);
BEGIN
  IF p_still THEN
    SELECT greatest(v_now, max(l.touched_at)), bool_and(l.debits_pending = 0 AND l.credits_pending = 0 AND l.closed_by IS NULL)
      INTO v_now, v_still
      FROM (SELECT touched_at, debits_pending, credits_pending, closed_by FROM ledger_account WHERE id = ANY (p_accounts)
            ORDER BY id FOR NO KEY UPDATE) l;
    IF v_still THEN RETURN v_now; END IF;
  END IF;
  LOOP
    SELECT array_agg(DISTINCT x.account_id) INTO v_more
    FROM (
      SELECT unnest(ARRAY[debit_account_id, credit_account_id]) AS account_id FROM ledger_expiry
      WHERE debit_account_id = ANY (v_accounts) AND expires_at <= v_now
      UNION ALL
      SELECT unnest(ARRAY[debit_account_id, credit_account_id]) FROM ledger_expiry
      WHERE credit_account_id = ANY (v_accounts) AND expires_at <= v_now
    ) x;
    SELECT greatest(v_now, max(l.touched_at)) INTO v_now FROM (
      SELECT touched_at FROM ledger_account WHERE id = ANY (v_accounts || v_more) ORDER BY id FOR NO KEY UPDATE
    ) l;
    -- Again when the lock wait or a counterpart's clock brought another expiry whose counterpart isn't locked yet.
    EXIT WHEN NOT EXISTS (
      SELECT FROM ledger_expiry WHERE expires_at <= v_now
        AND (debit_account_id = ANY (v_accounts) OR credit_account_id = ANY (v_accounts))
        AND NOT (debit_account_id = ANY (v_accounts || v_more) AND credit_account_id = ANY (v_accounts || v_more)));
    v_accounts := v_accounts || v_more;
  END LOOP;
  IF EXISTS (SELECT FROM ledger_expiry WHERE expires_at <= v_now
               AND (debit_account_id = ANY (v_accounts) OR credit_account_id = ANY (v_accounts))) THEN
    PERFORM ledger_expire_locked(v_now, v_accounts || v_more);
  END IF;
  RETURN v_now;
END $$;

-- The clock's part: writes down up to p_limit due expiries, and those that come with their accounts. Returns how many it
-- found; as many as p_limit means there may be more. Readers never wait for it.
CREATE FUNCTION ledger_expire(p_now timestamptz, p_limit integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
  v_due integer;
  v_accounts uuid[];
BEGIN
  WITH due AS MATERIALIZED (
    SELECT debit_account_id, credit_account_id FROM ledger_expiry WHERE expires_at <= p_now ORDER BY expires_at LIMIT p_limit
  )
  SELECT (SELECT count(*) FROM due),
         (SELECT array_agg(DISTINCT x.id) FROM (SELECT debit_account_id AS id FROM due UNION SELECT credit_account_id FROM due) x)
    INTO v_due, v_accounts;
  IF v_due > 0 THEN
    PERFORM ledger_lock(p_now, v_accounts, false);
  END IF;
  RETURN v_due;
END $$;

-- Posts a batch of chains in order, each wholly or not at all, in the caller's transaction. One row of the arrays is one
-- transfer; rows of a chain follow one another. Codes and keys are given once and named by position, 0 for "none given".
--   p_codes    account codes            p_keys     idempotency keys, those of this batch and those resolved by it
--   p_chain    number of the chain      p_key      position in p_keys          p_pending  the same, of what is resolved
--   p_kind     1 posted, 2 pending, 3 post_pending, 4 void_pending             p_amount   0: all of the pending transfer
--   p_flags    sum of 1: at most what the debit account has left, 2: at most what the credit account has left,
--              4: closes the debit account, 8: closes the credit account, 16: burn the key when the reason may pass
-- Balances are carried in arrays in the batch's order, so the answers are those of one transfer after another; then all
-- accepted rows go in by one statement, whose trigger moves the balances. Answers one row for each accepted or repeated
-- transfer (status 1, 2) and one for the first transfer refused of each refused chain (status 0, with its code).
CREATE FUNCTION ledger_post(
  p_now timestamptz, p_codes text[], p_keys text[], p_chain integer[], p_id uuid[], p_key integer[], p_hash bytea[],
  p_kind smallint[], p_debit integer[], p_credit integer[], p_amount bigint[], p_pending integer[],
  p_expires timestamptz[], p_reason text[], p_refs text[], p_flags smallint[]
) RETURNS TABLE (
  row_no integer, status smallint, code text, subject text, figure bigint, transfer_id uuid, unit text,
  debit text, credit text, amount bigint, recorded_at timestamptz
) LANGUAGE plpgsql
-- Look-ups by index from the batch outwards, planned once: right for a batch of one and of a thousand, in an empty ledger
-- and in a large one. Left to itself the planner reads the whole table when it thinks that small, and plans at each call.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  c_max CONSTANT bigint := 9000000000000000000;
  v_rows CONSTANT integer := cardinality(p_id);
  v_keys CONSTANT integer := cardinality(p_keys);
  v_now timestamptz;
  v_ids uuid[];
  v_more uuid[];
  v_key text[] := p_keys;
  -- Accounts by position in a_id.
  a_id uuid[]; a_code text[]; a_unit text[]; a_rule smallint[]; a_version bigint[]; a_closed boolean[];
  a_dp bigint[]; a_d bigint[]; a_cp bigint[]; a_c bigint[];
  -- Whether a row may meet another of this batch: a key that comes twice, or a resolution. Else what is accepted need not
  -- be noted by key.
  v_linked CONSTANT boolean := v_keys <> v_rows OR EXISTS (SELECT FROM unnest(p_pending) n WHERE n > 0);
  -- Transfers by position of their key: those stored, then those that this batch accepts.
  k_known boolean[] := array_fill(false, ARRAY[v_keys]);
  k_id uuid[] := array_fill('00000000-0000-0000-0000-000000000000'::uuid, ARRAY[v_keys]);
  k_hash bytea[] := array_fill(''::bytea, ARRAY[v_keys]);
  k_kind smallint[] := array_fill(0::smallint, ARRAY[v_keys]);
  k_debit integer[] := array_fill(0, ARRAY[v_keys]);
  k_credit integer[] := array_fill(0, ARRAY[v_keys]);
  k_amount bigint[] := array_fill(0::bigint, ARRAY[v_keys]);
  k_expires timestamptz[] := array_fill('infinity'::timestamptz, ARRAY[v_keys]);
  k_at timestamptz[] := array_fill('infinity'::timestamptz, ARRAY[v_keys]);
  -- The code that the key was burnt with; then k_hash is what was asked for.
  k_burnt text[] := '{}';
  -- The position of the account that the pending transfer closes.
  k_closes integer[] := '{}';
  -- 0 open, else the kind of the resolution (5 expired).
  k_resolved smallint[] := array_fill(0::smallint, ARRAY[v_keys]);
  -- What comes of each row.
  o_status smallint[] := array_fill(-1::smallint, ARRAY[v_rows]);
  o_chain uuid[] := array_fill('00000000-0000-0000-0000-000000000000'::uuid, ARRAY[v_rows]);
  o_code text[] := array_fill(NULL::text, ARRAY[v_rows]);
  o_subject text[] := array_fill(NULL::text, ARRAY[v_rows]);
  o_figure bigint[] := array_fill(NULL::bigint, ARRAY[v_rows]);
  o_id uuid[] := p_id;
  o_debit integer[] := array_fill(0, ARRAY[v_rows]);
  o_credit integer[] := array_fill(0, ARRAY[v_rows]);
  o_amount bigint[] := array_fill(0::bigint, ARRAY[v_rows]);
  o_released bigint[] := array_fill(0::bigint, ARRAY[v_rows]);
  o_pending uuid[] := array_fill(NULL::uuid, ARRAY[v_rows]);
  o_dv bigint[] := array_fill(0::bigint, ARRAY[v_rows]); o_ddp bigint[] := o_dv; o_dd bigint[] := o_dv;
  o_dcp bigint[] := o_dv; o_dc bigint[] := o_dv;
  o_cv bigint[] := o_dv; o_cdp bigint[] := o_dv; o_cd bigint[] := o_dv; o_ccp bigint[] := o_dv; o_cc bigint[] := o_dv;
  v_accepted integer := 0;
  v_chain integer := -1; v_first integer; v_chain_id uuid; v_refused boolean;
  v_code text; v_subject text; v_figure bigint;
  v_d integer; v_c integer; v_amount bigint; v_released bigint; v_posts bigint; v_holds bigint;
  v_kind smallint; v_i integer; r record; e record;
  -- The rows after which an account is closed or open again: what follows goes in by another statement.
  v_cuts integer[] := '{}'; v_from integer := 0; v_closes integer;
BEGIN
  -- An assignment unfolds the array; finding an element of a folded array of texts takes time in its length.
  v_key[1] := v_key[1];
  -- Those who ask for one key that may be burnt come one after another, whichever accounts they find.
  IF 16 <= ANY (p_flags) THEN
    PERFORM pg_advisory_xact_lock(l.n) FROM (
      SELECT DISTINCT hashtextextended(v_key[k.n], 4217) AS n FROM unnest(p_key, p_flags) AS k (n, flags)
      WHERE k.flags >= 16 ORDER BY n) l;
  END IF;
  -- A resolution need not name its accounts: they are those of the pending transfer, which never change.
  SELECT array_agg(DISTINCT x.id) INTO v_more
    FROM unnest(p_pending) AS w (pending)
    JOIN ledger_transfer t ON t.key = v_key[w.pending]
    CROSS JOIN LATERAL unnest(ARRAY[t.debit_account_id, t.credit_account_id]) AS x (id)
    WHERE w.pending > 0;
  SELECT array_agg(a.id) INTO v_ids FROM ledger_account a WHERE a.code = ANY (p_codes);
  v_now := ledger_lock(p_now, v_ids || v_more, false);

  -- Accounts stand at the position of their code, with nulls for unknown codes, and those of resolutions after them.
  SELECT array_agg(x.id), array_agg(x.code), array_agg(x.unit), array_agg(x.rule), array_agg(x.version),
         array_agg(x.dp), array_agg(x.d), array_agg(x.cp), array_agg(x.c), array_agg(x.closed)
    INTO a_id, a_code, a_unit, a_rule, a_version, a_dp, a_d, a_cp, a_c, a_closed
    FROM (
      SELECT n.n, a.id, a.code, a.unit, a.version, a.debits_pending AS dp, a.debits_posted AS d, a.credits_pending AS cp,
             a.credits_posted AS c, a.closed_by IS NOT NULL AS closed,
             CASE a.limit_rule WHEN 'none' THEN 0 WHEN 'debits_must_not_exceed_credits' THEN 1 ELSE 2 END::smallint AS rule
      FROM (
        SELECT c.n, c.code FROM unnest(p_codes) WITH ORDINALITY c (code, n)
        UNION ALL
        SELECT 1000000000, m.code FROM ledger_account m WHERE m.id = ANY (v_more) AND m.code <> ALL (p_codes)
      ) n LEFT JOIN ledger_account a ON a.code = n.code
      ORDER BY n.n
    ) x;

  FOR e IN
    SELECT k.n::integer AS n, t.id, t.request_hash, t.kind, t.amount, t.recorded_at, t.expires_at, t.closes, res.kind AS resolved,
           array_position(a_id, t.debit_account_id) AS debit, array_position(a_id, t.credit_account_id) AS credit
    FROM unnest(p_keys) WITH ORDINALITY k (key, n)
    JOIN ledger_transfer t ON t.key = k.key
    LEFT JOIN ledger_transfer res ON res.pending_id = t.id
  LOOP
    -- A pending transfer that appeared while we waited for the locks, of accounts we don't hold: begin again. A key that
    -- was used for other accounts is only compared, so those accounts need no lock.
    IF (e.debit IS NULL OR e.credit IS NULL) AND e.n = ANY (p_pending) THEN
      RAISE EXCEPTION 'a pending transfer appeared at the same moment' USING ERRCODE = 'serialization_failure';
    END IF;
    k_known[e.n] := true; k_id[e.n] := e.id; k_hash[e.n] := e.request_hash; k_amount[e.n] := e.amount;
    k_kind[e.n] := CASE e.kind WHEN 'posted' THEN 1 WHEN 'pending' THEN 2 WHEN 'post_pending' THEN 3 WHEN 'void_pending' THEN 4 ELSE 5 END;
    k_debit[e.n] := e.debit; k_credit[e.n] := e.credit; k_at[e.n] := e.recorded_at;
    k_expires[e.n] := coalesce(e.expires_at, 'infinity');
    k_resolved[e.n] := CASE e.resolved WHEN 'post_pending' THEN 3 WHEN 'void_pending' THEN 4 WHEN 'expired' THEN 5 ELSE 0 END;
    IF e.closes IS NOT NULL THEN
      k_closes[e.n] := CASE e.closes WHEN 'debit' THEN e.debit ELSE e.credit END;
    END IF;
  END LOOP;
  IF EXISTS (SELECT FROM ledger_burnt_key) THEN
    FOR e IN
      SELECT k.n::integer AS n, b.request_hash, b.code FROM unnest(p_keys) WITH ORDINALITY k (key, n)
      JOIN ledger_burnt_key b ON b.key = k.key
    LOOP
      IF NOT k_known[e.n] THEN k_burnt[e.n] := e.code; k_hash[e.n] := e.request_hash; END IF;
    END LOOP;
  END IF;

  FOR r IN
    SELECT x.*, x.n::integer AS row FROM unnest(p_chain, p_id, p_key, p_hash, p_kind, p_debit, p_credit, p_amount, p_pending, p_expires, p_flags)
      WITH ORDINALITY x (chain, id, key, hash, kind, debit, credit, amount, pending, expires, flags, n)
  LOOP
    IF r.chain <> v_chain THEN
      v_chain := r.chain; v_first := r.row; v_chain_id := r.id; v_refused := false;
    END IF;
    CONTINUE WHEN v_refused;
    v_code := NULL; v_subject := NULL; v_figure := NULL; v_released := 0; v_closes := NULL;

    IF k_known[r.key] THEN
      IF k_hash[r.key] = r.hash THEN
        o_status[r.row] := 2; o_id[r.row] := k_id[r.key]; o_debit[r.row] := k_debit[r.key];
        o_credit[r.row] := k_credit[r.key]; o_amount[r.row] := k_amount[r.key];
        CONTINUE;
      END IF;
      v_code := 'LEDGER_KEY_MISMATCH';
    ELSIF k_burnt[r.key] IS NOT NULL THEN
      v_code := CASE WHEN k_hash[r.key] = r.hash THEN 'LEDGER_KEY_BURNT' ELSE 'LEDGER_KEY_MISMATCH' END;
      v_subject := k_burnt[r.key];
    ELSIF r.pending > 0 THEN
      v_subject := v_key[r.pending];
      v_d := k_debit[r.pending]; v_c := k_credit[r.pending]; v_released := k_amount[r.pending];
      v_amount := CASE WHEN r.amount = 0 THEN v_released ELSE r.amount END;
      v_code := CASE
        WHEN NOT k_known[r.pending] THEN 'LEDGER_PENDING_NOT_FOUND'
        WHEN k_kind[r.pending] <> 2 THEN 'LEDGER_PENDING_WRONG_KIND'
        WHEN (r.debit > 0 AND r.debit <> v_d) OR (r.credit > 0 AND r.credit <> v_c) THEN 'LEDGER_PENDING_MISMATCH'
        WHEN v_amount > v_released THEN 'LEDGER_POST_EXCEEDS_PENDING'
        WHEN r.kind = 4 AND v_amount <> v_released THEN 'LEDGER_PENDING_MISMATCH'
        WHEN k_resolved[r.pending] = 5 OR (k_resolved[r.pending] = 0 AND k_expires[r.pending] <= v_now) THEN 'LEDGER_PENDING_EXPIRED'
        WHEN k_resolved[r.pending] > 0 THEN 'LEDGER_PENDING_RESOLVED'
        WHEN r.kind = 3 AND (a_closed[v_d] OR a_closed[v_c]) THEN 'LEDGER_ACCOUNT_CLOSED'
      END;
      IF v_code = 'LEDGER_ACCOUNT_CLOSED' THEN
        v_subject := CASE WHEN a_closed[v_d] THEN a_code[v_d] ELSE a_code[v_c] END;
      END IF;
      v_figure := CASE WHEN v_code IN ('LEDGER_POST_EXCEEDS_PENDING', 'LEDGER_PENDING_MISMATCH') THEN v_released END;
    ELSE
      v_d := r.debit; v_c := r.credit; v_amount := r.amount;
      IF a_id[v_d] IS NULL THEN
        v_code := 'LEDGER_ACCOUNT_NOT_FOUND'; v_subject := p_codes[v_d];
      ELSIF a_id[v_c] IS NULL THEN
        v_code := 'LEDGER_ACCOUNT_NOT_FOUND'; v_subject := p_codes[v_c];
      ELSIF a_unit[v_d] <> a_unit[v_c] THEN
        v_code := 'LEDGER_UNIT_MISMATCH'; v_subject := a_unit[v_d] || ' and ' || a_unit[v_c];
      ELSIF r.expires <= v_now THEN
        v_code := 'LEDGER_EXPIRY_PAST';
      ELSIF a_closed[v_d] OR a_closed[v_c] THEN
        v_code := 'LEDGER_ACCOUNT_CLOSED'; v_subject := CASE WHEN a_closed[v_d] THEN a_code[v_d] ELSE a_code[v_c] END;
      ELSIF r.flags & 1 > 0 AND a_c[v_d] - a_d[v_d] - a_dp[v_d] <= 0 THEN
        v_code := 'LEDGER_LIMIT_EXCEEDED'; v_subject := a_code[v_d]; v_figure := 0;
      ELSIF r.flags & 2 > 0 AND a_d[v_c] - a_c[v_c] - a_cp[v_c] <= 0 THEN
        v_code := 'LEDGER_LIMIT_EXCEEDED'; v_subject := a_code[v_c]; v_figure := 0;
      END IF;
      IF r.flags > 0 THEN
        IF r.flags & 1 > 0 THEN
          v_amount := least(v_amount, a_c[v_d] - a_d[v_d] - a_dp[v_d]);
        END IF;
        IF r.flags & 2 > 0 THEN
          v_amount := least(v_amount, a_d[v_c] - a_c[v_c] - a_cp[v_c]);
        END IF;
        v_closes := CASE WHEN r.flags & 4 > 0 THEN v_d WHEN r.flags & 8 > 0 THEN v_c END;
      END IF;
      IF v_code IS NOT NULL THEN
        NULL;
      ELSIF v_amount > c_max - a_dp[v_d] - a_d[v_d] THEN
        v_code := 'LEDGER_BALANCE_OVERFLOW'; v_subject := a_code[v_d];
      ELSIF v_amount > c_max - a_cp[v_c] - a_c[v_c] THEN
        v_code := 'LEDGER_BALANCE_OVERFLOW'; v_subject := a_code[v_c];
      ELSIF a_rule[v_d] = 1 AND v_amount > a_c[v_d] - a_d[v_d] - a_dp[v_d] THEN
        v_code := 'LEDGER_LIMIT_EXCEEDED'; v_subject := a_code[v_d]; v_figure := a_c[v_d] - a_d[v_d] - a_dp[v_d];
      ELSIF a_rule[v_c] = 2 AND v_amount > a_d[v_c] - a_c[v_c] - a_cp[v_c] THEN
        v_code := 'LEDGER_LIMIT_EXCEEDED'; v_subject := a_code[v_c]; v_figure := a_d[v_c] - a_c[v_c] - a_cp[v_c];
      END IF;
    END IF;

    IF v_code IS NOT NULL THEN
      v_refused := true;
      -- Take back, newest first, what the chain did so far.
      FOR v_i IN REVERSE r.row - 1 .. v_first LOOP
        IF o_status[v_i] = 1 THEN
          v_accepted := v_accepted - 1;
          v_d := o_debit[v_i]; v_c := o_credit[v_i]; v_kind := p_kind[v_i];
          v_holds := CASE WHEN v_kind = 2 THEN o_amount[v_i] ELSE 0 END - o_released[v_i];
          v_posts := CASE WHEN v_kind IN (1, 3) THEN o_amount[v_i] ELSE 0 END;
          a_dp[v_d] := a_dp[v_d] - v_holds; a_d[v_d] := a_d[v_d] - v_posts; a_version[v_d] := a_version[v_d] - 1;
          a_cp[v_c] := a_cp[v_c] - v_holds; a_c[v_c] := a_c[v_c] - v_posts; a_version[v_c] := a_version[v_c] - 1;
          k_known[p_key[v_i]] := false;
          IF p_pending[v_i] > 0 THEN
            k_resolved[p_pending[v_i]] := 0;
            IF v_kind = 4 AND k_closes[p_pending[v_i]] IS NOT NULL THEN a_closed[k_closes[p_pending[v_i]]] := true; END IF;
          END IF;
          IF k_closes[p_key[v_i]] IS NOT NULL THEN
            a_closed[k_closes[p_key[v_i]]] := false; k_closes[p_key[v_i]] := NULL;
          END IF;
        END IF;
        o_status[v_i] := -1;
      END LOOP;
      o_status[r.row] := 0; o_code[r.row] := v_code; o_subject[r.row] := v_subject; o_figure[r.row] := v_figure;
      IF r.flags >= 16 AND v_code IN ('LEDGER_PENDING_NOT_FOUND', 'LEDGER_ACCOUNT_NOT_FOUND', 'LEDGER_ACCOUNT_CLOSED',
          'LEDGER_BALANCE_OVERFLOW', 'LEDGER_LIMIT_EXCEEDED') THEN
        INSERT INTO ledger_burnt_key (key, request_hash, code, refused_at) VALUES (v_key[r.key], r.hash, v_code, v_now)
          ON CONFLICT (key) DO NOTHING;
        k_burnt[r.key] := v_code; k_hash[r.key] := r.hash;
      END IF;
      CONTINUE;
    END IF;

    v_holds := CASE WHEN r.kind = 2 THEN v_amount ELSE 0 END - v_released;
    v_posts := CASE WHEN r.kind IN (1, 3) THEN v_amount ELSE 0 END;
    a_dp[v_d] := a_dp[v_d] + v_holds; a_d[v_d] := a_d[v_d] + v_posts; a_version[v_d] := a_version[v_d] + 1;
    a_cp[v_c] := a_cp[v_c] + v_holds; a_c[v_c] := a_c[v_c] + v_posts; a_version[v_c] := a_version[v_c] + 1;
    v_accepted := v_accepted + 1;
    o_status[r.row] := 1; o_chain[r.row] := v_chain_id; o_debit[r.row] := v_d; o_credit[r.row] := v_c;
    o_amount[r.row] := v_amount; o_released[r.row] := v_released;
    o_dv[r.row] := a_version[v_d]; o_ddp[r.row] := a_dp[v_d]; o_dd[r.row] := a_d[v_d]; o_dcp[r.row] := a_cp[v_d]; o_dc[r.row] := a_c[v_d];
    o_cv[r.row] := a_version[v_c]; o_cdp[r.row] := a_dp[v_c]; o_cd[r.row] := a_d[v_c]; o_ccp[r.row] := a_cp[v_c]; o_cc[r.row] := a_c[v_c];
    IF v_linked THEN
      k_known[r.key] := true; k_id[r.key] := r.id; k_hash[r.key] := r.hash; k_kind[r.key] := r.kind; k_debit[r.key] := v_d;
      k_credit[r.key] := v_c; k_amount[r.key] := v_amount; k_expires[r.key] := r.expires; k_at[r.key] := v_now;
      k_resolved[r.key] := 0;
    END IF;
    IF r.pending > 0 THEN
      k_resolved[r.pending] := r.kind; o_pending[r.row] := k_id[r.pending];
      IF k_closes[r.pending] IS NOT NULL THEN
        a_closed[k_closes[r.pending]] := false; v_cuts := v_cuts || r.row;
      END IF;
    ELSIF v_closes IS NOT NULL THEN
      a_closed[v_closes] := true; k_closes[r.key] := v_closes; v_cuts := v_cuts || r.row;
    END IF;
  END LOOP;

  IF v_accepted = 0 THEN v_cuts := '{}'; ELSE v_cuts := v_cuts || v_rows; END IF;
  FOREACH v_i IN ARRAY v_cuts LOOP
    INSERT INTO ledger_transfer (id, key, request_hash, chain_id, kind, unit, debit_account_id, credit_account_id, amount,
      released, pending_id, expires_at, closes, reason, refs, recorded_at,
      debit_version, debit_debits_pending, debit_debits_posted, debit_credits_pending, debit_credits_posted,
      credit_version, credit_debits_pending, credit_debits_posted, credit_credits_pending, credit_credits_posted)
    SELECT x.id, v_key[x.key], x.hash, x.chain, (ARRAY['posted', 'pending', 'post_pending', 'void_pending'])[x.kind],
      a_unit[x.d], a_id[x.d], a_id[x.c], x.amount, x.released, x.pending, nullif(x.expires, 'infinity'),
      CASE WHEN x.flags & 4 > 0 THEN 'debit' WHEN x.flags & 8 > 0 THEN 'credit' END, x.reason, x.refs::jsonb, v_now,
      x.dv, x.ddp, x.dd, x.dcp, x.dc, x.cv, x.cdp, x.cd, x.ccp, x.cc
    FROM unnest(p_id, p_key, p_hash, o_chain, p_kind, o_debit, o_credit, o_amount, o_released, o_pending, p_expires, p_reason, p_refs,
      o_dv, o_ddp, o_dd, o_dcp, o_dc, o_cv, o_cdp, o_cd, o_ccp, o_cc, o_status, p_flags)
      WITH ORDINALITY AS x (id, key, hash, chain, kind, d, c, amount, released, pending, expires, reason, refs,
            dv, ddp, dd, dcp, dc, cv, cdp, cd, ccp, cc, status, flags, n)
    WHERE x.status = 1 AND x.n > v_from AND x.n <= v_i;
    v_from := v_i;
  END LOOP;

  RETURN QUERY
    SELECT x.n::integer, x.status, x.code, x.subject, x.figure, x.id, a_unit[x.d], a_code[x.d], a_code[x.c], x.amount,
           CASE x.status WHEN 1 THEN v_now WHEN 2 THEN k_at[x.key] END
    FROM unnest(o_status, o_code, o_subject, o_figure, o_id, o_debit, o_credit, o_amount, p_key)
      WITH ORDINALITY x (status, code, subject, figure, id, d, c, amount, key, n)
    WHERE x.status >= 0;
END $$;

-- Posts a batch of plain chains: posted transfers of fixed amount under keys of their own, none of which closes, burns or
-- resolves anything. The caller has counted, as if each of them will be accepted, how every account moves, so that what is
-- left to do here is by account: when all of them know nothing against it, all rows are accepted and go in by one statement,
-- without a walk. When one account or key objects, nothing was done and ledger_post answers, row by row.
--   p_debits, p_credits     by account: what the batch debits and credits it
--   p_debit_need            by account: what it has to have left before the batch, so that no debit passes what it has
--   p_credit_need           the same, when its credits may not pass its debits
--   p_first                 position of the first transfer of the chain
--   p_reason                position in p_reasons
--   p_refs                  an array, an object for each transfer
--   p_dn, p_dd, p_dc        by transfer: entries, debits and credits of its debit account in this batch, its own included
--   p_cn, p_cd, p_cc        the same of its credit account
-- Answers one row with row_no 0 for a batch accepted whole, with the units in the order of p_codes; else as ledger_post.
CREATE FUNCTION ledger_post_plain(
  p_now timestamptz, p_codes text[], p_debits bigint[], p_credits bigint[], p_debit_need bigint[], p_credit_need bigint[],
  p_keys text[], p_first integer[], p_id uuid[], p_hash bytea[], p_debit integer[], p_credit integer[], p_amount bigint[],
  p_reasons text[], p_reason integer[], p_refs jsonb,
  p_dn integer[], p_dd bigint[], p_dc bigint[], p_cn integer[], p_cd bigint[], p_cc bigint[]
) RETURNS TABLE (
  row_no integer, status smallint, code text, subject text, figure bigint, transfer_id uuid, unit text,
  debit text, credit text, amount bigint, recorded_at timestamptz
) LANGUAGE plpgsql
-- As for ledger_post.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  c_max CONSTANT bigint := 9000000000000000000;
  v_rows CONSTANT integer := cardinality(p_id);
  v_now timestamptz;
  v_still boolean;
  v_accepts boolean;
  -- By position of the code.
  a_id uuid[]; a_unit text[]; a_version bigint[]; a_dp bigint[]; a_d bigint[]; a_cp bigint[]; a_c bigint[];
  v_key text[] := p_keys; v_hash bytea[] := p_hash; v_reason text[] := p_reasons;
BEGIN
  -- An assignment unfolds the array; finding an element of a folded array of texts takes time in its length.
  v_key[1] := v_key[1]; v_hash[1] := v_hash[1]; v_reason[1] := v_reason[1];
  SELECT array_agg(a.id), bool_and(a.debits_pending = 0 AND a.credits_pending = 0 AND a.closed_by IS NULL)
    INTO a_id, v_still FROM ledger_account a WHERE a.code = ANY (p_codes);
  v_now := ledger_lock(p_now, a_id, v_still);

  SELECT bool_and(x.accepts IS TRUE), array_agg(x.id), array_agg(x.unit), array_agg(x.version),
         array_agg(x.dp), array_agg(x.d), array_agg(x.cp), array_agg(x.c)
    INTO v_accepts, a_id, a_unit, a_version, a_dp, a_d, a_cp, a_c
    FROM (
      SELECT a.id, a.unit, a.version, a.debits_pending AS dp, a.debits_posted AS d, a.credits_pending AS cp, a.credits_posted AS c,
             a.closed_by IS NULL
             AND c.debits <= c_max - a.debits_pending - a.debits_posted
             AND c.credits <= c_max - a.credits_pending - a.credits_posted
             AND CASE a.limit_rule
                   WHEN 'debits_must_not_exceed_credits'
                     THEN c.debit_need <= a.credits_posted - (a.debits_posted + a.debits_pending)
                   WHEN 'credits_must_not_exceed_debits'
                     THEN c.credit_need <= a.debits_posted - (a.credits_posted + a.credits_pending)
                   ELSE true
                 END AS accepts
      FROM unnest(p_codes, p_debits, p_credits, p_debit_need, p_credit_need)
        WITH ORDINALITY c (code, debits, credits, debit_need, credit_need, n)
      LEFT JOIN ledger_account a ON a.code = c.code
      ORDER BY c.n
    ) x;
  v_accepts := v_accepts
    AND NOT EXISTS (SELECT FROM ledger_transfer t WHERE t.key = ANY (p_keys))
    AND NOT (EXISTS (SELECT FROM ledger_burnt_key) AND EXISTS (SELECT FROM ledger_burnt_key b WHERE b.key = ANY (p_keys)))
    AND (a_unit[1] = ALL (a_unit)
      OR NOT EXISTS (SELECT FROM generate_series(1, v_rows) n WHERE a_unit[p_debit[n]] <> a_unit[p_credit[n]]));
  IF NOT v_accepts THEN
    RETURN QUERY SELECT * FROM ledger_post(p_now, p_codes, p_keys, p_first, p_id,
      ARRAY(SELECT generate_series(1, v_rows)), p_hash, array_fill(1::smallint, ARRAY[v_rows]), p_debit, p_credit, p_amount,
      array_fill(0, ARRAY[v_rows]), array_fill('infinity'::timestamptz, ARRAY[v_rows]),
      ARRAY(SELECT v_reason[r.n] FROM unnest(p_reason) WITH ORDINALITY r (n, row) ORDER BY r.row),
      ARRAY(SELECT r.refs::text FROM jsonb_array_elements(p_refs) WITH ORDINALITY r (refs, row) ORDER BY r.row),
      array_fill(0::smallint, ARRAY[v_rows]));
    RETURN;
  END IF;

  INSERT INTO ledger_transfer (id, key, request_hash, chain_id, kind, unit, debit_account_id, credit_account_id, amount,
    reason, refs, recorded_at,
    debit_version, debit_debits_pending, debit_debits_posted, debit_credits_pending, debit_credits_posted,
    credit_version, credit_debits_pending, credit_debits_posted, credit_credits_pending, credit_credits_posted)
  SELECT p_id[n], v_key[n], v_hash[n], p_id[p_first[n]], 'posted', a_unit[p_debit[n]], a_id[p_debit[n]], a_id[p_credit[n]],
    p_amount[n], v_reason[p_reason[n]], p_refs -> n - 1, v_now,
    a_version[p_debit[n]] + p_dn[n], a_dp[p_debit[n]], a_d[p_debit[n]] + p_dd[n], a_cp[p_debit[n]], a_c[p_debit[n]] + p_dc[n],
    a_version[p_credit[n]] + p_cn[n], a_dp[p_credit[n]], a_d[p_credit[n]] + p_cd[n], a_cp[p_credit[n]],
    a_c[p_credit[n]] + p_cc[n]
  FROM generate_series(1, v_rows) n;
  RETURN QUERY SELECT 0, 1::smallint, NULL::text, NULL::text, NULL::bigint, NULL::uuid, array_to_string(a_unit, ' '),
    NULL::text, NULL::text, NULL::bigint, v_now;
END $$;

-- The texts of seals, as libs/ledger/src/domain/seal.rules.ts writes them; both are frozen, and a test holds them together.
-- A text as JSON has it is to_json(text)::text: PostgreSQL and JSON.stringify escape the same characters the same way.

-- A moment in UTC with milliseconds; beyond the year 9999 with a sign and six digits.
CREATE FUNCTION ledger_seal_moment(p_at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN p_at < '10000-01-01 00:00:00+00' THEN to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
    ELSE '+' || lpad(to_char(p_at AT TIME ZONE 'UTC', 'FMYYYY'), 6, '0') || to_char(p_at AT TIME ZONE 'UTC', '-MM-DD"T"HH24:MI:SS.MS"Z"')
  END
$$;

-- References in canonical form (RFC 8785): no spaces, names in the order of their UTF-16 units.
CREATE FUNCTION ledger_seal_refs(p_refs jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce('{' || string_agg(to_json(e.key)::text || ':' || (CASE jsonb_typeof(e.value)
      WHEN 'string' THEN to_json(e.value #>> '{}')::text ELSE e.value::text END), ','
    -- UTF-8 has the order of code points. That of UTF-16 units differs in one thing: U+E000 to U+FFFF come after all above
    -- them. So these get the last code point before them, and the last two the one before that.
    ORDER BY regexp_replace(regexp_replace(e.key, U&'([\+10FFFE-\+10FFFF])', U&'\+10FFFE\\1', 'g'),
      U&'([\E000-\FFFF])', U&'\+10FFFF\\1', 'g') COLLATE "C") || '}', '{}')
  FROM jsonb_each(p_refs) e
$$;

-- Seals up to p_limit committed transfers that are not sealed yet, each over the one before it in its unit's book, in the
-- order of their sequence numbers. A transfer that commits late gets a later place; none is passed over. Returns how many.
CREATE FUNCTION ledger_seal_some(p_limit integer) RETURNS integer LANGUAGE plpgsql
-- Along the sequence, whatever the planner thinks of a table's size.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_mergejoin = off
AS $$
DECLARE
  s ledger_sealer;
  v_top bigint;
  v_oldest bigint; v_next bigint;
  -- By transfer, those of a unit one after another. What is said: the text between position and moment.
  v_units text[]; v_seqs bigint[]; v_ats timestamptz[]; v_closes text[]; v_said text[]; v_hashes bytea[];
  v_count integer; v_from integer; n integer := 1;
  v_unit text; v_head text; v_position bigint; v_hash bytea;
  v_at timestamptz; v_moment text;
  v_over boolean; v_last bigint; v_floor bigint;
BEGIN
  SELECT * INTO STRICT s FROM ledger_sealer WHERE id = 1 FOR UPDATE;
  -- Three statements in this order: a transaction that drew a number up to v_top has an id below v_next.
  SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('ledger_transfer', 'seq')::regclass), 0) INTO v_top;
  SELECT pg_snapshot_xmin(x)::text::bigint, pg_snapshot_xmax(x)::text::bigint INTO v_oldest, v_next FROM pg_current_snapshot() x;
  SELECT array_agg(x.unit), array_agg(x.seq), array_agg(x.recorded_at), array_agg(x.closes), array_agg(x.said)
    INTO v_units, v_seqs, v_ats, v_closes, v_said
    FROM (
      WITH batch AS MATERIALIZED (
        SELECT t.seq, t.unit, t.key, t.kind, t.debit_account_id, t.credit_account_id, t.amount, t.released, t.pending_id,
               t.expires_at, t.closes, t.reason, t.refs, t.refs::text AS refs_text, t.recorded_at
        FROM ledger_transfer t
        -- As a look-up for each, so that no more is read than p_limit however many wait.
        WHERE t.seq > s.floor_seq AND (SELECT true FROM ledger_seal x WHERE x.transfer_seq = t.seq) IS NULL
        ORDER BY t.seq LIMIT p_limit
      ), account AS MATERIALIZED (
        -- Each of the few accounts of a batch is looked up once.
        SELECT x.id, (SELECT a.code FROM ledger_account a WHERE a.id = x.id) AS code
        FROM (SELECT debit_account_id AS id FROM batch UNION SELECT credit_account_id FROM batch) x
      )
      SELECT t.unit, t.seq, t.recorded_at, t.closes,
        -- The codes of accounts have no character that JSON escapes.
        concat('",', to_json(t.key), ',"', t.kind, '","', d.code, '","', c.code, '","', t.amount, '","', t.released, '",',
          CASE WHEN t.pending_id IS NULL THEN 'null'
            ELSE (SELECT to_json(p.key)::text FROM ledger_transfer p WHERE p.id = t.pending_id) END, ',',
          CASE WHEN t.expires_at IS NULL THEN 'null' ELSE '"' || ledger_seal_moment(t.expires_at) || '"' END, ',',
          to_json(t.reason), ',',
          -- One name and its text, as most are: four quotes and no backslash.
          CASE WHEN strpos(t.refs_text, '\') = 0 AND length(t.refs_text) - length(replace(t.refs_text, '"', '')) = 4
            THEN concat('{"', split_part(t.refs_text, '"', 2), '":"', split_part(t.refs_text, '"', 4), '"}')
            ELSE ledger_seal_refs(t.refs) END, ',"') AS said
      FROM batch t JOIN account d ON d.id = t.debit_account_id JOIN account c ON c.id = t.credit_account_id
      ORDER BY t.unit, t.seq
    ) x;
  v_count := coalesce(cardinality(v_seqs), 0);
  WHILE n <= v_count LOOP
    v_unit := v_units[n];
    v_from := n;
    v_head := '"' || v_unit || '","';
    SELECT x.position, x.hash INTO v_position, v_hash FROM ledger_seal x WHERE x.unit = v_unit ORDER BY x.position DESC LIMIT 1;
    IF NOT FOUND THEN v_position := 0; v_hash := decode(repeat('00', 32), 'hex'); END IF;
    WHILE v_units[n] = v_unit LOOP
      IF v_ats[n] IS DISTINCT FROM v_at THEN v_at := v_ats[n]; v_moment := ledger_seal_moment(v_at); END IF;
      v_hash := sha256(v_hash || convert_to(CASE WHEN v_closes[n] IS NULL
        THEN '["ledger-seal/1",' || v_head || v_position + n - v_from + 1 || v_said[n] || v_moment || '"]'
        ELSE '["ledger-seal/2",' || v_head || v_position + n - v_from + 1 || v_said[n] || v_moment || '","' || v_closes[n] || '"]'
      END, 'UTF8'));
      v_hashes[n] := v_hash;
      n := n + 1;
    END LOOP;
    INSERT INTO ledger_seal (unit, position, transfer_seq, hash)
    SELECT v_unit, v_position + x.n - v_from + 1, v_seqs[x.n], v_hashes[x.n] FROM generate_series(v_from, n - 1) x (n);
  END LOOP;

  -- The floor rises as far as all is sealed and nothing can appear any more. When there may be more behind the last one
  -- sealed, it rises no further than that.
  SELECT max(x) INTO v_last FROM unnest(v_seqs) x;
  v_over := v_oldest >= s.next_floor_xid;
  v_floor := greatest(s.floor_seq, CASE WHEN NOT v_over THEN 0 WHEN v_count < p_limit THEN s.next_floor_seq
    ELSE least(s.next_floor_seq, v_last) END);
  -- And over numbers that all have their seals, whatever is under way: none is drawn twice. Under load that is the rule, and
  -- a floor that waited for transactions would have each batch pass over those before it.
  IF v_last - s.floor_seq = v_count THEN
    v_floor := v_last;
  ELSE
    SELECT coalesce(max(x.seq), v_floor) INTO v_floor FROM (
      SELECT y.seq, row_number() OVER (ORDER BY y.seq) AS place FROM (
        SELECT transfer_seq AS seq FROM ledger_seal WHERE transfer_seq > v_floor ORDER BY transfer_seq LIMIT 4 * p_limit) y) x
    WHERE x.seq = v_floor + x.place;
  END IF;
  -- Ids below those noted before: the data came into another cluster, and what was under way there is no more.
  IF v_next < s.next_floor_xid OR v_floor > s.next_floor_seq OR (v_over AND v_floor = s.next_floor_seq) THEN
    s.next_floor_seq := v_top; s.next_floor_xid := v_next;
  END IF;
  UPDATE ledger_sealer SET floor_seq = v_floor, next_floor_seq = s.next_floor_seq, next_floor_xid = s.next_floor_xid
    WHERE id = 1 AND (floor_seq, next_floor_seq) IS DISTINCT FROM (v_floor, s.next_floor_seq);
  RETURN v_count;
END $$;
