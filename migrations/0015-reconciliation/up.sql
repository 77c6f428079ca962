-- What the processor and the bank say, and a case for each difference from the books. The first two tables are of room
-- payments (src/statements), the rest of room reconciliation. See libs/reconciliation/README.md.

-- Every movement of the platform's balance at the processor, once.
CREATE TABLE processor_entry (
  id text NOT NULL,
  -- The processor's own word.
  type text NOT NULL,
  -- What it moved for: a charge, refund, dispute, transfer, reversal or payout at the processor.
  source_id text,
  currency text NOT NULL,
  amount_minor bigint NOT NULL,
  fee_minor bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  read_at timestamptz NOT NULL,
  CONSTRAINT processor_entry_id_pk PRIMARY KEY (id),
  CONSTRAINT processor_entry_currency_ck CHECK (currency ~ '^[A-Z]{3}$')
);
CREATE INDEX processor_entry_source_id_ix ON processor_entry (source_id);
CREATE INDEX processor_entry_bank_ix ON processor_entry (source_id, currency)
  WHERE type IN ('payout', 'payout_cancel', 'payout_failure', 'topup', 'topup_reversal');

CREATE FUNCTION processor_entry_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what the processor said is immutable' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER processor_entry_guard_tr BEFORE UPDATE OR DELETE ON processor_entry
  FOR EACH ROW EXECUTE FUNCTION processor_entry_guard();

-- Up to which moment the processor's movements were read.
CREATE TABLE processor_watermark (
  id smallint NOT NULL,
  read_until timestamptz NOT NULL,
  CONSTRAINT processor_watermark_id_pk PRIMARY KEY (id),
  CONSTRAINT processor_watermark_id_ck CHECK (id = 1)
);

CREATE TABLE bank_statement (
  id uuid NOT NULL,
  statement_id text NOT NULL,
  account text NOT NULL,
  currency text NOT NULL,
  opening_minor bigint,
  closing_minor bigint,
  imported_at timestamptz NOT NULL,
  CONSTRAINT bank_statement_id_pk PRIMARY KEY (id),
  CONSTRAINT bank_statement_account_statement_id_uq UNIQUE (account, statement_id),
  CONSTRAINT bank_statement_currency_ck CHECK (currency ~ '^[A-Z]{3}$')
);

CREATE TABLE bank_line (
  id uuid NOT NULL,
  statement_id uuid NOT NULL,
  account text NOT NULL,
  reference text NOT NULL,
  booked_on date NOT NULL,
  currency text NOT NULL,
  -- Positive came in, negative went out.
  amount_minor bigint NOT NULL,
  is_reversal boolean NOT NULL,
  texts text[] NOT NULL,
  counterparty text,
  CONSTRAINT bank_line_id_pk PRIMARY KEY (id),
  CONSTRAINT bank_line_statement_id_fk FOREIGN KEY (statement_id) REFERENCES bank_statement (id),
  -- The same line in another file is the same line.
  CONSTRAINT bank_line_account_reference_uq UNIQUE (account, reference),
  CONSTRAINT bank_line_amount_minor_ck CHECK (amount_minor <> 0)
);

-- Which payout of the processor a bank line is. One line is one payout, and never two.
CREATE TABLE bank_match (
  line_id uuid NOT NULL,
  payout_id text NOT NULL,
  ledger_key text NOT NULL,
  matched_at timestamptz NOT NULL,
  CONSTRAINT bank_match_line_id_pk PRIMARY KEY (line_id),
  CONSTRAINT bank_match_line_id_fk FOREIGN KEY (line_id) REFERENCES bank_line (id),
  CONSTRAINT bank_match_ledger_key_uq UNIQUE (ledger_key)
);
CREATE INDEX bank_match_payout_id_ix ON bank_match (payout_id);

CREATE TABLE reconciliation_case (
  id uuid NOT NULL,
  kind text NOT NULL,
  -- What differs: "payment:<id>", "entry:<id at the processor>", "bank_line:<id>", "lease:<id>" and the like.
  subject text NOT NULL,
  -- A currency, or "ms" for milliseconds of GPU time.
  unit text NOT NULL,
  expected bigint NOT NULL,
  found bigint NOT NULL,
  state text NOT NULL DEFAULT 'open',
  -- Who has it in hand, a contributor's pseudonym.
  owner uuid,
  -- Why it is explained, or how the difference vanished.
  note text,
  opened_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  CONSTRAINT reconciliation_case_id_pk PRIMARY KEY (id),
  CONSTRAINT reconciliation_case_kind_subject_unit_uq UNIQUE (kind, subject, unit),
  CONSTRAINT reconciliation_case_kind_ck CHECK (kind IN ('missing_in_ledger', 'missing_at_processor', 'amount_differs',
    'fee_differs', 'currency_differs', 'missing_in_bank', 'bank_amount_differs', 'unexpected_bank_line', 'duplicate',
    'gpu_time_differs')),
  CONSTRAINT reconciliation_case_state_ck CHECK (state IN ('open', 'assigned', 'explained', 'corrected', 'reopened')),
  CONSTRAINT reconciliation_case_owner_ck CHECK (state <> 'assigned' OR owner IS NOT NULL),
  CONSTRAINT reconciliation_case_note_ck CHECK (state NOT IN ('explained', 'corrected') OR note IS NOT NULL)
);
CREATE INDEX reconciliation_case_open_ix ON reconciliation_case (opened_at) WHERE state IN ('open', 'assigned', 'reopened');

CREATE TABLE reconciliation_transition (
  from_state text NOT NULL,
  to_state text NOT NULL,
  CONSTRAINT reconciliation_transition_pk PRIMARY KEY (from_state, to_state)
);
INSERT INTO reconciliation_transition (from_state, to_state) VALUES
  ('open', 'assigned'), ('open', 'corrected'),
  ('assigned', 'assigned'), ('assigned', 'explained'), ('assigned', 'corrected'),
  ('explained', 'corrected'), ('explained', 'reopened'),
  ('corrected', 'reopened'),
  ('reopened', 'assigned'), ('reopened', 'corrected');

CREATE FUNCTION reconciliation_case_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.state <> OLD.state OR NEW.owner IS DISTINCT FROM OLD.owner) AND NOT EXISTS (
    SELECT 1 FROM reconciliation_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'a reconciliation case does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.kind, NEW.subject, NEW.unit) IS DISTINCT FROM (OLD.id, OLD.kind, OLD.subject, OLD.unit) THEN
    RAISE EXCEPTION 'what a case is about is immutable' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER reconciliation_case_guard_tr BEFORE UPDATE ON reconciliation_case
  FOR EACH ROW EXECUTE FUNCTION reconciliation_case_guard();
