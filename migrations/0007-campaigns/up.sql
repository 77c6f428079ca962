-- What is raised, for what, until when. See libs/campaigns/README.md.

CREATE TABLE campaign (
  id uuid NOT NULL,
  slug text NOT NULL,
  project_id uuid NOT NULL,
  recipe_id uuid NOT NULL,
  title text NOT NULL,
  summary text NOT NULL,
  state text NOT NULL,
  funding_model text NOT NULL,
  currency text NOT NULL,
  cash_goal_minor bigint NOT NULL,
  compute_goal_ms bigint NOT NULL,
  gpu_class text NOT NULL,
  -- Whether an offer of GPU time is accepted at once instead of by a maintainer.
  auto_accept_compute boolean NOT NULL,
  deadline timestamptz NOT NULL,
  -- The compute budget as it was when the campaign was made: amounts as text, every line with its formula.
  budget jsonb NOT NULL,
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  live_at timestamptz,
  ended_at timestamptz,
  decision_reason text,
  training_requested_at timestamptz,
  -- What else its backers agree to: optimum, cap, stretch goals, budget lines, tranches, windows. Amounts as text.
  plan jsonb NOT NULL,
  -- The newest version of its terms; 0 until it went live.
  terms_version integer NOT NULL DEFAULT 0,
  -- Where a suspended campaign goes back to, and since when its timers stand.
  suspended_from text,
  suspended_at timestamptz,
  -- The list of pledges that was frozen last, and until when they are charged.
  snapshot_id uuid,
  settlement_ends_at timestamptz,
  extended_at timestamptz,
  succeeded_at timestamptz,
  -- No money leaves before.
  safety_ends_at timestamptz,
  -- When the first money left.
  disbursed_at timestamptz,
  -- How it ended, whatever its refunds come to afterwards.
  ended_as text,
  fail_reason text,
  CONSTRAINT campaign_id_pk PRIMARY KEY (id),
  CONSTRAINT campaign_slug_uq UNIQUE (slug),
  CONSTRAINT campaign_project_id_fk FOREIGN KEY (project_id) REFERENCES project (id),
  CONSTRAINT campaign_recipe_id_fk FOREIGN KEY (recipe_id) REFERENCES recipe (id),
  CONSTRAINT campaign_created_by_fk FOREIGN KEY (created_by) REFERENCES contributor (id),
  CONSTRAINT campaign_currency_fk FOREIGN KEY (currency) REFERENCES ledger_unit (code),
  CONSTRAINT campaign_state_ck CHECK (state IN
    ('draft', 'in_review', 'rejected', 'live', 'settling', 'extended', 'suspended', 'succeeded', 'failed', 'training',
     'completed', 'closed', 'cancelled', 'refunding', 'refunded')),
  CONSTRAINT campaign_funding_model_ck CHECK (funding_model IN ('all_or_nothing', 'keep_it_all', 'tranches')),
  CONSTRAINT campaign_currency_ck CHECK (currency ~ '^[A-Z]{3}$'),
  CONSTRAINT campaign_goal_ck CHECK (cash_goal_minor >= 0 AND compute_goal_ms >= 0 AND (cash_goal_minor > 0 OR compute_goal_ms > 0)),
  CONSTRAINT campaign_title_ck CHECK (char_length(title) BETWEEN 3 AND 120),
  CONSTRAINT campaign_live_at_ck CHECK (live_at IS NOT NULL OR state IN ('draft', 'in_review', 'rejected', 'cancelled')),
  CONSTRAINT campaign_terms_version_ck CHECK ((terms_version > 0) = (live_at IS NOT NULL)),
  CONSTRAINT campaign_suspended_ck CHECK ((state = 'suspended') = (suspended_from IS NOT NULL)
    AND (suspended_from IS NULL) = (suspended_at IS NULL)),
  CONSTRAINT campaign_settling_ck CHECK (state <> 'settling' OR (snapshot_id IS NOT NULL AND settlement_ends_at IS NOT NULL)),
  CONSTRAINT campaign_ended_as_ck CHECK (ended_as IN ('failed', 'cancelled')),
  CONSTRAINT campaign_fail_reason_ck CHECK (fail_reason IN ('below_goal', 'nothing_given', 'collapse'))
) WITH (fillfactor = 80);
CREATE INDEX campaign_project_id_ix ON campaign (project_id);
CREATE INDEX campaign_recipe_id_ix ON campaign (recipe_id);
CREATE INDEX campaign_state_id_ix ON campaign (state, id DESC);
CREATE INDEX campaign_deadline_ix ON campaign (deadline) WHERE state = 'live';

-- The machine of libs/campaigns/src/domain/campaign.machine.ts; a test compares the two.
CREATE TABLE campaign_transition (
  from_state text NOT NULL,
  to_state text NOT NULL,
  CONSTRAINT campaign_transition_pk PRIMARY KEY (from_state, to_state)
);
INSERT INTO campaign_transition (from_state, to_state) VALUES
  ('draft', 'in_review'), ('draft', 'cancelled'),
  ('in_review', 'live'), ('in_review', 'rejected'), ('in_review', 'cancelled'),
  ('rejected', 'draft'), ('rejected', 'cancelled'),
  ('live', 'settling'), ('live', 'succeeded'), ('live', 'suspended'), ('live', 'cancelled'),
  ('settling', 'succeeded'), ('settling', 'failed'), ('settling', 'extended'), ('settling', 'suspended'),
  ('extended', 'settling'), ('extended', 'suspended'),
  ('suspended', 'live'), ('suspended', 'settling'), ('suspended', 'extended'), ('suspended', 'succeeded'),
  ('suspended', 'cancelled'),
  ('succeeded', 'training'), ('succeeded', 'failed'), ('succeeded', 'suspended'), ('succeeded', 'cancelled'),
  ('succeeded', 'closed'),
  ('training', 'succeeded'), ('training', 'completed'),
  ('completed', 'closed'),
  ('failed', 'refunding'), ('failed', 'refunded'),
  ('cancelled', 'refunding'), ('cancelled', 'refunded'),
  ('refunding', 'refunded');

CREATE FUNCTION campaign_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND NOT EXISTS (
    SELECT 1 FROM campaign_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'a campaign does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.state = 'suspended' AND NEW.state NOT IN ('suspended', 'cancelled') AND NEW.state <> OLD.suspended_from THEN
    RAISE EXCEPTION 'a suspended campaign goes back to where it was' USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.project_id, NEW.recipe_id, NEW.currency, NEW.gpu_class, NEW.created_by) IS DISTINCT FROM
     (OLD.id, OLD.project_id, OLD.recipe_id, OLD.currency, OLD.gpu_class, OLD.created_by)
     OR OLD.state <> 'draft' AND
     (NEW.funding_model, NEW.cash_goal_minor, NEW.compute_goal_ms, NEW.budget, NEW.plan - 'stretchGoals') IS DISTINCT FROM
     (OLD.funding_model, OLD.cash_goal_minor, OLD.compute_goal_ms, OLD.budget, OLD.plan - 'stretchGoals') THEN
    RAISE EXCEPTION 'the terms of a campaign are immutable' USING ERRCODE = 'restrict_violation';
  END IF;
  -- Extended once; money that left stays left.
  IF (OLD.extended_at IS NOT NULL AND NEW.extended_at IS DISTINCT FROM OLD.extended_at)
     OR (OLD.disbursed_at IS NOT NULL AND NEW.disbursed_at IS DISTINCT FROM OLD.disbursed_at)
     OR (OLD.ended_as IS NOT NULL AND NEW.ended_as IS DISTINCT FROM OLD.ended_as)
     OR NEW.terms_version < OLD.terms_version THEN
    RAISE EXCEPTION 'what happened to a campaign once is not undone' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER campaign_guard_tr BEFORE UPDATE ON campaign FOR EACH ROW EXECUTE FUNCTION campaign_guard();

-- Every version of what backers agreed to, as the exact bytes whose SHA-256 is its digest.
CREATE TABLE campaign_terms (
  campaign_id uuid NOT NULL,
  version integer NOT NULL,
  sha256 bytea NOT NULL,
  content text NOT NULL,
  -- What this version changed: "live", "amended" or "extended".
  cause text NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT campaign_terms_pk PRIMARY KEY (campaign_id, version),
  CONSTRAINT campaign_terms_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT campaign_terms_version_ck CHECK (version > 0),
  CONSTRAINT campaign_terms_cause_ck CHECK (cause IN ('live', 'amended', 'extended')),
  CONSTRAINT campaign_terms_sha256_ck CHECK (sha256 = sha256(convert_to(content, 'UTF8')))
);
CREATE FUNCTION campaign_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is written once', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER campaign_terms_frozen_tr BEFORE UPDATE OR DELETE ON campaign_terms
  FOR EACH ROW EXECUTE FUNCTION campaign_frozen();

-- Each time that the pledges were frozen to be charged, and what came of it.
CREATE TABLE campaign_settlement (
  snapshot_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  round smallint NOT NULL,
  cause text NOT NULL,
  frozen_at timestamptz NOT NULL,
  promised_minor bigint NOT NULL,
  collected_minor bigint NOT NULL,
  judged_at timestamptz,
  verdict text,
  judged_cash_minor bigint,
  judged_compute_ms bigint,
  CONSTRAINT campaign_settlement_snapshot_id_pk PRIMARY KEY (snapshot_id),
  CONSTRAINT campaign_settlement_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT campaign_settlement_campaign_id_round_uq UNIQUE (campaign_id, round),
  CONSTRAINT campaign_settlement_round_ck CHECK (round IN (1, 2)),
  CONSTRAINT campaign_settlement_cause_ck CHECK (cause IN ('deadline', 'hard_cap', 'extension_over')),
  CONSTRAINT campaign_settlement_verdict_ck CHECK (verdict IN ('succeeded', 'failed', 'extended')),
  CONSTRAINT campaign_settlement_judged_ck CHECK ((judged_at IS NULL) = (verdict IS NULL))
);

-- Whether a backer lets his money wait for the extension; who says nothing gets it back.
CREATE TABLE campaign_extension_consent (
  campaign_id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  agrees boolean NOT NULL,
  decided_at timestamptz NOT NULL,
  CONSTRAINT campaign_extension_consent_pk PRIMARY KEY (campaign_id, contributor_id),
  CONSTRAINT campaign_extension_consent_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT campaign_extension_consent_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id)
);

-- Stretch goals that were reached; the number is the place in the plan, counted from 1.
CREATE TABLE campaign_stretch (
  campaign_id uuid NOT NULL,
  number integer NOT NULL,
  reached_at timestamptz NOT NULL,
  CONSTRAINT campaign_stretch_pk PRIMARY KEY (campaign_id, number),
  CONSTRAINT campaign_stretch_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id)
);

-- What the organisers tell their backers. A correction is a new version; the old ones stay.
CREATE TABLE campaign_update (
  id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  number integer NOT NULL,
  audience text NOT NULL,
  published_by uuid NOT NULL,
  published_at timestamptz NOT NULL,
  CONSTRAINT campaign_update_id_pk PRIMARY KEY (id),
  CONSTRAINT campaign_update_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT campaign_update_campaign_id_number_uq UNIQUE (campaign_id, number),
  CONSTRAINT campaign_update_published_by_fk FOREIGN KEY (published_by) REFERENCES contributor (id),
  CONSTRAINT campaign_update_audience_ck CHECK (audience IN ('public', 'backers'))
);
CREATE TRIGGER campaign_update_frozen_tr BEFORE UPDATE OR DELETE ON campaign_update
  FOR EACH ROW EXECUTE FUNCTION campaign_frozen();
CREATE TABLE campaign_update_version (
  update_id uuid NOT NULL,
  version integer NOT NULL,
  title text NOT NULL,
  body text NOT NULL,
  -- Why it was corrected; the first version has none.
  correction text,
  written_by uuid NOT NULL,
  written_at timestamptz NOT NULL,
  CONSTRAINT campaign_update_version_pk PRIMARY KEY (update_id, version),
  CONSTRAINT campaign_update_version_update_id_fk FOREIGN KEY (update_id) REFERENCES campaign_update (id),
  CONSTRAINT campaign_update_version_written_by_fk FOREIGN KEY (written_by) REFERENCES contributor (id),
  CONSTRAINT campaign_update_version_version_ck CHECK (version > 0 AND (version = 1) = (correction IS NULL)),
  CONSTRAINT campaign_update_version_title_ck CHECK (char_length(title) BETWEEN 3 AND 120),
  CONSTRAINT campaign_update_version_body_ck CHECK (char_length(body) BETWEEN 1 AND 20000)
);
CREATE TRIGGER campaign_update_version_frozen_tr BEFORE UPDATE OR DELETE ON campaign_update_version
  FOR EACH ROW EXECUTE FUNCTION campaign_frozen();

-- Running totals of what happened to the campaign's money, counted in its own currency and changed in the transaction of
-- each payment step. The audit re-derives every figure from the pledges and from the ledger.
CREATE TABLE campaign_tally (
  campaign_id uuid NOT NULL,
  promised_minor bigint NOT NULL DEFAULT 0,
  captured_minor bigint NOT NULL DEFAULT 0,
  refunded_minor bigint NOT NULL DEFAULT 0,
  disputed_minor bigint NOT NULL DEFAULT 0,
  fees_minor bigint NOT NULL DEFAULT 0,
  matched_minor bigint NOT NULL DEFAULT 0,
  cash_backers integer NOT NULL DEFAULT 0,
  compute_backers integer NOT NULL DEFAULT 0,
  CONSTRAINT campaign_tally_campaign_id_pk PRIMARY KEY (campaign_id),
  CONSTRAINT campaign_tally_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT campaign_tally_amounts_ck CHECK (promised_minor >= 0 AND captured_minor >= 0 AND refunded_minor >= 0 AND disputed_minor >= 0),
  CONSTRAINT campaign_tally_backers_ck CHECK (cash_backers >= 0 AND compute_backers >= 0)
) WITH (fillfactor = 50);

-- Who stands behind a campaign, and with how many pledges that hold: so that a person counts once.
CREATE TABLE campaign_backer (
  campaign_id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  kind text NOT NULL,
  holding integer NOT NULL,
  CONSTRAINT campaign_backer_pk PRIMARY KEY (campaign_id, contributor_id, kind),
  CONSTRAINT campaign_backer_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT campaign_backer_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id),
  CONSTRAINT campaign_backer_kind_ck CHECK (kind IN ('cash', 'compute')),
  CONSTRAINT campaign_backer_holding_ck CHECK (holding >= 0)
) WITH (fillfactor = 70);

-- The runs that trained for a campaign, in their order.
CREATE TABLE campaign_run (
  run_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  recorded_at timestamptz NOT NULL,
  ended_at timestamptz,
  CONSTRAINT campaign_run_run_id_pk PRIMARY KEY (run_id),
  CONSTRAINT campaign_run_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id)
);
CREATE INDEX campaign_run_campaign_id_ix ON campaign_run (campaign_id);
