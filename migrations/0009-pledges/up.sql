-- Promises of cash and compute and their fulfilment. See libs/pledges/README.md.

CREATE TABLE cash_pledge (
  id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  pseudonym uuid NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  -- The amount in the campaign's currency, by the rate of the day on which it was pledged.
  counted_minor bigint NOT NULL,
  -- That rate, exact, with its source and day: "0.8635 EUR per USD, ECB 2026-11-23". Null in the campaign's own currency.
  exchange_rate text,
  rail text NOT NULL,
  -- Charged when the campaign settles; else at once.
  is_deferred boolean NOT NULL,
  -- In how many payments it is charged: a payment has a ceiling.
  instalments smallint NOT NULL DEFAULT 1,
  -- The terms of the campaign that its donor agreed to.
  terms_version integer NOT NULL,
  state text NOT NULL,
  is_anonymous boolean NOT NULL,
  -- The name to be shown instead of the account's. Personal: null after erasure.
  display_name text,
  idempotency_key text NOT NULL,
  -- How often it was promised (a failed card may be followed by another try), and whether the promise stands now.
  promises smallint NOT NULL DEFAULT 0,
  is_promised boolean NOT NULL,
  saved_method_id uuid,
  snapshot_id uuid,
  -- Rounds of charging so far, and when the next one or its end is due.
  attempts smallint NOT NULL DEFAULT 0,
  next_attempt_at timestamptz,
  expires_at timestamptz,
  plan_id uuid,
  plan_month smallint,
  failure_code text,
  collected_minor bigint NOT NULL DEFAULT 0,
  fee_minor bigint NOT NULL DEFAULT 0,
  refunded_minor bigint NOT NULL DEFAULT 0,
  disputed_minor bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  collected_at timestamptz,
  updated_at timestamptz NOT NULL,
  CONSTRAINT cash_pledge_id_pk PRIMARY KEY (id),
  CONSTRAINT cash_pledge_contributor_id_idempotency_key_uq UNIQUE (contributor_id, idempotency_key),
  -- A month of a plan is one pledge, whoever comes too late or twice.
  CONSTRAINT cash_pledge_plan_id_plan_month_uq UNIQUE (plan_id, plan_month),
  CONSTRAINT cash_pledge_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT cash_pledge_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id),
  CONSTRAINT cash_pledge_amount_minor_ck CHECK (amount_minor > 0 AND counted_minor > 0),
  CONSTRAINT cash_pledge_currency_ck CHECK (currency ~ '^[A-Z]{3}$'),
  CONSTRAINT cash_pledge_rail_ck CHECK (rail IN ('card', 'us_bank_account', 'sepa_debit', 'bank_transfer')),
  CONSTRAINT cash_pledge_instalments_ck CHECK (instalments > 0),
  CONSTRAINT cash_pledge_plan_ck CHECK ((plan_id IS NULL) = (plan_month IS NULL)),
  CONSTRAINT cash_pledge_display_name_ck CHECK (length(display_name) BETWEEN 1 AND 80),
  CONSTRAINT cash_pledge_state_ck CHECK (state IN ('created', 'method_required', 'pledged', 'frozen', 'charging',
    'needs_action', 'errored', 'collected', 'dropped', 'released', 'cancelled', 'instructions_issued', 'partially_funded',
    'funded', 'expired', 'refund_pending', 'refunded', 'refund_stuck', 'disputed', 'charged_back')),
  -- Nothing counts as collected without money, and nothing that was given up has any.
  CONSTRAINT cash_pledge_collected_ck CHECK ((collected_at IS NOT NULL) = (collected_minor > 0)
    AND (collected_minor > 0 OR state NOT IN ('collected', 'partially_funded', 'funded', 'refund_pending', 'refunded',
                                              'refund_stuck', 'disputed', 'charged_back'))
    AND (collected_minor = 0 OR state NOT IN ('created', 'method_required', 'pledged', 'frozen', 'dropped', 'released',
                                              'cancelled', 'instructions_issued', 'expired'))),
  CONSTRAINT cash_pledge_collected_minor_ck CHECK (collected_minor BETWEEN 0 AND amount_minor),
  CONSTRAINT cash_pledge_is_promised_ck CHECK (is_promised = (state IN ('created', 'pledged', 'frozen', 'charging',
    'needs_action', 'instructions_issued', 'partially_funded', 'funded'))),
  CONSTRAINT cash_pledge_refunded_minor_ck CHECK (refunded_minor BETWEEN 0 AND collected_minor),
  CONSTRAINT cash_pledge_disputed_minor_ck CHECK (disputed_minor >= 0)
) WITH (fillfactor = 80);
-- The campaign page: newest first.
CREATE INDEX cash_pledge_campaign_id_id_ix ON cash_pledge (campaign_id, id DESC);
-- The work list of a close, and of what was begun and never paid.
CREATE INDEX cash_pledge_campaign_id_state_ix ON cash_pledge (campaign_id, state, id)
  WHERE state NOT IN ('collected', 'refunded', 'cancelled', 'dropped', 'released', 'expired', 'charged_back');
CREATE INDEX cash_pledge_created_at_ix ON cash_pledge (created_at) WHERE state IN ('created', 'method_required');
CREATE INDEX cash_pledge_next_attempt_at_ix ON cash_pledge (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX cash_pledge_pseudonym_ix ON cash_pledge (pseudonym, currency) WHERE rail = 'bank_transfer';

CREATE TABLE cash_pledge_transition (
  from_state text NOT NULL,
  to_state text NOT NULL,
  CONSTRAINT cash_pledge_transition_pk PRIMARY KEY (from_state, to_state)
);
INSERT INTO cash_pledge_transition (from_state, to_state) VALUES
  ('created', 'method_required'), ('created', 'instructions_issued'), ('created', 'charging'),
  ('created', 'needs_action'), ('created', 'errored'), ('created', 'collected'), ('created', 'cancelled'),
  ('method_required', 'pledged'), ('method_required', 'cancelled'), ('pledged', 'frozen'), ('pledged', 'charging'),
  ('pledged', 'released'), ('pledged', 'cancelled'), ('frozen', 'charging'), ('frozen', 'released'),
  ('charging', 'collected'), ('charging', 'needs_action'), ('charging', 'errored'), ('needs_action', 'charging'),
  ('needs_action', 'errored'), ('needs_action', 'collected'), ('needs_action', 'dropped'),
  ('needs_action', 'released'), ('needs_action', 'cancelled'), ('errored', 'charging'), ('errored', 'needs_action'),
  ('errored', 'collected'), ('errored', 'dropped'), ('errored', 'released'), ('errored', 'cancelled'),
  ('instructions_issued', 'partially_funded'), ('instructions_issued', 'funded'), ('instructions_issued', 'expired'),
  ('instructions_issued', 'cancelled'), ('partially_funded', 'funded'), ('partially_funded', 'collected'),
  ('partially_funded', 'refund_pending'), ('funded', 'collected'), ('cancelled', 'collected'),
  ('dropped', 'collected'), ('released', 'collected'), ('collected', 'refund_pending'), ('collected', 'refunded'),
  ('collected', 'disputed'), ('refund_pending', 'refunded'), ('refund_pending', 'refund_stuck'),
  ('refund_pending', 'disputed'), ('refund_stuck', 'refunded'),
  ('refund_stuck', 'disputed'), ('refunded', 'refund_stuck'), ('refunded', 'disputed'), ('disputed', 'collected'),
  ('disputed', 'charged_back'), ('charged_back', 'collected');

CREATE FUNCTION cash_pledge_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND NOT EXISTS (
    SELECT 1 FROM cash_pledge_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'a cash pledge does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.campaign_id, NEW.contributor_id, NEW.amount_minor, NEW.currency, NEW.counted_minor, NEW.exchange_rate,
      NEW.rail, NEW.is_deferred, NEW.instalments, NEW.terms_version, NEW.idempotency_key, NEW.plan_id, NEW.plan_month)
     IS DISTINCT FROM
     (OLD.id, OLD.campaign_id, OLD.contributor_id, OLD.amount_minor, OLD.currency, OLD.counted_minor, OLD.exchange_rate,
      OLD.rail, OLD.is_deferred, OLD.instalments, OLD.terms_version, OLD.idempotency_key, OLD.plan_id, OLD.plan_month)
     OR (OLD.snapshot_id IS NOT NULL AND NEW.snapshot_id IS DISTINCT FROM OLD.snapshot_id AND NEW.snapshot_id IS NULL)
     OR NEW.collected_minor < OLD.collected_minor THEN
    RAISE EXCEPTION 'what was pledged is immutable' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER cash_pledge_guard_tr BEFORE UPDATE ON cash_pledge FOR EACH ROW EXECUTE FUNCTION cash_pledge_guard();

-- Invariant 3: what a pledge was charged, each instalment once.
CREATE TABLE cash_pledge_charge (
  payment_id uuid NOT NULL,
  pledge_id uuid NOT NULL,
  rail text NOT NULL,
  instalment integer NOT NULL,
  amount_minor bigint NOT NULL,
  captured_at timestamptz NOT NULL,
  CONSTRAINT cash_pledge_charge_payment_id_pk PRIMARY KEY (payment_id),
  CONSTRAINT cash_pledge_charge_pledge_id_instalment_uq UNIQUE (pledge_id, instalment),
  CONSTRAINT cash_pledge_charge_pledge_id_fk FOREIGN KEY (pledge_id) REFERENCES cash_pledge (id),
  CONSTRAINT cash_pledge_charge_amount_minor_ck CHECK (amount_minor > 0)
);
-- Cash of a donor that was applied to a pledge, each receipt once.
CREATE TABLE cash_pledge_application (
  application_key text NOT NULL,
  pledge_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  applied_at timestamptz NOT NULL,
  CONSTRAINT cash_pledge_application_key_pk PRIMARY KEY (application_key),
  CONSTRAINT cash_pledge_application_pledge_id_fk FOREIGN KEY (pledge_id) REFERENCES cash_pledge (id),
  CONSTRAINT cash_pledge_application_amount_minor_ck CHECK (amount_minor > 0)
);
CREATE INDEX cash_pledge_application_pledge_id_ix ON cash_pledge_application (pledge_id);

CREATE TABLE cash_pledge_refund (
  refund_id uuid NOT NULL,
  pledge_id uuid NOT NULL,
  payment_id uuid NOT NULL,
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

-- The close of a campaign: its pledges are frozen as one list and charged over a window.
CREATE TABLE pledge_close (
  snapshot_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  phase text NOT NULL,
  retry_every_seconds bigint NOT NULL,
  started_at timestamptz NOT NULL,
  finished_at timestamptz,
  CONSTRAINT pledge_close_snapshot_id_pk PRIMARY KEY (snapshot_id),
  CONSTRAINT pledge_close_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT pledge_close_phase_ck CHECK (phase IN ('freezing', 'charging', 'last_try', 'dropping', 'finished')),
  CONSTRAINT pledge_close_finished_at_ck CHECK ((finished_at IS NOT NULL) = (phase = 'finished'))
);
CREATE INDEX pledge_close_campaign_id_ix ON pledge_close (campaign_id, started_at DESC);

-- Pledges made before an extension that were looked at for their donor's consent.
CREATE TABLE pledge_consent_seen (
  pledge_id uuid NOT NULL,
  CONSTRAINT pledge_consent_seen_pledge_id_pk PRIMARY KEY (pledge_id),
  CONSTRAINT pledge_consent_seen_pledge_id_fk FOREIGN KEY (pledge_id) REFERENCES cash_pledge (id)
);

-- The refund of everything that an ended campaign collected.
CREATE TABLE pledge_refund_run (
  campaign_id uuid NOT NULL,
  reason text NOT NULL,
  started_at timestamptz NOT NULL,
  finished_at timestamptz,
  CONSTRAINT pledge_refund_run_campaign_id_pk PRIMARY KEY (campaign_id),
  CONSTRAINT pledge_refund_run_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id)
);

-- A monthly gift until an end: each month is a pledge of its own.
CREATE TABLE pledge_plan (
  id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  pseudonym uuid NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  rail text NOT NULL,
  terms_version integer NOT NULL,
  is_anonymous boolean NOT NULL,
  display_name text,
  idempotency_key text NOT NULL,
  state text NOT NULL,
  saved_method_id uuid,
  starts_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  -- The number of the month that is due next, from 1, and when; and of the month that its donor was told of.
  next_month smallint NOT NULL DEFAULT 1,
  next_due_at timestamptz,
  noticed_month smallint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  ended_at timestamptz,
  CONSTRAINT pledge_plan_id_pk PRIMARY KEY (id),
  CONSTRAINT pledge_plan_contributor_id_idempotency_key_uq UNIQUE (contributor_id, idempotency_key),
  CONSTRAINT pledge_plan_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT pledge_plan_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id),
  CONSTRAINT pledge_plan_amount_minor_ck CHECK (amount_minor > 0),
  CONSTRAINT pledge_plan_ends_at_ck CHECK (ends_at > starts_at),
  CONSTRAINT pledge_plan_state_ck CHECK (state IN ('method_required', 'active', 'stopped', 'ended')),
  CONSTRAINT pledge_plan_ended_at_ck CHECK ((ended_at IS NOT NULL) = (state IN ('stopped', 'ended'))),
  CONSTRAINT pledge_plan_next_due_at_ck CHECK ((next_due_at IS NOT NULL) = (state = 'active'))
);
CREATE INDEX pledge_plan_next_due_at_ix ON pledge_plan (next_due_at) WHERE state = 'active';
CREATE INDEX pledge_plan_contributor_id_ix ON pledge_plan (contributor_id, id DESC);
CREATE TABLE pledge_plan_transition (
  from_state text NOT NULL,
  to_state text NOT NULL,
  CONSTRAINT pledge_plan_transition_pk PRIMARY KEY (from_state, to_state)
);
INSERT INTO pledge_plan_transition (from_state, to_state) VALUES
  ('method_required', 'active'), ('method_required', 'stopped'), ('active', 'stopped'), ('active', 'ended');
CREATE FUNCTION pledge_plan_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND NOT EXISTS (
    SELECT 1 FROM pledge_plan_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'a pledge plan does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.campaign_id, NEW.contributor_id, NEW.amount_minor, NEW.currency, NEW.rail, NEW.ends_at, NEW.starts_at)
     IS DISTINCT FROM
     (OLD.id, OLD.campaign_id, OLD.contributor_id, OLD.amount_minor, OLD.currency, OLD.rail, OLD.ends_at, OLD.starts_at)
     OR NEW.next_month < OLD.next_month THEN
    RAISE EXCEPTION 'what was planned is immutable' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER pledge_plan_guard_tr BEFORE UPDATE ON pledge_plan FOR EACH ROW EXECUTE FUNCTION pledge_plan_guard();

-- Invoices for institutions. Numbers run without gaps within a year: the counter is held until the commit.
CREATE TABLE pledge_invoice_counter (
  year integer NOT NULL,
  last_number integer NOT NULL,
  CONSTRAINT pledge_invoice_counter_year_pk PRIMARY KEY (year)
);
CREATE TABLE pledge_invoice (
  pledge_id uuid NOT NULL,
  year integer NOT NULL,
  number integer NOT NULL,
  issued_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  CONSTRAINT pledge_invoice_pledge_id_pk PRIMARY KEY (pledge_id),
  CONSTRAINT pledge_invoice_year_number_uq UNIQUE (year, number),
  CONSTRAINT pledge_invoice_pledge_id_fk FOREIGN KEY (pledge_id) REFERENCES cash_pledge (id),
  CONSTRAINT pledge_invoice_number_ck CHECK (number > 0)
);
-- Whom an invoice is made out to. Personal: the row goes with its person, the invoice and its number stay.
CREATE TABLE pledge_billing (
  pledge_id uuid NOT NULL,
  organisation text NOT NULL,
  address text NOT NULL,
  tax_id text,
  reference text,
  CONSTRAINT pledge_billing_pledge_id_pk PRIMARY KEY (pledge_id),
  CONSTRAINT pledge_billing_pledge_id_fk FOREIGN KEY (pledge_id) REFERENCES cash_pledge (id)
);

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
