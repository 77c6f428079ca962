-- Promises of cash and compute and their fulfilment. See libs/pledges/README.md.

CREATE TABLE cash_pledge (
  id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  pseudonym uuid NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  state text NOT NULL,
  is_anonymous boolean NOT NULL,
  idempotency_key text NOT NULL,
  -- How often it was promised (a failed card may be followed by another try), and whether the promise stands now.
  promises smallint NOT NULL DEFAULT 1,
  is_promised boolean NOT NULL DEFAULT true,
  payment_id uuid,
  failure_code text,
  fee_minor bigint NOT NULL DEFAULT 0,
  refunded_minor bigint NOT NULL DEFAULT 0,
  disputed_minor bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  captured_at timestamptz,
  updated_at timestamptz NOT NULL,
  CONSTRAINT cash_pledge_id_pk PRIMARY KEY (id),
  CONSTRAINT cash_pledge_contributor_id_idempotency_key_uq UNIQUE (contributor_id, idempotency_key),
  -- Invariant 3: one pledge, one charge.
  CONSTRAINT cash_pledge_payment_id_uq UNIQUE (payment_id),
  CONSTRAINT cash_pledge_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT cash_pledge_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id),
  CONSTRAINT cash_pledge_amount_minor_ck CHECK (amount_minor BETWEEN 50 AND 99999999),
  CONSTRAINT cash_pledge_currency_ck CHECK (currency = 'USD'),
  CONSTRAINT cash_pledge_state_ck CHECK (state IN ('created', 'requires_action', 'captured', 'refund_pending', 'refunded',
    'disputed', 'charged_back', 'failed', 'cancelled')),
  CONSTRAINT cash_pledge_captured_ck CHECK ((captured_at IS NOT NULL) = (payment_id IS NOT NULL)
    AND (captured_at IS NOT NULL) = (state IN ('captured', 'refund_pending', 'refunded', 'disputed', 'charged_back'))),
  CONSTRAINT cash_pledge_is_promised_ck CHECK (is_promised = (state IN ('created', 'requires_action'))),
  CONSTRAINT cash_pledge_refunded_minor_ck CHECK (refunded_minor BETWEEN 0 AND amount_minor),
  CONSTRAINT cash_pledge_disputed_minor_ck CHECK (disputed_minor >= 0)
) WITH (fillfactor = 80);
-- The campaign page: newest first.
CREATE INDEX cash_pledge_campaign_id_id_ix ON cash_pledge (campaign_id, id DESC);
CREATE INDEX cash_pledge_unpaid_ix ON cash_pledge (created_at) WHERE state IN ('created', 'requires_action');

CREATE TABLE cash_pledge_transition (
  from_state text NOT NULL,
  to_state text NOT NULL,
  CONSTRAINT cash_pledge_transition_pk PRIMARY KEY (from_state, to_state)
);
INSERT INTO cash_pledge_transition (from_state, to_state) VALUES
  ('created', 'requires_action'), ('failed', 'requires_action'),
  ('created', 'captured'), ('requires_action', 'captured'), ('failed', 'captured'), ('cancelled', 'captured'),
  ('created', 'failed'), ('requires_action', 'failed'),
  ('created', 'cancelled'), ('requires_action', 'cancelled'), ('failed', 'cancelled'),
  ('captured', 'refund_pending'), ('captured', 'refunded'), ('refund_pending', 'refunded'),
  ('refund_pending', 'captured'), ('refunded', 'captured'),
  ('captured', 'disputed'), ('refund_pending', 'disputed'), ('refunded', 'disputed'),
  ('disputed', 'captured'), ('disputed', 'charged_back');

CREATE FUNCTION cash_pledge_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND NOT EXISTS (
    SELECT 1 FROM cash_pledge_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'a cash pledge does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.campaign_id, NEW.contributor_id, NEW.amount_minor, NEW.currency, NEW.idempotency_key)
     IS DISTINCT FROM (OLD.id, OLD.campaign_id, OLD.contributor_id, OLD.amount_minor, OLD.currency, OLD.idempotency_key)
     OR (OLD.payment_id IS NOT NULL AND NEW.payment_id IS DISTINCT FROM OLD.payment_id) THEN
    RAISE EXCEPTION 'what was pledged is immutable' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER cash_pledge_guard_tr BEFORE UPDATE ON cash_pledge FOR EACH ROW EXECUTE FUNCTION cash_pledge_guard();

CREATE TABLE cash_pledge_refund (
  refund_id uuid NOT NULL,
  pledge_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  state text NOT NULL,
  reason text NOT NULL,
  failure_code text,
  requested_at timestamptz NOT NULL,
  settled_at timestamptz,
  CONSTRAINT cash_pledge_refund_refund_id_pk PRIMARY KEY (refund_id),
  CONSTRAINT cash_pledge_refund_pledge_id_fk FOREIGN KEY (pledge_id) REFERENCES cash_pledge (id),
  CONSTRAINT cash_pledge_refund_amount_minor_ck CHECK (amount_minor > 0),
  CONSTRAINT cash_pledge_refund_state_ck CHECK (state IN ('requested', 'paid', 'failed'))
);
CREATE INDEX cash_pledge_refund_pledge_id_ix ON cash_pledge_refund (pledge_id);

CREATE TABLE cash_pledge_dispute (
  dispute_id uuid NOT NULL,
  pledge_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  fee_minor bigint NOT NULL,
  state text NOT NULL,
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  CONSTRAINT cash_pledge_dispute_dispute_id_pk PRIMARY KEY (dispute_id),
  CONSTRAINT cash_pledge_dispute_pledge_id_fk FOREIGN KEY (pledge_id) REFERENCES cash_pledge (id),
  CONSTRAINT cash_pledge_dispute_state_ck CHECK (state IN ('open', 'won', 'lost')),
  CONSTRAINT cash_pledge_dispute_closed_at_ck CHECK ((closed_at IS NULL) = (state = 'open'))
);
CREATE INDEX cash_pledge_dispute_pledge_id_ix ON cash_pledge_dispute (pledge_id);

CREATE TABLE compute_pledge (
  id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  pseudonym uuid NOT NULL,
  gpu_class text NOT NULL,
  -- How many devices at a time, and how many device-milliseconds in all.
  device_count integer NOT NULL,
  milliseconds bigint NOT NULL,
  state text NOT NULL,
  -- RFC 5545 recurrence of the hours in which the devices may be used; null for any time.
  availability text,
  region text,
  idempotency_key text NOT NULL,
  created_at timestamptz NOT NULL,
  accepted_at timestamptz,
  ended_at timestamptz,
  -- Given back undelivered when the pledge ended; delivered and judged by settlements so far; accepted of that.
  returned_ms bigint NOT NULL DEFAULT 0,
  judged_ms bigint NOT NULL DEFAULT 0,
  accepted_ms bigint NOT NULL DEFAULT 0,
  CONSTRAINT compute_pledge_id_pk PRIMARY KEY (id),
  CONSTRAINT compute_pledge_contributor_id_idempotency_key_uq UNIQUE (contributor_id, idempotency_key),
  CONSTRAINT compute_pledge_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT compute_pledge_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id),
  CONSTRAINT compute_pledge_device_count_ck CHECK (device_count BETWEEN 1 AND 65536),
  CONSTRAINT compute_pledge_milliseconds_ck CHECK (milliseconds > 0),
  CONSTRAINT compute_pledge_state_ck CHECK (state IN
    ('offered', 'accepted', 'delivering', 'fulfilled', 'lapsed', 'withdrawn')),
  CONSTRAINT compute_pledge_accepted_ms_ck CHECK (accepted_ms BETWEEN 0 AND judged_ms),
  CONSTRAINT compute_pledge_ended_at_ck CHECK ((ended_at IS NOT NULL) = (state IN ('fulfilled', 'lapsed', 'withdrawn')))
) WITH (fillfactor = 80);
CREATE INDEX compute_pledge_campaign_id_id_ix ON compute_pledge (campaign_id, id DESC);

CREATE TABLE compute_pledge_transition (
  from_state text NOT NULL,
  to_state text NOT NULL,
  CONSTRAINT compute_pledge_transition_pk PRIMARY KEY (from_state, to_state)
);
INSERT INTO compute_pledge_transition (from_state, to_state) VALUES
  ('offered', 'accepted'), ('offered', 'withdrawn'), ('offered', 'lapsed'),
  ('accepted', 'delivering'), ('accepted', 'fulfilled'), ('accepted', 'withdrawn'), ('accepted', 'lapsed'),
  ('delivering', 'fulfilled'), ('delivering', 'withdrawn'), ('delivering', 'lapsed');

CREATE FUNCTION compute_pledge_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND NOT EXISTS (
    SELECT 1 FROM compute_pledge_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'a compute pledge does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.campaign_id, NEW.contributor_id, NEW.gpu_class, NEW.device_count, NEW.milliseconds, NEW.idempotency_key)
     IS DISTINCT FROM
     (OLD.id, OLD.campaign_id, OLD.contributor_id, OLD.gpu_class, OLD.device_count, OLD.milliseconds, OLD.idempotency_key) THEN
    RAISE EXCEPTION 'what was pledged is immutable' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER compute_pledge_guard_tr BEFORE UPDATE ON compute_pledge FOR EACH ROW EXECUTE FUNCTION compute_pledge_guard();
