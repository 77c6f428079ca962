-- Money out: accounts of projects at the processor, payouts and their attempts (room payments), and the tranches that
-- ask for them (room disbursements). See libs/payments/README.md and libs/disbursements/README.md. The first four tables
-- are of payments; they stand here and not in 0005 because they came with the tranches.

CREATE TABLE payout_account (
  id uuid NOT NULL,
  project_id uuid NOT NULL,
  country text NOT NULL,
  stripe_account_id text,
  idempotency_key text NOT NULL,
  status text NOT NULL,
  -- What the processor still asks for, and why it stopped the account; its own words, about no person.
  requirements_due integer NOT NULL DEFAULT 0,
  disabled_reason text,
  -- Who receives the money: nobody approves a payout to himself.
  payee_contributor_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT payout_account_id_pk PRIMARY KEY (id),
  CONSTRAINT payout_account_project_id_uq UNIQUE (project_id),
  CONSTRAINT payout_account_stripe_account_id_uq UNIQUE (stripe_account_id),
  CONSTRAINT payout_account_idempotency_key_uq UNIQUE (idempotency_key),
  CONSTRAINT payout_account_country_ck CHECK (country ~ '^[A-Z]{2}$'),
  CONSTRAINT payout_account_status_ck CHECK (status IN ('CREATED', 'ONBOARDING', 'ENABLED', 'RESTRICTED')),
  CONSTRAINT payout_account_known_ck CHECK (status = 'CREATED' OR stripe_account_id IS NOT NULL)
);

CREATE TABLE payout (
  id uuid NOT NULL,
  -- What is paid out, in the words of the room that asked (a tranche's id).
  reference text NOT NULL,
  project_id uuid NOT NULL,
  beneficiary_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  -- The money comes from `escrow_account`, waits in `from_account` and is released to `released_account`.
  escrow_account text NOT NULL,
  from_account text NOT NULL,
  released_account text NOT NULL,
  status text NOT NULL,
  version integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  CONSTRAINT payout_id_pk PRIMARY KEY (id),
  CONSTRAINT payout_reference_uq UNIQUE (reference),
  CONSTRAINT payout_amount_minor_ck CHECK (amount_minor > 0),
  CONSTRAINT payout_currency_ck CHECK (currency = upper(currency) AND char_length(currency) = 3),
  CONSTRAINT payout_status_ck CHECK (status IN ('PREPARED', 'IN_TRANSIT', 'SUCCEEDED', 'FAILED', 'CANCELED'))
);
CREATE INDEX payout_beneficiary_id_ix ON payout (beneficiary_id, id);

-- One try to bring one part of a payout to its account; the processor takes no amount of more than eight digits, so that
-- a large payout has many parts. Of each part at most one try is under way, or has succeeded.
CREATE TABLE payout_attempt (
  id uuid NOT NULL,
  payout_id uuid NOT NULL,
  part integer NOT NULL,
  -- Counts over the whole payout: what is tried at the same time has the same number.
  number integer NOT NULL,
  amount_minor bigint NOT NULL,
  status text NOT NULL,
  version integer NOT NULL DEFAULT 0,
  idempotency_key text NOT NULL,
  stripe_account_id text NOT NULL,
  stripe_transfer_id text,
  stripe_payout_id text,
  stripe_reversal_id text,
  arrival_at timestamptz,
  failure_code text,
  failure_message text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  next_check_at timestamptz,
  checks integer NOT NULL DEFAULT 0,
  CONSTRAINT payout_attempt_id_pk PRIMARY KEY (id),
  CONSTRAINT payout_attempt_payout_id_part_number_uq UNIQUE (payout_id, part, number),
  CONSTRAINT payout_attempt_payout_id_fk FOREIGN KEY (payout_id) REFERENCES payout (id),
  CONSTRAINT payout_attempt_idempotency_key_uq UNIQUE (idempotency_key),
  CONSTRAINT payout_attempt_stripe_transfer_id_uq UNIQUE (stripe_transfer_id),
  CONSTRAINT payout_attempt_stripe_payout_id_uq UNIQUE (stripe_payout_id),
  CONSTRAINT payout_attempt_number_ck CHECK (number > 0 AND part > 0),
  CONSTRAINT payout_attempt_amount_minor_ck CHECK (amount_minor BETWEEN 1 AND 99999999),
  CONSTRAINT payout_attempt_status_ck CHECK (status IN
    ('LOCAL', 'SUBMITTING', 'TRANSFERRED', 'IN_TRANSIT', 'RETURNING', 'SUCCEEDED', 'FAILED', 'CANCELED')),
  CONSTRAINT payout_attempt_transfer_ck CHECK (status NOT IN ('TRANSFERRED', 'IN_TRANSIT', 'RETURNING', 'SUCCEEDED')
    OR stripe_transfer_id IS NOT NULL),
  CONSTRAINT payout_attempt_failure_ck CHECK (status <> 'FAILED' OR failure_code IS NOT NULL)
);
CREATE UNIQUE INDEX payout_attempt_open_uq ON payout_attempt (payout_id, part) WHERE status NOT IN ('FAILED', 'CANCELED');
CREATE INDEX payout_attempt_next_check_at_ix ON payout_attempt (next_check_at) WHERE next_check_at IS NOT NULL;

CREATE TABLE payout_attempt_edge (
  from_status text NOT NULL,
  to_status text NOT NULL,
  CONSTRAINT payout_attempt_edge_pk PRIMARY KEY (from_status, to_status)
);
-- SUCCEEDED is no end: a bank may send the money back days later.
INSERT INTO payout_attempt_edge (from_status, to_status) VALUES
  ('LOCAL', 'SUBMITTING'), ('LOCAL', 'CANCELED'),
  ('SUBMITTING', 'TRANSFERRED'), ('SUBMITTING', 'FAILED'),
  ('TRANSFERRED', 'IN_TRANSIT'), ('TRANSFERRED', 'RETURNING'), ('TRANSFERRED', 'FAILED'),
  ('IN_TRANSIT', 'SUCCEEDED'), ('IN_TRANSIT', 'RETURNING'), ('IN_TRANSIT', 'FAILED'),
  ('SUCCEEDED', 'RETURNING'), ('SUCCEEDED', 'FAILED'),
  ('RETURNING', 'FAILED');

CREATE FUNCTION payout_attempt_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.status <> OLD.status AND NOT EXISTS (
    SELECT 1 FROM payout_attempt_edge WHERE from_status = OLD.status AND to_status = NEW.status) THEN
    RAISE EXCEPTION 'an attempt of a payout does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.payout_id, NEW.part, NEW.number, NEW.amount_minor, NEW.idempotency_key, NEW.stripe_account_id)
     IS DISTINCT FROM (OLD.id, OLD.payout_id, OLD.part, OLD.number, OLD.amount_minor, OLD.idempotency_key,
                       OLD.stripe_account_id)
     OR (OLD.stripe_transfer_id IS NOT NULL AND NEW.stripe_transfer_id IS DISTINCT FROM OLD.stripe_transfer_id)
     OR (OLD.stripe_payout_id IS NOT NULL AND NEW.stripe_payout_id IS DISTINCT FROM OLD.stripe_payout_id) THEN
    RAISE EXCEPTION 'what an attempt is for never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER payout_attempt_guard_tr BEFORE UPDATE ON payout_attempt FOR EACH ROW EXECUTE FUNCTION payout_attempt_guard();

-- The state of a payout follows from the last try of each part; nobody writes it by hand. It has succeeded when every
-- part has, and failed when nothing is under way any more and one part has.
CREATE FUNCTION payout_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH last AS (
    SELECT DISTINCT ON (part) part, number, status, stripe_transfer_id IS NOT NULL AS has_left
      FROM payout_attempt WHERE payout_id = NEW.payout_id ORDER BY part, number DESC
  ), newest AS (SELECT max(number) AS number FROM last), facts AS (
    SELECT bool_or(l.status IN ('LOCAL', 'SUBMITTING', 'TRANSFERRED', 'IN_TRANSIT', 'RETURNING')) AS is_open,
           -- A part of an earlier try that a bank sends back late does not make the newest one leave.
           bool_or(l.number = n.number AND l.has_left)
             OR NOT bool_or(l.number = n.number AND l.status IN ('LOCAL', 'SUBMITTING')) AS has_left,
           bool_or(l.status = 'FAILED') AS has_failed, bool_or(l.status = 'CANCELED') AS is_canceled
      FROM last l CROSS JOIN newest n
  )
  UPDATE payout SET version = version + 1, updated_at = NEW.updated_at, status = CASE
      WHEN f.is_open AND f.has_left THEN 'IN_TRANSIT'
      WHEN f.is_open THEN 'PREPARED'
      WHEN f.has_failed THEN 'FAILED'
      WHEN f.is_canceled THEN 'CANCELED'
      ELSE 'SUCCEEDED' END
    FROM facts f
   WHERE id = NEW.payout_id;
  RETURN NULL;
END $$;
CREATE TRIGGER payout_follows_tr AFTER INSERT OR UPDATE OF status ON payout_attempt
  FOR EACH ROW EXECUTE FUNCTION payout_follows();

CREATE FUNCTION payout_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (NEW.id, NEW.reference, NEW.project_id, NEW.beneficiary_id, NEW.amount_minor, NEW.currency, NEW.escrow_account,
      NEW.from_account, NEW.released_account)
     IS DISTINCT FROM (OLD.id, OLD.reference, OLD.project_id, OLD.beneficiary_id, OLD.amount_minor, OLD.currency,
      OLD.escrow_account, OLD.from_account, OLD.released_account) THEN
    RAISE EXCEPTION 'the terms of a payout are immutable' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER payout_guard_tr BEFORE UPDATE ON payout FOR EACH ROW EXECUTE FUNCTION payout_guard();

-- The plan of a campaign that succeeded: what was agreed in its terms, frozen.
CREATE TABLE disbursement (
  campaign_id uuid NOT NULL,
  project_id uuid NOT NULL,
  currency text NOT NULL,
  state text NOT NULL,
  terms_version integer NOT NULL,
  approvals_required integer NOT NULL,
  -- Pseudonyms of those who may approve; none: every reviewer and treasurer of the project.
  approvers uuid[] NOT NULL DEFAULT '{}',
  -- Days for which a charge can be disputed, by rail.
  reserve_days jsonb NOT NULL,
  -- 0 where the funding model promises nothing about the goal.
  goal_minor bigint NOT NULL,
  -- What was collected net when the first tranche was reserved.
  first_net_minor bigint,
  -- When the dispute reserve is sized next.
  size_at timestamptz,
  planned_at timestamptz NOT NULL,
  ended_at timestamptz,
  CONSTRAINT disbursement_campaign_id_pk PRIMARY KEY (campaign_id),
  CONSTRAINT disbursement_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT disbursement_state_ck CHECK (state IN ('open', 'closed', 'canceled')),
  CONSTRAINT disbursement_approvals_required_ck CHECK (approvals_required >= 0),
  -- Never a payout below the goal.
  CONSTRAINT disbursement_first_net_minor_ck CHECK (first_net_minor IS NULL OR first_net_minor >= goal_minor),
  CONSTRAINT disbursement_ended_at_ck CHECK ((ended_at IS NULL) = (state = 'open'))
);
CREATE INDEX disbursement_open_ix ON disbursement (planned_at) WHERE state = 'open';

CREATE TABLE disbursement_tranche (
  id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  number integer NOT NULL,
  title text NOT NULL,
  share_bp integer NOT NULL,
  -- The last one of a plan: what the dispute reserve gives back.
  is_remainder boolean NOT NULL,
  budget_kind text,
  evidence_kind text NOT NULL,
  evidence_terms jsonb NOT NULL,
  state text NOT NULL,
  -- Where a hold is lifted to.
  held_reason text,
  amount_minor bigint,
  net_minor bigint,
  -- The evidence that is judged now, and how often money was set aside for it.
  evidence_id uuid,
  reservations integer NOT NULL DEFAULT 0,
  payout_id uuid,
  reserved_at timestamptz,
  ended_at timestamptz,
  CONSTRAINT disbursement_tranche_id_pk PRIMARY KEY (id),
  CONSTRAINT disbursement_tranche_campaign_id_number_uq UNIQUE (campaign_id, number),
  CONSTRAINT disbursement_tranche_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES disbursement (campaign_id),
  CONSTRAINT disbursement_tranche_payout_id_fk FOREIGN KEY (payout_id) REFERENCES payout (id),
  CONSTRAINT disbursement_tranche_share_bp_ck CHECK (share_bp BETWEEN 0 AND 10000 AND is_remainder = (share_bp = 0)),
  CONSTRAINT disbursement_tranche_evidence_kind_ck CHECK (evidence_kind IN
    ('none', 'checkpoint', 'evaluation', 'milestone_report', 'vote')),
  CONSTRAINT disbursement_tranche_state_ck CHECK (state IN ('planned', 'evidence_submitted', 'approved', 'reserved',
    'held', 'in_transit', 'succeeded', 'failed', 'canceled')),
  CONSTRAINT disbursement_tranche_amount_ck CHECK (amount_minor > 0 AND amount_minor <= net_minor
    OR amount_minor IS NULL AND state NOT IN ('reserved', 'in_transit', 'succeeded')),
  CONSTRAINT disbursement_tranche_held_reason_ck CHECK (state <> 'held' OR held_reason IS NOT NULL)
);

CREATE TABLE disbursement_transition (
  from_state text NOT NULL,
  to_state text NOT NULL,
  CONSTRAINT disbursement_transition_pk PRIMARY KEY (from_state, to_state)
);
INSERT INTO disbursement_transition (from_state, to_state) VALUES
  ('planned', 'evidence_submitted'), ('planned', 'canceled'),
  ('evidence_submitted', 'planned'), ('evidence_submitted', 'approved'), ('evidence_submitted', 'canceled'),
  ('approved', 'reserved'), ('approved', 'held'), ('approved', 'canceled'),
  ('reserved', 'in_transit'), ('reserved', 'held'), ('reserved', 'failed'), ('reserved', 'canceled'),
  ('held', 'approved'), ('held', 'canceled'),
  ('in_transit', 'succeeded'), ('in_transit', 'failed'),
  ('succeeded', 'failed'),
  ('failed', 'approved'), ('failed', 'canceled');

CREATE FUNCTION disbursement_tranche_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND NOT EXISTS (
    SELECT 1 FROM disbursement_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'a tranche does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.campaign_id, NEW.number, NEW.title, NEW.share_bp, NEW.is_remainder, NEW.budget_kind, NEW.evidence_kind,
      NEW.evidence_terms)
     IS DISTINCT FROM (OLD.id, OLD.campaign_id, OLD.number, OLD.title, OLD.share_bp, OLD.is_remainder, OLD.budget_kind,
      OLD.evidence_kind, OLD.evidence_terms) THEN
    RAISE EXCEPTION 'the terms of a tranche are immutable' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.state = 'approved' AND OLD.state = 'evidence_submitted' AND (
      SELECT count(DISTINCT a.contributor_id) FROM disbursement_approval a
       WHERE a.evidence_id = NEW.evidence_id AND a.approves)
     < (SELECT d.approvals_required FROM disbursement d WHERE d.campaign_id = NEW.campaign_id) THEN
    RAISE EXCEPTION 'tranche % lacks approvals', NEW.id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER disbursement_tranche_guard_tr BEFORE UPDATE ON disbursement_tranche
  FOR EACH ROW EXECUTE FUNCTION disbursement_tranche_guard();

CREATE TABLE disbursement_evidence (
  id uuid NOT NULL,
  tranche_id uuid NOT NULL,
  round integer NOT NULL,
  kind text NOT NULL,
  -- Null where the clock states that the safety window is over.
  submitted_by uuid,
  pseudonym uuid,
  submitted_at timestamptz NOT NULL,
  -- Checkpoint: its id, its run, what it had trained on and the digest of its manifest.
  checkpoint_id uuid,
  run_id uuid,
  tokens bigint,
  manifest_sha256 text,
  -- Evaluation: the value stated, decimal text, against metric and threshold of the tranche's terms.
  value text,
  report text NOT NULL,
  files jsonb NOT NULL,
  -- A vote: when it ends, how many backers may vote, and what came of it.
  closes_at timestamptz,
  electorate integer,
  yes_votes integer,
  no_votes integer,
  outcome text NOT NULL,
  judged_at timestamptz,
  CONSTRAINT disbursement_evidence_id_pk PRIMARY KEY (id),
  CONSTRAINT disbursement_evidence_tranche_id_round_uq UNIQUE (tranche_id, round),
  CONSTRAINT disbursement_evidence_tranche_id_fk FOREIGN KEY (tranche_id) REFERENCES disbursement_tranche (id),
  CONSTRAINT disbursement_evidence_outcome_ck CHECK (outcome IN ('voting', 'open', 'accepted', 'rejected')),
  CONSTRAINT disbursement_evidence_judged_at_ck CHECK ((judged_at IS NOT NULL) = (outcome IN ('accepted', 'rejected'))),
  CONSTRAINT disbursement_evidence_vote_ck CHECK ((kind = 'vote') = (closes_at IS NOT NULL AND electorate IS NOT NULL)),
  CONSTRAINT disbursement_evidence_checkpoint_ck CHECK ((kind = 'checkpoint') = (checkpoint_id IS NOT NULL))
);

-- Which evidence names a file: for its download.
CREATE INDEX disbursement_evidence_files_ix ON disbursement_evidence USING gin (files jsonb_path_ops);

CREATE TABLE disbursement_approval (
  id uuid NOT NULL,
  evidence_id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  pseudonym uuid NOT NULL,
  approves boolean NOT NULL,
  reason text NOT NULL,
  at timestamptz NOT NULL,
  CONSTRAINT disbursement_approval_id_pk PRIMARY KEY (id),
  -- Nobody approves twice.
  CONSTRAINT disbursement_approval_evidence_id_contributor_id_uq UNIQUE (evidence_id, contributor_id),
  CONSTRAINT disbursement_approval_evidence_id_fk FOREIGN KEY (evidence_id) REFERENCES disbursement_evidence (id)
);

CREATE TABLE disbursement_ballot (
  evidence_id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  in_favour boolean NOT NULL,
  at timestamptz NOT NULL,
  -- One backer, one vote.
  CONSTRAINT disbursement_ballot_evidence_id_contributor_id_pk PRIMARY KEY (evidence_id, contributor_id),
  CONSTRAINT disbursement_ballot_evidence_id_fk FOREIGN KEY (evidence_id) REFERENCES disbursement_evidence (id)
);

-- What was said and decided stays as it was said: evidence gets an outcome once, the rest is only added.
CREATE FUNCTION disbursement_record_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a record of % is never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER disbursement_approval_guard_tr BEFORE UPDATE OR DELETE ON disbursement_approval
  FOR EACH ROW EXECUTE FUNCTION disbursement_record_guard();
CREATE TRIGGER disbursement_ballot_guard_tr BEFORE UPDATE OR DELETE ON disbursement_ballot
  FOR EACH ROW EXECUTE FUNCTION disbursement_record_guard();
CREATE TRIGGER disbursement_evidence_guard_tr BEFORE DELETE ON disbursement_evidence
  FOR EACH ROW EXECUTE FUNCTION disbursement_record_guard();
CREATE TRIGGER disbursement_evidence_judged_tr BEFORE UPDATE ON disbursement_evidence
  FOR EACH ROW WHEN (OLD.outcome IN ('accepted', 'rejected')) EXECUTE FUNCTION disbursement_record_guard();

-- Checkpoints that were promoted, as the public record told of them.
CREATE TABLE disbursement_checkpoint (
  checkpoint_id uuid NOT NULL,
  run_id uuid NOT NULL,
  step bigint NOT NULL,
  tokens bigint NOT NULL,
  manifest_sha256 text NOT NULL,
  promoted_at timestamptz NOT NULL,
  CONSTRAINT disbursement_checkpoint_checkpoint_id_pk PRIMARY KEY (checkpoint_id)
);
CREATE INDEX disbursement_checkpoint_run_id_ix ON disbursement_checkpoint (run_id, promoted_at);

-- Each sizing of a campaign's dispute reserve in one currency: what was open, what that asks for, what was moved.
CREATE TABLE disbursement_reserve (
  campaign_id uuid NOT NULL,
  currency text NOT NULL,
  number integer NOT NULL,
  -- [{rail, openMinor, disputedMinor, rateBp, windowDays, windowEndsAt, needMinor}], amounts as decimal text.
  exposures jsonb NOT NULL,
  target_minor bigint NOT NULL,
  -- Above zero: from escrow into the reserve. Below: back.
  moved_minor bigint NOT NULL,
  held_minor bigint NOT NULL,
  sized_at timestamptz NOT NULL,
  CONSTRAINT disbursement_reserve_campaign_id_currency_number_pk PRIMARY KEY (campaign_id, currency, number),
  CONSTRAINT disbursement_reserve_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES disbursement (campaign_id),
  CONSTRAINT disbursement_reserve_held_minor_ck CHECK (held_minor >= 0 AND target_minor >= 0)
);

-- Each exchange of what a campaign holds in another currency into the currency that it pays out in.
CREATE TABLE disbursement_exchange (
  id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  -- The caller's own name for the request: asking twice is asking once.
  idempotency_key text NOT NULL,
  give_minor bigint NOT NULL,
  give_currency text NOT NULL,
  get_minor bigint NOT NULL,
  get_currency text NOT NULL,
  -- The exact rate is numerator over denominator as published; `rate` is the same as decimal text, cut after 12 digits.
  rate_numerator text NOT NULL,
  rate_denominator text NOT NULL,
  rate text NOT NULL,
  rate_as_of text NOT NULL,
  rate_source text NOT NULL,
  pseudonym uuid NOT NULL,
  exchanged_at timestamptz NOT NULL,
  CONSTRAINT disbursement_exchange_id_pk PRIMARY KEY (id),
  CONSTRAINT disbursement_exchange_campaign_id_idempotency_key_uq UNIQUE (campaign_id, idempotency_key),
  CONSTRAINT disbursement_exchange_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES disbursement (campaign_id),
  CONSTRAINT disbursement_exchange_amounts_ck CHECK (give_minor > 0 AND get_minor > 0 AND give_currency <> get_currency)
);
CREATE TRIGGER disbursement_exchange_guard_tr BEFORE UPDATE OR DELETE ON disbursement_exchange
  FOR EACH ROW EXECUTE FUNCTION disbursement_record_guard();
