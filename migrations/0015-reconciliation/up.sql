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
CREATE INDEX processor_entry_occurred_at_ix ON processor_entry (occurred_at);
CREATE INDEX processor_entry_bank_ix ON processor_entry (source_id, currency)
  WHERE type IN ('payout', 'payout_cancel', 'payout_failure', 'topup', 'topup_reversal');

CREATE FUNCTION processor_entry_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what was written down is immutable' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER processor_entry_guard_tr BEFORE UPDATE OR DELETE ON processor_entry
  FOR EACH ROW EXECUTE FUNCTION processor_entry_guard();

-- Up to which moment the processor's movements were read, and up to which movement none is missing: the one by our clock,
-- for people, the other by the processor's, to go on from.
CREATE TABLE processor_watermark (
  id smallint NOT NULL,
  read_until timestamptz NOT NULL,
  entries_until timestamptz,
  CONSTRAINT processor_watermark_id_pk PRIMARY KEY (id),
  CONSTRAINT processor_watermark_id_ck CHECK (id = 1)
);

-- What the processor holds for donors apart from our balance: every movement of their cash balances, once.
CREATE TABLE processor_cash_entry (
  id text NOT NULL,
  stripe_customer_id text NOT NULL,
  contributor_pseudonym uuid NOT NULL,
  -- The processor's own word.
  type text NOT NULL,
  currency text NOT NULL,
  -- Positive came to the donor's balance.
  net_minor bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  read_at timestamptz NOT NULL,
  CONSTRAINT processor_cash_entry_id_pk PRIMARY KEY (id),
  CONSTRAINT processor_cash_entry_currency_ck CHECK (currency ~ '^[A-Z]{3}$')
);
CREATE INDEX processor_cash_entry_pseudonym_ix ON processor_cash_entry (contributor_pseudonym, currency);
CREATE TRIGGER processor_cash_entry_guard_tr BEFORE UPDATE OR DELETE ON processor_cash_entry
  FOR EACH ROW EXECUTE FUNCTION processor_entry_guard();

-- When our own books moved a donor's cash last. A reading of the processor counts for the books as they were then: told
-- by this and not by the moments of the two, since clocks of two machines differ.
CREATE VIEW donor_cash_moved AS
SELECT contributor_pseudonym, max(at) AS moved_at FROM (
  SELECT contributor_pseudonym, booked_at AS at FROM cash_receipt
  UNION ALL SELECT contributor_pseudonym, applied_at FROM cash_application
  UNION ALL SELECT contributor_pseudonym, updated_at FROM cash_return
  UNION ALL SELECT contributor_pseudonym, updated_at FROM payment WHERE rail = 'bank_transfer') moves
 GROUP BY contributor_pseudonym;

-- When the cash balance of a customer was read last, whole, and when our books had moved last by then.
CREATE TABLE processor_cash_reading (
  stripe_customer_id text NOT NULL,
  read_at timestamptz NOT NULL,
  books_moved_at timestamptz,
  CONSTRAINT processor_cash_reading_stripe_customer_id_pk PRIMARY KEY (stripe_customer_id)
);
CREATE INDEX processor_cash_reading_read_at_ix ON processor_cash_reading (read_at);

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

-- What a bank line is: a payout of the processor (booked when it is matched), or a transfer that was in the books already.
-- A line has one match at a time, and a transfer stands for one line; what was undone stays as history.
CREATE TABLE bank_match (
  id uuid NOT NULL,
  line_id uuid NOT NULL,
  payout_id text,
  -- The transfer that holds the line's amount at the bank.
  ledger_key text NOT NULL,
  -- A contributor's pseudonym; null when the comparison found it.
  matched_by uuid,
  note text,
  matched_at timestamptz NOT NULL,
  undone_at timestamptz,
  undone_by uuid,
  undone_reason text,
  CONSTRAINT bank_match_id_pk PRIMARY KEY (id),
  CONSTRAINT bank_match_line_id_fk FOREIGN KEY (line_id) REFERENCES bank_line (id),
  CONSTRAINT bank_match_undone_ck
    CHECK ((undone_at IS NULL) = (undone_by IS NULL) AND (undone_at IS NULL) = (undone_reason IS NULL))
);
CREATE UNIQUE INDEX bank_match_line_id_uq ON bank_match (line_id) WHERE undone_at IS NULL;
CREATE UNIQUE INDEX bank_match_ledger_key_uq ON bank_match (ledger_key) WHERE undone_at IS NULL;
CREATE INDEX bank_match_payout_id_ix ON bank_match (payout_id) WHERE payout_id IS NOT NULL;

CREATE FUNCTION bank_match_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.undone_at IS NOT NULL
     OR (NEW.id, NEW.line_id, NEW.payout_id, NEW.ledger_key, NEW.matched_by, NEW.note, NEW.matched_at)
        IS DISTINCT FROM (OLD.id, OLD.line_id, OLD.payout_id, OLD.ledger_key, OLD.matched_by, OLD.note, OLD.matched_at) THEN
    RAISE EXCEPTION 'a match is undone once and never changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER bank_match_guard_tr BEFORE UPDATE OR DELETE ON bank_match
  FOR EACH ROW EXECUTE FUNCTION bank_match_guard();

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
    'donor_cash_differs', 'gpu_time_differs')),
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

-- Every step of a case, written by the case itself: who had it in hand, and what the sides said by then.
CREATE TABLE reconciliation_case_step (
  id bigint GENERATED ALWAYS AS IDENTITY,
  case_id uuid NOT NULL,
  state text NOT NULL,
  owner uuid,
  note text,
  expected bigint NOT NULL,
  found bigint NOT NULL,
  at timestamptz NOT NULL,
  CONSTRAINT reconciliation_case_step_id_pk PRIMARY KEY (id),
  CONSTRAINT reconciliation_case_step_case_id_fk FOREIGN KEY (case_id) REFERENCES reconciliation_case (id)
);
CREATE INDEX reconciliation_case_step_case_id_ix ON reconciliation_case_step (case_id, id);

CREATE FUNCTION reconciliation_case_record() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO reconciliation_case_step (case_id, state, owner, note, expected, found, at)
  VALUES (NEW.id, NEW.state, NEW.owner, NEW.note, NEW.expected, NEW.found, NEW.changed_at);
  RETURN NULL;
END $$;
CREATE TRIGGER reconciliation_case_record_tr AFTER INSERT OR UPDATE ON reconciliation_case
  FOR EACH ROW EXECUTE FUNCTION reconciliation_case_record();
CREATE TRIGGER reconciliation_case_step_guard_tr BEFORE UPDATE OR DELETE ON reconciliation_case_step
  FOR EACH ROW EXECUTE FUNCTION processor_entry_guard();

-- A transfer that removes a difference: proposed by one person, posted on the word of another.
CREATE TABLE reconciliation_correction (
  id uuid NOT NULL,
  case_id uuid NOT NULL,
  debit text NOT NULL,
  credit text NOT NULL,
  unit text NOT NULL,
  amount_minor bigint NOT NULL,
  reason text NOT NULL,
  state text NOT NULL DEFAULT 'proposed',
  -- Contributors' pseudonyms. Nobody decided what lapsed: the difference was gone.
  proposed_by uuid NOT NULL,
  proposed_at timestamptz NOT NULL,
  decided_by uuid,
  decided_at timestamptz,
  decided_note text,
  CONSTRAINT reconciliation_correction_id_pk PRIMARY KEY (id),
  CONSTRAINT reconciliation_correction_case_id_fk FOREIGN KEY (case_id) REFERENCES reconciliation_case (id),
  CONSTRAINT reconciliation_correction_state_ck CHECK (state IN ('proposed', 'posted', 'rejected', 'withdrawn', 'lapsed')),
  CONSTRAINT reconciliation_correction_amount_minor_ck CHECK (amount_minor > 0),
  CONSTRAINT reconciliation_correction_accounts_ck CHECK (debit <> credit),
  CONSTRAINT reconciliation_correction_decided_ck CHECK (CASE state
    WHEN 'proposed' THEN decided_by IS NULL AND decided_at IS NULL
    WHEN 'posted' THEN decided_by IS NOT NULL AND decided_by <> proposed_by AND decided_at IS NOT NULL
    WHEN 'rejected' THEN decided_by IS NOT NULL AND decided_by <> proposed_by AND decided_note IS NOT NULL
    WHEN 'withdrawn' THEN decided_by IS NOT NULL AND decided_by = proposed_by AND decided_note IS NOT NULL
    ELSE decided_by IS NULL AND decided_at IS NOT NULL END)
);
-- One proposal of a case at a time.
CREATE UNIQUE INDEX reconciliation_correction_open_uq ON reconciliation_correction (case_id) WHERE state = 'proposed';
CREATE INDEX reconciliation_correction_case_id_ix ON reconciliation_correction (case_id, proposed_at);

CREATE FUNCTION reconciliation_correction_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR OLD.state <> 'proposed' OR NEW.state = 'proposed'
     OR (NEW.id, NEW.case_id, NEW.debit, NEW.credit, NEW.unit, NEW.amount_minor, NEW.reason, NEW.proposed_by, NEW.proposed_at)
        IS DISTINCT FROM
        (OLD.id, OLD.case_id, OLD.debit, OLD.credit, OLD.unit, OLD.amount_minor, OLD.reason, OLD.proposed_by, OLD.proposed_at) THEN
    RAISE EXCEPTION 'a correction is decided once and never changed' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER reconciliation_correction_guard_tr BEFORE UPDATE OR DELETE ON reconciliation_correction
  FOR EACH ROW EXECUTE FUNCTION reconciliation_correction_guard();

-- Corrections are few among all transfers, and every comparison asks for them.
CREATE INDEX ledger_transfer_correction_ix ON ledger_transfer (key) WHERE starts_with(key, 'correction:');

-- When the sides were compared last, and how that ended.
CREATE TABLE reconciliation_run (
  id smallint NOT NULL,
  ran_at timestamptz NOT NULL,
  CONSTRAINT reconciliation_run_id_pk PRIMARY KEY (id),
  CONSTRAINT reconciliation_run_id_ck CHECK (id = 1)
);
