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
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  next_check_at timestamptz,
  checks integer NOT NULL DEFAULT 0,
  CONSTRAINT refund_id_pk PRIMARY KEY (id),
  CONSTRAINT refund_payment_id_fk FOREIGN KEY (payment_id) REFERENCES payment (id),
  CONSTRAINT refund_idempotency_key_uq UNIQUE (idempotency_key),
  CONSTRAINT refund_stripe_refund_id_uq UNIQUE (stripe_refund_id),
  CONSTRAINT refund_amount_minor_ck CHECK (amount_minor > 0),
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
  reason text NOT NULL,
  -- Stripe's own word.
  stripe_status text NOT NULL,
  status text NOT NULL,
  opened_at timestamptz NOT NULL,
  respond_by timestamptz,
  closed_at timestamptz,
  updated_at timestamptz NOT NULL,
  CONSTRAINT dispute_id_pk PRIMARY KEY (id),
  CONSTRAINT dispute_payment_id_fk FOREIGN KEY (payment_id) REFERENCES payment (id),
  CONSTRAINT dispute_stripe_dispute_id_uq UNIQUE (stripe_dispute_id),
  CONSTRAINT dispute_amount_minor_ck CHECK (amount_minor > 0),
  CONSTRAINT dispute_fee_minor_ck CHECK (fee_minor >= 0),
  CONSTRAINT dispute_reinstated_minor_ck CHECK (reinstated_minor >= 0 AND (reinstated_minor = 0 OR status = 'WON')),
  CONSTRAINT dispute_status_ck CHECK (status IN ('INQUIRY', 'OPEN', 'WON', 'LOST', 'CLOSED')),
  CONSTRAINT dispute_closed_at_ck CHECK ((closed_at IS NOT NULL) = (status IN ('WON', 'LOST', 'CLOSED')))
);
CREATE INDEX dispute_payment_id_ix ON dispute (payment_id);

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
  CONSTRAINT stripe_event_id_pk PRIMARY KEY (id),
  CONSTRAINT stripe_event_state_ck CHECK (state IN ('waiting', 'parked', 'done', 'ignored', 'orphaned')),
  CONSTRAINT stripe_event_done_at_ck CHECK ((done_at IS NULL) = (state IN ('waiting', 'parked')))
);
CREATE INDEX stripe_event_next_attempt_at_ix ON stripe_event (next_attempt_at) WHERE state IN ('waiting', 'parked');
CREATE INDEX stripe_event_object_id_ix ON stripe_event (object_id);

-- Up to which moment Stripe's own list of events has been compared with the inbox.
CREATE TABLE stripe_backfill (
  id smallint NOT NULL,
  compared_until timestamptz NOT NULL,
  CONSTRAINT stripe_backfill_id_pk PRIMARY KEY (id),
  CONSTRAINT stripe_backfill_id_ck CHECK (id = 1)
);
