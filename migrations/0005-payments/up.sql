-- Payments by card, their refunds and disputes, and the inbox of Stripe's events. See libs/payments/README.md.

CREATE TABLE payment (
  id uuid NOT NULL,
  -- What is paid for, in the words of the room that asked (a pledge's id), and which instalment of it.
  reference text NOT NULL,
  instalment integer NOT NULL DEFAULT 1,
  -- Which room asked, and the campaign or pool that the money is for.
  purpose text NOT NULL DEFAULT 'pledge',
  beneficiary_id uuid NOT NULL,
  contributor_pseudonym uuid NOT NULL,
  rail text NOT NULL DEFAULT 'card',
  -- Set for a payment that is charged without its payer.
  saved_method_id uuid,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  description text NOT NULL,
  escrow_account text NOT NULL,
  refunds_payable_account text NOT NULL,
  debt_account text NOT NULL,
  reserve_account text,
  status text NOT NULL,
  -- Grows with every change: what was read from Stripe before a change is not applied after it.
  version integer NOT NULL DEFAULT 0,
  idempotency_key text NOT NULL,
  stripe_payment_intent_id text,
  stripe_charge_id text,
  fee_minor bigint,
  failure_code text,
  failure_message text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  captured_at timestamptz,
  -- Set when the payment is no longer wanted; until Stripe has heard so, the sweep goes on telling it.
  cancel_requested_at timestamptz,
  -- When the sweep looks at the payment again, and how often it did since the last change. Null once it has ended.
  next_check_at timestamptz,
  checks integer NOT NULL DEFAULT 0,
  CONSTRAINT payment_id_pk PRIMARY KEY (id),
  CONSTRAINT payment_idempotency_key_uq UNIQUE (idempotency_key),
  CONSTRAINT payment_stripe_payment_intent_id_uq UNIQUE (stripe_payment_intent_id),
  CONSTRAINT payment_stripe_charge_id_uq UNIQUE (stripe_charge_id),
  CONSTRAINT payment_amount_minor_ck CHECK (amount_minor > 0),
  CONSTRAINT payment_instalment_ck CHECK (instalment > 0),
  CONSTRAINT payment_purpose_ck CHECK (purpose IN ('pledge', 'pool')),
  -- A saved method is charged without its payer; what a bank pushed is applied and never charged.
  CONSTRAINT payment_saved_method_id_ck CHECK (saved_method_id IS NULL OR rail <> 'bank_transfer'),
  CONSTRAINT payment_rail_ck CHECK (rail IN ('card', 'us_bank_account', 'sepa_debit', 'bank_transfer')),
  CONSTRAINT payment_currency_ck CHECK (currency = upper(currency) AND char_length(currency) = 3),
  CONSTRAINT payment_status_ck CHECK (status IN ('LOCAL_INTENT', 'SUBMITTED', 'REQUIRES_ACTION', 'PROCESSING',
    'REQUIRES_PAYMENT_METHOD', 'SUCCEEDED', 'FAILED', 'CANCELED')),
  CONSTRAINT payment_fee_minor_ck CHECK (fee_minor IS NULL OR fee_minor >= 0),
  CONSTRAINT payment_captured_ck CHECK ((status = 'SUCCEEDED') =
    (captured_at IS NOT NULL AND fee_minor IS NOT NULL AND stripe_charge_id IS NOT NULL))
);
-- Invariant 3: one instalment has at most one payment that is, or may still become, money.
CREATE UNIQUE INDEX payment_reference_instalment_uq ON payment (reference, instalment)
  WHERE status NOT IN ('CANCELED', 'FAILED');
CREATE INDEX payment_next_check_at_ix ON payment (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX payment_beneficiary_id_ix ON payment (beneficiary_id, id);

-- What a payment is for and how much it is never changes, and an ended payment stays ended.
CREATE FUNCTION payment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.reference, NEW.instalment, NEW.purpose, NEW.beneficiary_id, NEW.contributor_pseudonym, NEW.rail,
      NEW.saved_method_id, NEW.amount_minor, NEW.currency, NEW.escrow_account, NEW.refunds_payable_account,
      NEW.debt_account, NEW.reserve_account, NEW.idempotency_key)
     IS DISTINCT FROM (OLD.id, OLD.reference, OLD.instalment, OLD.purpose, OLD.beneficiary_id, OLD.contributor_pseudonym,
      OLD.rail, OLD.saved_method_id, OLD.amount_minor, OLD.currency, OLD.escrow_account, OLD.refunds_payable_account,
      OLD.debt_account, OLD.reserve_account, OLD.idempotency_key) THEN
    RAISE EXCEPTION 'the terms of a payment are immutable' USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.status IN ('SUCCEEDED', 'FAILED', 'CANCELED') AND (NEW.status, NEW.fee_minor, NEW.stripe_charge_id)
     IS DISTINCT FROM (OLD.status, OLD.fee_minor, OLD.stripe_charge_id) THEN
    RAISE EXCEPTION 'payment % has ended as %', OLD.id, OLD.status USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER payment_guard_tr BEFORE UPDATE ON payment FOR EACH ROW EXECUTE FUNCTION payment_guard();

CREATE TABLE payment_transition (
  payment_id uuid NOT NULL,
  version integer NOT NULL,
  from_status text NOT NULL,
  to_status text NOT NULL,
  at timestamptz NOT NULL,
  CONSTRAINT payment_transition_payment_id_version_pk PRIMARY KEY (payment_id, version),
  CONSTRAINT payment_transition_payment_id_fk FOREIGN KEY (payment_id) REFERENCES payment (id)
);

CREATE TABLE refund (
  id uuid NOT NULL,
  payment_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  reason text NOT NULL,
  status text NOT NULL,
  version integer NOT NULL DEFAULT 0,
  idempotency_key text NOT NULL,
  stripe_refund_id text,
  failure_code text,
  -- Made in Stripe's dashboard and not asked for here.
  is_external boolean NOT NULL DEFAULT false,
  -- What of an external refund escrow did not hold: it is owed.
  owed_minor bigint NOT NULL DEFAULT 0,
  -- The case whose money this refund tries again to give back.
  case_id uuid,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  next_check_at timestamptz,
  checks integer NOT NULL DEFAULT 0,
  CONSTRAINT refund_id_pk PRIMARY KEY (id),
  CONSTRAINT refund_payment_id_fk FOREIGN KEY (payment_id) REFERENCES payment (id),
  CONSTRAINT refund_idempotency_key_uq UNIQUE (idempotency_key),
  CONSTRAINT refund_stripe_refund_id_uq UNIQUE (stripe_refund_id),
  CONSTRAINT refund_amount_minor_ck CHECK (amount_minor > 0),
  CONSTRAINT refund_owed_minor_ck CHECK (owed_minor BETWEEN 0 AND amount_minor),
  CONSTRAINT refund_status_ck CHECK (status IN ('REQUESTED', 'PENDING', 'SUCCEEDED', 'FAILED', 'CANCELED'))
);
CREATE INDEX refund_payment_id_ix ON refund (payment_id);
CREATE INDEX refund_next_check_at_ix ON refund (next_check_at) WHERE next_check_at IS NOT NULL;

CREATE TABLE dispute (
  id uuid NOT NULL,
  payment_id uuid NOT NULL,
  stripe_dispute_id text NOT NULL,
  -- What the bank took, and what it gave back when the dispute was won; the fee less what was given back of it.
  amount_minor bigint NOT NULL,
  reinstated_minor bigint NOT NULL DEFAULT 0,
  fee_minor bigint NOT NULL,
  -- Where what was lost for good came from: the reserve, escrow, and what is owed.
  lost_reserve_minor bigint NOT NULL DEFAULT 0,
  lost_escrow_minor bigint NOT NULL DEFAULT 0,
  lost_debt_minor bigint NOT NULL DEFAULT 0,
  reason text NOT NULL,
  -- Stripe's own word.
  stripe_status text NOT NULL,
  status text NOT NULL,
  opened_at timestamptz NOT NULL,
  respond_by timestamptz,
  closed_at timestamptz,
  updated_at timestamptz NOT NULL,
  -- Pseudonym of who answers the bank, and when somebody did.
  owner text,
  taken_at timestamptz,
  answered_at timestamptz,
  CONSTRAINT dispute_id_pk PRIMARY KEY (id),
  CONSTRAINT dispute_payment_id_fk FOREIGN KEY (payment_id) REFERENCES payment (id),
  CONSTRAINT dispute_stripe_dispute_id_uq UNIQUE (stripe_dispute_id),
  CONSTRAINT dispute_amount_minor_ck CHECK (amount_minor > 0),
  CONSTRAINT dispute_fee_minor_ck CHECK (fee_minor >= 0),
  CONSTRAINT dispute_lost_minor_ck CHECK (lost_reserve_minor >= 0 AND lost_escrow_minor >= 0 AND lost_debt_minor >= 0
    AND lost_reserve_minor + lost_escrow_minor + lost_debt_minor + reinstated_minor <= amount_minor),
  CONSTRAINT dispute_reinstated_minor_ck CHECK (reinstated_minor >= 0 AND (reinstated_minor = 0 OR status = 'WON')),
  CONSTRAINT dispute_status_ck CHECK (status IN ('INQUIRY', 'OPEN', 'WON', 'LOST', 'CLOSED')),
  CONSTRAINT dispute_closed_at_ck CHECK ((closed_at IS NOT NULL) = (status IN ('WON', 'LOST', 'CLOSED'))),
  CONSTRAINT dispute_taken_ck CHECK ((owner IS NULL) = (taken_at IS NULL) AND (answered_at IS NULL OR owner IS NOT NULL))
);
CREATE INDEX dispute_payment_id_ix ON dispute (payment_id);

-- A bank's suspicion of fraud, before there is a dispute.
CREATE TABLE fraud_warning (
  id uuid NOT NULL,
  payment_id uuid NOT NULL,
  stripe_warning_id text NOT NULL,
  -- Stripe's own word.
  fraud_type text NOT NULL,
  is_actionable boolean NOT NULL,
  -- The refund by which a dispute is forestalled, where the policy made one.
  refund_id uuid,
  issued_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT fraud_warning_id_pk PRIMARY KEY (id),
  CONSTRAINT fraud_warning_stripe_warning_id_uq UNIQUE (stripe_warning_id),
  CONSTRAINT fraud_warning_payment_id_fk FOREIGN KEY (payment_id) REFERENCES payment (id)
);
CREATE INDEX fraud_warning_payment_id_ix ON fraud_warning (payment_id);

-- A refund that did not reach its owner: the money stays in refunds payable until somebody has decided.
CREATE TABLE refund_case (
  id uuid NOT NULL,
  refund_id uuid NOT NULL,
  payment_id uuid NOT NULL,
  beneficiary_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  failure_code text NOT NULL,
  state text NOT NULL DEFAULT 'open',
  resolution text,
  -- Who has it in hand, a contributor's pseudonym.
  owner uuid,
  note text,
  -- The refund that was made anew, where that was the way out.
  retry_refund_id uuid,
  opened_at timestamptz NOT NULL,
  taken_at timestamptz,
  resolved_at timestamptz,
  CONSTRAINT refund_case_id_pk PRIMARY KEY (id),
  CONSTRAINT refund_case_refund_id_uq UNIQUE (refund_id),
  CONSTRAINT refund_case_refund_id_fk FOREIGN KEY (refund_id) REFERENCES refund (id),
  CONSTRAINT refund_case_state_ck CHECK (state IN ('open', 'taken', 'resolved')),
  CONSTRAINT refund_case_taken_ck CHECK ((state = 'open') = (owner IS NULL) AND (owner IS NULL) = (taken_at IS NULL)),
  CONSTRAINT refund_case_resolution_ck CHECK ((state = 'resolved') = (resolution IS NOT NULL AND resolved_at IS NOT NULL)
    AND (resolution IS NULL OR resolution IN ('retried', 'paid_otherwise', 'written_off'))
    AND (resolution = 'retried') = (retry_refund_id IS NOT NULL))
);
CREATE INDEX refund_case_beneficiary_id_ix ON refund_case (beneficiary_id, opened_at);
CREATE INDEX refund_case_open_ix ON refund_case (opened_at) WHERE state <> 'resolved';

CREATE TABLE refund_case_transition (
  from_state text NOT NULL,
  to_state text NOT NULL,
  CONSTRAINT refund_case_transition_pk PRIMARY KEY (from_state, to_state)
);
INSERT INTO refund_case_transition (from_state, to_state) VALUES
  ('open', 'taken'), ('taken', 'taken'), ('taken', 'resolved');

CREATE FUNCTION refund_case_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM refund_case_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'a refund case does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.refund_id, NEW.payment_id, NEW.beneficiary_id, NEW.amount_minor, NEW.currency, NEW.failure_code)
     IS DISTINCT FROM
     (OLD.id, OLD.refund_id, OLD.payment_id, OLD.beneficiary_id, OLD.amount_minor, OLD.currency, OLD.failure_code) THEN
    RAISE EXCEPTION 'what a refund case is about is immutable' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER refund_case_guard_tr BEFORE UPDATE ON refund_case FOR EACH ROW EXECUTE FUNCTION refund_case_guard();

-- One customer at Stripe for each donor. Name, address and account stay with Stripe.
CREATE TABLE payment_customer (
  contributor_pseudonym uuid NOT NULL,
  idempotency_key text NOT NULL,
  stripe_customer_id text,
  created_at timestamptz NOT NULL,
  CONSTRAINT payment_customer_contributor_pseudonym_pk PRIMARY KEY (contributor_pseudonym),
  CONSTRAINT payment_customer_idempotency_key_uq UNIQUE (idempotency_key),
  CONSTRAINT payment_customer_stripe_customer_id_uq UNIQUE (stripe_customer_id)
);

-- The saving of a payment method by its owner (a SetupIntent).
CREATE TABLE payment_setup (
  id uuid NOT NULL,
  reference text NOT NULL,
  purpose text NOT NULL,
  beneficiary_id uuid NOT NULL,
  contributor_pseudonym uuid NOT NULL,
  rail text NOT NULL,
  status text NOT NULL,
  version integer NOT NULL DEFAULT 0,
  idempotency_key text NOT NULL,
  stripe_setup_intent_id text,
  failure_code text,
  cancel_requested_at timestamptz,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  next_check_at timestamptz,
  checks integer NOT NULL DEFAULT 0,
  CONSTRAINT payment_setup_id_pk PRIMARY KEY (id),
  CONSTRAINT payment_setup_idempotency_key_uq UNIQUE (idempotency_key),
  CONSTRAINT payment_setup_stripe_setup_intent_id_uq UNIQUE (stripe_setup_intent_id),
  CONSTRAINT payment_setup_purpose_ck CHECK (purpose IN ('pledge', 'pool')),
  CONSTRAINT payment_setup_rail_ck CHECK (rail IN ('card', 'us_bank_account', 'sepa_debit')),
  CONSTRAINT payment_setup_status_ck CHECK (status IN ('LOCAL_INTENT', 'SUBMITTED', 'REQUIRES_ACTION', 'PROCESSING',
    'REQUIRES_PAYMENT_METHOD', 'SUCCEEDED', 'FAILED', 'CANCELED'))
);
-- One reference has at most one setup under way; after one that succeeded another card may take its place.
CREATE UNIQUE INDEX payment_setup_reference_uq ON payment_setup (reference)
  WHERE status NOT IN ('SUCCEEDED', 'CANCELED', 'FAILED');
CREATE INDEX payment_setup_next_check_at_ix ON payment_setup (next_check_at) WHERE next_check_at IS NOT NULL;

CREATE TABLE saved_method (
  id uuid NOT NULL,
  setup_id uuid NOT NULL,
  contributor_pseudonym uuid NOT NULL,
  rail text NOT NULL,
  stripe_payment_method_id text NOT NULL,
  stripe_customer_id text NOT NULL,
  -- kept: may be charged · releasing: Stripe is yet to be told · released: gone from Stripe
  state text NOT NULL DEFAULT 'kept',
  created_at timestamptz NOT NULL,
  released_at timestamptz,
  next_check_at timestamptz,
  checks integer NOT NULL DEFAULT 0,
  CONSTRAINT saved_method_id_pk PRIMARY KEY (id),
  CONSTRAINT saved_method_setup_id_uq UNIQUE (setup_id),
  CONSTRAINT saved_method_setup_id_fk FOREIGN KEY (setup_id) REFERENCES payment_setup (id),
  CONSTRAINT saved_method_rail_ck CHECK (rail IN ('card', 'us_bank_account', 'sepa_debit')),
  CONSTRAINT saved_method_state_ck CHECK (state IN ('kept', 'releasing', 'released')),
  CONSTRAINT saved_method_released_ck CHECK ((state = 'released') = (released_at IS NOT NULL))
);
CREATE INDEX saved_method_next_check_at_ix ON saved_method (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX saved_method_pseudonym_ix ON saved_method (contributor_pseudonym);

-- Money that a donor's bank sent to his customer balance: each funding, and each sending back, once.
CREATE TABLE cash_receipt (
  id uuid NOT NULL,
  contributor_pseudonym uuid NOT NULL,
  stripe_customer_id text NOT NULL,
  stripe_transaction_id text NOT NULL,
  currency text NOT NULL,
  amount_minor bigint NOT NULL,
  received_at timestamptz NOT NULL,
  booked_at timestamptz NOT NULL,
  CONSTRAINT cash_receipt_id_pk PRIMARY KEY (id),
  CONSTRAINT cash_receipt_stripe_transaction_id_uq UNIQUE (stripe_transaction_id),
  CONSTRAINT cash_receipt_amount_minor_ck CHECK (amount_minor > 0)
);
CREATE INDEX cash_receipt_pseudonym_ix ON cash_receipt (contributor_pseudonym, currency);

-- What of a donor's cash went to which pledge. The intents that move it at Stripe are payments of rail bank_transfer.
CREATE TABLE cash_application (
  id uuid NOT NULL,
  contributor_pseudonym uuid NOT NULL,
  currency text NOT NULL,
  reference text NOT NULL,
  application_key text NOT NULL,
  purpose text NOT NULL,
  beneficiary_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  applied_at timestamptz NOT NULL,
  CONSTRAINT cash_application_id_pk PRIMARY KEY (id),
  CONSTRAINT cash_application_reference_application_key_uq UNIQUE (reference, application_key),
  CONSTRAINT cash_application_amount_minor_ck CHECK (amount_minor > 0)
);
CREATE INDEX cash_application_pseudonym_ix ON cash_application (contributor_pseudonym, currency);

-- Unapplied cash that goes back to the donor's bank.
CREATE TABLE cash_return (
  id uuid NOT NULL,
  contributor_pseudonym uuid NOT NULL,
  currency text NOT NULL,
  amount_minor bigint NOT NULL,
  reason text NOT NULL,
  status text NOT NULL,
  idempotency_key text NOT NULL,
  stripe_refund_id text,
  failure_code text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  next_check_at timestamptz,
  checks integer NOT NULL DEFAULT 0,
  CONSTRAINT cash_return_id_pk PRIMARY KEY (id),
  CONSTRAINT cash_return_idempotency_key_uq UNIQUE (idempotency_key),
  CONSTRAINT cash_return_stripe_refund_id_uq UNIQUE (stripe_refund_id),
  CONSTRAINT cash_return_amount_minor_ck CHECK (amount_minor > 0),
  CONSTRAINT cash_return_status_ck CHECK (status IN ('REQUESTED', 'PENDING', 'SUCCEEDED', 'FAILED', 'CANCELED'))
);
CREATE INDEX cash_return_next_check_at_ix ON cash_return (next_check_at) WHERE next_check_at IS NOT NULL;

-- What one unit of `base` was worth in `quote`, as an exact decimal, on a day. Never changed: a correction is a new source.
CREATE TABLE exchange_rate (
  base text NOT NULL,
  quote text NOT NULL,
  as_of date NOT NULL,
  source text NOT NULL,
  rate text NOT NULL,
  imported_at timestamptz NOT NULL,
  CONSTRAINT exchange_rate_base_quote_as_of_source_pk PRIMARY KEY (base, quote, as_of, source),
  CONSTRAINT exchange_rate_base_ck CHECK (base ~ '^[A-Z]{3}$' AND quote ~ '^[A-Z]{3}$' AND base <> quote),
  CONSTRAINT exchange_rate_rate_ck CHECK (rate ~ '^(0|[1-9][0-9]{0,11})(\.[0-9]{1,18})?$' AND rate::numeric > 0)
);
CREATE FUNCTION exchange_rate_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'exchange rates are immutable' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER exchange_rate_guard_tr BEFORE UPDATE OR DELETE ON exchange_rate
  FOR EACH ROW EXECUTE FUNCTION exchange_rate_guard();

-- Every verified event of Stripe, once, before anything is made of it.
CREATE TABLE stripe_event (
  id text NOT NULL,
  type text NOT NULL,
  object_id text NOT NULL,
  -- Ids, amounts and statuses only: what is personal stays with Stripe.
  payload jsonb NOT NULL,
  -- Of all that the event says; a second delivery under the same id must say the same.
  content_sha256 text NOT NULL,
  occurred_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  state text NOT NULL DEFAULT 'waiting',
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  done_at timestamptz,
  last_error text,
  -- Of a parked event: the payment's id, or its intent's, without which nothing can be made of it.
  awaits text,
  CONSTRAINT stripe_event_id_pk PRIMARY KEY (id),
  CONSTRAINT stripe_event_state_ck CHECK (state IN ('waiting', 'parked', 'done', 'ignored', 'orphaned')),
  CONSTRAINT stripe_event_done_at_ck CHECK ((done_at IS NULL) = (state IN ('waiting', 'parked'))),
  CONSTRAINT stripe_event_awaits_ck CHECK (awaits IS NULL OR state = 'parked')
);
CREATE INDEX stripe_event_next_attempt_at_ix ON stripe_event (next_attempt_at) WHERE state IN ('waiting', 'parked');
CREATE INDEX stripe_event_object_id_ix ON stripe_event (object_id);
CREATE INDEX stripe_event_awaits_ix ON stripe_event (awaits) WHERE state = 'parked';

-- A payment that comes, or goes on, wakes the events that were ahead of it, whoever writes it. Money never waits for the
-- inbox: an event that somebody has in hand is passed over, and is looked at again by its own clock.
CREATE FUNCTION payment_wakes_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE stripe_event SET next_attempt_at = received_at
   WHERE id IN (SELECT e.id FROM stripe_event e
                 WHERE e.state = 'parked' AND e.next_attempt_at > e.received_at
                   AND e.awaits = ANY (ARRAY(SELECT id::text FROM changed
                                              UNION ALL SELECT stripe_payment_intent_id FROM changed))
                   FOR UPDATE SKIP LOCKED);
  RETURN NULL;
END $$;
CREATE TRIGGER payment_inserted_wakes_events_tr AFTER INSERT ON payment REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION payment_wakes_events();
CREATE TRIGGER payment_updated_wakes_events_tr AFTER UPDATE ON payment REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION payment_wakes_events();

-- Up to which moment Stripe's own list of events has been compared with the inbox.
CREATE TABLE stripe_backfill (
  id smallint NOT NULL,
  compared_until timestamptz NOT NULL,
  CONSTRAINT stripe_backfill_id_pk PRIMARY KEY (id),
  CONSTRAINT stripe_backfill_id_ck CHECK (id = 1)
);
