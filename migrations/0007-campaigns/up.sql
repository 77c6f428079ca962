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
  CONSTRAINT campaign_id_pk PRIMARY KEY (id),
  CONSTRAINT campaign_slug_uq UNIQUE (slug),
  CONSTRAINT campaign_project_id_fk FOREIGN KEY (project_id) REFERENCES project (id),
  CONSTRAINT campaign_recipe_id_fk FOREIGN KEY (recipe_id) REFERENCES recipe (id),
  CONSTRAINT campaign_created_by_fk FOREIGN KEY (created_by) REFERENCES contributor (id),
  CONSTRAINT campaign_state_ck CHECK (state IN
    ('draft', 'in_review', 'live', 'suspended', 'succeeded', 'failed', 'cancelled', 'training', 'completed')),
  CONSTRAINT campaign_funding_model_ck CHECK (funding_model IN ('all_or_nothing', 'keep_it_all', 'tranches')),
  CONSTRAINT campaign_currency_ck CHECK (currency = 'USD'),
  CONSTRAINT campaign_goal_ck CHECK (cash_goal_minor >= 0 AND compute_goal_ms >= 0 AND (cash_goal_minor > 0 OR compute_goal_ms > 0)),
  CONSTRAINT campaign_title_ck CHECK (char_length(title) BETWEEN 3 AND 120),
  CONSTRAINT campaign_live_at_ck CHECK (live_at IS NOT NULL OR state IN ('draft', 'in_review', 'cancelled'))
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
  ('in_review', 'live'), ('in_review', 'draft'), ('in_review', 'cancelled'),
  ('live', 'suspended'), ('live', 'cancelled'), ('live', 'succeeded'), ('live', 'failed'),
  ('suspended', 'live'), ('suspended', 'cancelled'),
  ('succeeded', 'training'), ('succeeded', 'cancelled'),
  ('training', 'succeeded'), ('training', 'completed');

CREATE FUNCTION campaign_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state <> OLD.state AND NOT EXISTS (
    SELECT 1 FROM campaign_transition WHERE from_state = OLD.state AND to_state = NEW.state) THEN
    RAISE EXCEPTION 'a campaign does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.project_id, NEW.recipe_id, NEW.funding_model, NEW.currency, NEW.cash_goal_minor, NEW.compute_goal_ms,
      NEW.gpu_class, NEW.budget, NEW.created_by) IS DISTINCT FROM
     (OLD.id, OLD.project_id, OLD.recipe_id, OLD.funding_model, OLD.currency, OLD.cash_goal_minor, OLD.compute_goal_ms,
      OLD.gpu_class, OLD.budget, OLD.created_by) THEN
    RAISE EXCEPTION 'the terms of a campaign are immutable' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER campaign_guard_tr BEFORE UPDATE ON campaign FOR EACH ROW EXECUTE FUNCTION campaign_guard();

-- Running totals of what happened to the campaign's money, changed in the transaction of each payment step. The audit
-- re-derives every figure from the pledges and from the ledger.
CREATE TABLE campaign_tally (
  campaign_id uuid NOT NULL,
  captured_minor bigint NOT NULL DEFAULT 0,
  refunded_minor bigint NOT NULL DEFAULT 0,
  disputed_minor bigint NOT NULL DEFAULT 0,
  fees_minor bigint NOT NULL DEFAULT 0,
  cash_backers integer NOT NULL DEFAULT 0,
  compute_backers integer NOT NULL DEFAULT 0,
  CONSTRAINT campaign_tally_campaign_id_pk PRIMARY KEY (campaign_id),
  CONSTRAINT campaign_tally_campaign_id_fk FOREIGN KEY (campaign_id) REFERENCES campaign (id),
  CONSTRAINT campaign_tally_amounts_ck CHECK (captured_minor >= 0 AND refunded_minor >= 0 AND disputed_minor >= 0),
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
