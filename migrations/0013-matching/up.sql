-- Pools of sponsors and the rounds that divide them among campaigns. See libs/matching/README.md.

CREATE TABLE match_pool (
  id uuid NOT NULL,
  title text NOT NULL,
  currency text NOT NULL,
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  -- Running totals of the pool's money, changed in the transaction of each payment step.
  deposited_minor bigint NOT NULL DEFAULT 0,
  refunded_minor bigint NOT NULL DEFAULT 0,
  disputed_minor bigint NOT NULL DEFAULT 0,
  fees_minor bigint NOT NULL DEFAULT 0,
  -- Paid to campaigns.
  granted_minor bigint NOT NULL DEFAULT 0,
  CONSTRAINT match_pool_id_pk PRIMARY KEY (id),
  CONSTRAINT match_pool_created_by_fk FOREIGN KEY (created_by) REFERENCES contributor (id),
  CONSTRAINT match_pool_title_ck CHECK (char_length(title) BETWEEN 3 AND 120),
  CONSTRAINT match_pool_currency_ck CHECK (currency ~ '^[A-Z]{3}$'),
  CONSTRAINT match_pool_amounts_ck CHECK (deposited_minor >= 0 AND refunded_minor >= 0 AND granted_minor >= 0)
);
CREATE INDEX match_pool_created_by_ix ON match_pool (created_by);

CREATE TABLE match_deposit (
  id uuid NOT NULL,
  pool_id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  pseudonym uuid NOT NULL,
  is_anonymous boolean NOT NULL,
  amount_minor bigint NOT NULL,
  currency text NOT NULL,
  rail text NOT NULL,
  state text NOT NULL,
  idempotency_key text NOT NULL,
  refunded_minor bigint NOT NULL DEFAULT 0,
  disputed_minor bigint NOT NULL DEFAULT 0,
  failure_code text,
  created_at timestamptz NOT NULL,
  collected_at timestamptz,
  CONSTRAINT match_deposit_id_pk PRIMARY KEY (id),
  CONSTRAINT match_deposit_pool_id_fk FOREIGN KEY (pool_id) REFERENCES match_pool (id),
  CONSTRAINT match_deposit_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id),
  CONSTRAINT match_deposit_contributor_id_idempotency_key_uq UNIQUE (contributor_id, idempotency_key),
  CONSTRAINT match_deposit_amount_minor_ck CHECK (amount_minor > 0),
  CONSTRAINT match_deposit_refunded_minor_ck CHECK (refunded_minor BETWEEN 0 AND amount_minor),
  CONSTRAINT match_deposit_state_ck CHECK (state IN
    ('created', 'collected', 'failed', 'refund_pending', 'refunded', 'disputed', 'charged_back'))
);
CREATE INDEX match_deposit_pool_id_ix ON match_deposit (pool_id, id);
-- Announced bank transfers of a sponsor, looked for when cash of his arrives.
CREATE INDEX match_deposit_waiting_ix ON match_deposit (pseudonym, id) WHERE rail = 'bank_transfer' AND state = 'created';

-- The captured payments of a deposit: one by card or debit, several for a bank transfer above what one intent carries.
CREATE TABLE match_deposit_payment (
  payment_id uuid NOT NULL,
  deposit_id uuid NOT NULL,
  amount_minor bigint NOT NULL,
  -- Asked back so far, whether it has arrived yet or not.
  asked_back_minor bigint NOT NULL DEFAULT 0,
  CONSTRAINT match_deposit_payment_payment_id_pk PRIMARY KEY (payment_id),
  CONSTRAINT match_deposit_payment_deposit_id_fk FOREIGN KEY (deposit_id) REFERENCES match_deposit (id),
  CONSTRAINT match_deposit_payment_asked_back_minor_ck CHECK (asked_back_minor BETWEEN 0 AND amount_minor)
);
CREATE INDEX match_deposit_payment_deposit_id_ix ON match_deposit_payment (deposit_id);

CREATE TABLE match_deposit_transition (
  from_state text NOT NULL,
  to_state text NOT NULL,
  CONSTRAINT match_deposit_transition_pk PRIMARY KEY (from_state, to_state)
);
INSERT INTO match_deposit_transition (from_state, to_state) VALUES
  ('created', 'collected'), ('created', 'failed'), ('failed', 'collected'),
  ('collected', 'refund_pending'), ('refund_pending', 'collected'), ('refund_pending', 'refunded'),
  ('refunded', 'collected'), ('collected', 'disputed'), ('refund_pending', 'disputed'),
  ('disputed', 'collected'), ('disputed', 'charged_back'), ('charged_back', 'collected');

CREATE TABLE match_round (
  id uuid NOT NULL,
  pool_id uuid NOT NULL,
  slug text NOT NULL,
  title text NOT NULL,
  summary text NOT NULL,
  state text NOT NULL,
  currency text NOT NULL,
  pool_minor bigint NOT NULL,
  -- The rule and its settings as in the JSON form of docs/matching.md, without pool, projects, gifts and exclusions.
  rule jsonb NOT NULL,
  opens_at timestamptz NOT NULL,
  -- The cut-off: gifts collected from then on don't count, and nothing of the round can be changed.
  closes_at timestamptz NOT NULL,
  review_seconds bigint NOT NULL,
  -- Makes the ids of donors in the public file, so that nobody reads from it who gave anonymously.
  salt text NOT NULL,
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  closed_at timestamptz,
  computed_at timestamptz,
  final_at timestamptz,
  paid_at timestamptz,
  paid_minor bigint,
  cancel_reason text,
  CONSTRAINT match_round_id_pk PRIMARY KEY (id),
  CONSTRAINT match_round_slug_uq UNIQUE (slug),
  CONSTRAINT match_round_pool_id_fk FOREIGN KEY (pool_id) REFERENCES match_pool (id),
  CONSTRAINT match_round_created_by_fk FOREIGN KEY (created_by) REFERENCES contributor (id),
  CONSTRAINT match_round_title_ck CHECK (char_length(title) BETWEEN 3 AND 120),
  CONSTRAINT match_round_pool_minor_ck CHECK (pool_minor > 0),
  CONSTRAINT match_round_window_ck CHECK (closes_at > opens_at AND review_seconds >= 0),
  CONSTRAINT match_round_state_ck CHECK (state IN
    ('draft', 'open', 'closed', 'computed', 'final', 'paid', 'cancelled'))
);
CREATE INDEX match_round_pool_id_ix ON match_round (pool_id);
CREATE INDEX match_round_state_ix ON match_round (state, closes_at) WHERE state IN ('open', 'closed', 'computed', 'final');

-- The machine of libs/matching/src/domain/round.machine.ts; a test compares the two.
CREATE TABLE match_round_transition (
  from_state text NOT NULL,
  to_state text NOT NULL,
  CONSTRAINT match_round_transition_pk PRIMARY KEY (from_state, to_state)
);
INSERT INTO match_round_transition (from_state, to_state) VALUES
  ('draft', 'open'), ('draft', 'cancelled'),
  ('open', 'closed'), ('open', 'cancelled'),
  ('closed', 'computed'), ('closed', 'cancelled'),
  ('computed', 'computed'), ('computed', 'final'), ('computed', 'cancelled'),
  ('final', 'paid');

CREATE TABLE match_round_campaign (
  round_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  cap_minor bigint,
  match_minor bigint,
  paid_minor bigint,
  CONSTRAINT match_round_campaign_pk PRIMARY KEY (round_id, campaign_id),
  CONSTRAINT match_round_campaign_round_id_fk FOREIGN KEY (round_id) REFERENCES match_round (id),
  CONSTRAINT match_round_campaign_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT match_round_campaign_amounts_ck CHECK (cap_minor >= 0 AND match_minor >= 0 AND paid_minor >= 0)
);
CREATE INDEX match_round_campaign_campaign_id_ix ON match_round_campaign (campaign_id);

-- Identity scores, by pseudonym, each with where it is from. The latest counts; nothing is overwritten.
CREATE TABLE match_score (
  id uuid NOT NULL,
  round_id uuid NOT NULL,
  pseudonym uuid NOT NULL,
  score text NOT NULL,
  source text NOT NULL,
  recorded_by uuid NOT NULL,
  recorded_at timestamptz NOT NULL,
  CONSTRAINT match_score_id_pk PRIMARY KEY (id),
  CONSTRAINT match_score_round_id_fk FOREIGN KEY (round_id) REFERENCES match_round (id),
  CONSTRAINT match_score_recorded_by_fk FOREIGN KEY (recorded_by) REFERENCES contributor (id),
  CONSTRAINT match_score_score_ck CHECK (score ~ '^\d{1,12}(\.\d{1,6})?$'),
  CONSTRAINT match_score_source_ck CHECK (char_length(source) BETWEEN 3 AND 200)
);
CREATE INDEX match_score_round_id_pseudonym_ix ON match_score (round_id, pseudonym, id DESC);

CREATE TABLE match_group_member (
  round_id uuid NOT NULL,
  group_id text NOT NULL,
  pseudonym uuid NOT NULL,
  CONSTRAINT match_group_member_pk PRIMARY KEY (round_id, group_id, pseudonym),
  CONSTRAINT match_group_member_round_id_fk FOREIGN KEY (round_id) REFERENCES match_round (id),
  CONSTRAINT match_group_member_group_id_ck CHECK (char_length(group_id) BETWEEN 1 AND 100)
);

-- The gifts of a round as they stood at its cut-off.
CREATE TABLE match_gift (
  round_id uuid NOT NULL,
  pledge_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  pseudonym uuid NOT NULL,
  amount_minor bigint NOT NULL,
  CONSTRAINT match_gift_pk PRIMARY KEY (round_id, pledge_id),
  CONSTRAINT match_gift_round_id_fk FOREIGN KEY (round_id) REFERENCES match_round (id),
  CONSTRAINT match_gift_amount_minor_ck CHECK (amount_minor > 0)
);

CREATE TABLE match_exclusion (
  id uuid NOT NULL,
  round_id uuid NOT NULL,
  kind text NOT NULL,
  -- A donor's pseudonym, a pledge, or a campaign.
  subject_id uuid NOT NULL,
  reason text NOT NULL,
  state text NOT NULL,
  excluded_by uuid NOT NULL,
  excluded_at timestamptz NOT NULL,
  appellant_id uuid,
  appeal text,
  appealed_at timestamptz,
  decided_by uuid,
  decision text,
  decided_at timestamptz,
  CONSTRAINT match_exclusion_id_pk PRIMARY KEY (id),
  CONSTRAINT match_exclusion_round_id_kind_subject_id_uq UNIQUE (round_id, kind, subject_id),
  CONSTRAINT match_exclusion_round_id_fk FOREIGN KEY (round_id) REFERENCES match_round (id),
  CONSTRAINT match_exclusion_excluded_by_fk FOREIGN KEY (excluded_by) REFERENCES contributor (id),
  CONSTRAINT match_exclusion_appellant_id_fk FOREIGN KEY (appellant_id) REFERENCES contributor (id),
  CONSTRAINT match_exclusion_decided_by_fk FOREIGN KEY (decided_by) REFERENCES contributor (id),
  CONSTRAINT match_exclusion_kind_ck CHECK (kind IN ('donor', 'gift', 'campaign')),
  CONSTRAINT match_exclusion_reason_ck CHECK (char_length(reason) BETWEEN 3 AND 500),
  CONSTRAINT match_exclusion_state_ck CHECK (state IN ('standing', 'appealed', 'upheld', 'lifted')),
  CONSTRAINT match_exclusion_appeal_ck CHECK ((appealed_at IS NULL) = (state = 'standing') AND (appeal IS NULL) = (state = 'standing')),
  -- Nobody decides the appeal against his own exclusion.
  CONSTRAINT match_exclusion_decided_by_ck CHECK (decided_by IS DISTINCT FROM excluded_by),
  CONSTRAINT match_exclusion_decided_ck CHECK ((decided_at IS NULL) = (state IN ('standing', 'appealed')))
);

-- Each computation of a round: the round's file and the signed result, by content.
CREATE TABLE match_result (
  round_id uuid NOT NULL,
  version integer NOT NULL,
  round_sha256 text NOT NULL,
  result_sha256 text NOT NULL,
  round_file text NOT NULL,
  result_file text NOT NULL,
  computed_at timestamptz NOT NULL,
  CONSTRAINT match_result_pk PRIMARY KEY (round_id, version),
  CONSTRAINT match_result_round_id_fk FOREIGN KEY (round_id) REFERENCES match_round (id),
  CONSTRAINT match_result_version_ck CHECK (version > 0),
  CONSTRAINT match_result_sha256_ck CHECK (round_sha256 ~ '^[0-9a-f]{64}$' AND result_sha256 ~ '^[0-9a-f]{64}$'
    AND round_file ~ '^[0-9a-f]{64}$' AND result_file ~ '^[0-9a-f]{64}$')
);

CREATE FUNCTION match_round_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND NOT EXISTS (
    SELECT 1 FROM match_round_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'a round of matching does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.pool_id, NEW.slug, NEW.currency, NEW.salt, NEW.created_by) IS DISTINCT FROM
     (OLD.id, OLD.pool_id, OLD.slug, OLD.currency, OLD.salt, OLD.created_by)
     OR (OLD.state <> 'draft' AND (NEW.title, NEW.summary, NEW.pool_minor, NEW.rule, NEW.opens_at, NEW.closes_at, NEW.review_seconds)
         IS DISTINCT FROM (OLD.title, OLD.summary, OLD.pool_minor, OLD.rule, OLD.opens_at, OLD.closes_at, OLD.review_seconds)) THEN
    RAISE EXCEPTION 'the terms of a round are immutable once it is open' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER match_round_guard_tr BEFORE UPDATE ON match_round FOR EACH ROW EXECUTE FUNCTION match_round_guard();

CREATE FUNCTION match_deposit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND NOT EXISTS (
    SELECT 1 FROM match_deposit_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'a deposit does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.pool_id, NEW.contributor_id, NEW.amount_minor, NEW.currency, NEW.idempotency_key) IS DISTINCT FROM
     (OLD.id, OLD.pool_id, OLD.contributor_id, OLD.amount_minor, OLD.currency, OLD.idempotency_key) THEN
    RAISE EXCEPTION 'what was given to a pool is immutable' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER match_deposit_guard_tr BEFORE UPDATE ON match_deposit FOR EACH ROW EXECUTE FUNCTION match_deposit_guard();

CREATE FUNCTION match_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% never changes', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER match_gift_fixed_tr BEFORE UPDATE OR DELETE OR TRUNCATE ON match_gift EXECUTE FUNCTION match_fixed();
CREATE TRIGGER match_result_fixed_tr BEFORE UPDATE OR DELETE OR TRUNCATE ON match_result EXECUTE FUNCTION match_fixed();
CREATE TRIGGER match_score_fixed_tr BEFORE UPDATE OR DELETE OR TRUNCATE ON match_score EXECUTE FUNCTION match_fixed();

-- What a round is about is fixed at its cut-off.
CREATE FUNCTION match_terms_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  asked uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.round_id ELSE NEW.round_id END;
  stands text := (SELECT state FROM match_round WHERE id = asked);
BEGIN
  IF stands NOT IN ('draft', 'open') THEN
    RAISE EXCEPTION 'a round of matching is fixed at its cut-off' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER match_round_campaign_guard_tr BEFORE INSERT OR DELETE ON match_round_campaign FOR EACH ROW EXECUTE FUNCTION match_terms_guard();
CREATE TRIGGER match_score_guard_tr BEFORE INSERT ON match_score FOR EACH ROW EXECUTE FUNCTION match_terms_guard();
CREATE TRIGGER match_group_member_guard_tr BEFORE INSERT OR DELETE ON match_group_member FOR EACH ROW EXECUTE FUNCTION match_terms_guard();
