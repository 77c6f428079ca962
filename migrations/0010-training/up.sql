-- Runs, their attempts and the leases that carry them. See libs/training/README.md.

CREATE TABLE run (
  id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  recipe_id uuid NOT NULL,
  state text NOT NULL,
  state_reason text,
  -- Why it waits and what would unblock it, written by the scheduler: {code, message, unblock}.
  wait_reason jsonb,
  spec jsonb NOT NULL,
  gpu_class text NOT NULL,
  min_workers integer NOT NULL,
  max_workers integer NOT NULL,
  priority integer NOT NULL DEFAULT 0,
  target_steps bigint NOT NULL,
  step bigint NOT NULL DEFAULT 0,
  tokens bigint NOT NULL DEFAULT 0,
  first_loss double precision,
  last_loss double precision,
  -- Floating-point operations of verified work: 6 N D, and as the workload counted them.
  flop_model numeric(40, 0) NOT NULL DEFAULT 0,
  flop_hardware numeric(40, 0) NOT NULL DEFAULT 0,
  promoted_checkpoint_id uuid,
  promoted_step bigint,
  fruitless_attempts integer NOT NULL DEFAULT 0,
  not_before timestamptz,
  cancel_requested_at timestamptz,
  queued_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  ended_at timestamptz,
  CONSTRAINT run_id_pk PRIMARY KEY (id),
  CONSTRAINT run_state_ck CHECK (state IN
    ('queued', 'assembling', 'running', 'degraded', 'starved', 'finishing', 'done', 'failed', 'cancelled')),
  CONSTRAINT run_min_workers_max_workers_ck CHECK (1 <= min_workers AND min_workers <= max_workers),
  CONSTRAINT run_target_steps_ck CHECK (target_steps > 0),
  CONSTRAINT run_step_tokens_ck CHECK (step >= 0 AND tokens >= 0),
  CONSTRAINT run_promoted_checkpoint_id_promoted_step_ck CHECK ((promoted_checkpoint_id IS NULL) = (promoted_step IS NULL)),
  CONSTRAINT run_ended_at_ck CHECK ((ended_at IS NOT NULL) = (state IN ('done', 'failed', 'cancelled')))
);
-- A campaign trains a recipe once; another run may follow one that failed or was cancelled.
CREATE UNIQUE INDEX run_campaign_id_recipe_id_uq ON run (campaign_id, recipe_id) WHERE state NOT IN ('failed', 'cancelled');
CREATE INDEX run_open_ix ON run (priority DESC, queued_at, id) WHERE ended_at IS NULL;
CREATE INDEX run_campaign_id_ix ON run (campaign_id, id);

-- One try of the run's gang. At most one of a run is not ended: the run's row is its single writer.
CREATE TABLE run_attempt (
  id uuid NOT NULL,
  run_id uuid NOT NULL,
  number integer NOT NULL,
  state text NOT NULL,
  end_reason text,
  size integer NOT NULL,
  -- The checkpoint it starts from, as RESTORE_POINTS gave it: {checkpointId, step, files}. Null: from the beginning.
  restore jsonb,
  restored_step bigint NOT NULL DEFAULT 0,
  restored_tokens bigint NOT NULL DEFAULT 0,
  restored_flop_hardware numeric(40, 0) NOT NULL DEFAULT 0,
  last_step bigint,
  last_tokens bigint,
  -- Progress that evidence stands for: the step of the last checkpoint promoted by this attempt, and when the platform
  -- first heard of that step.
  verified_step bigint,
  verified_tokens bigint,
  verified_at timestamptz,
  assemble_by timestamptz NOT NULL,
  drain_by timestamptz,
  drain_cause text,
  stop_cause text,
  first_exit_at timestamptz,
  created_at timestamptz NOT NULL,
  started_at timestamptz,
  ended_at timestamptz,
  CONSTRAINT run_attempt_id_pk PRIMARY KEY (id),
  CONSTRAINT run_attempt_run_id_fk FOREIGN KEY (run_id) REFERENCES run (id),
  CONSTRAINT run_attempt_run_id_number_uq UNIQUE (run_id, number),
  CONSTRAINT run_attempt_state_ck CHECK (state IN ('assembling', 'running', 'draining', 'stopping', 'ended')),
  CONSTRAINT run_attempt_ended_at_ck CHECK ((ended_at IS NOT NULL) = (state = 'ended')),
  CONSTRAINT run_attempt_end_reason_ck CHECK ((end_reason IS NOT NULL) = (state = 'ended')),
  CONSTRAINT run_attempt_size_ck CHECK (size > 0)
);
CREATE UNIQUE INDEX run_attempt_live_uq ON run_attempt (run_id) WHERE state <> 'ended';

CREATE SEQUENCE lease_token_seq AS bigint;

CREATE TABLE lease (
  id uuid NOT NULL,
  run_id uuid NOT NULL,
  attempt_id uuid NOT NULL,
  node_id uuid NOT NULL,
  pledge_id uuid NOT NULL,
  contributor text NOT NULL,
  region text,
  gpu_class text NOT NULL,
  rank integer NOT NULL,
  device_count integer NOT NULL,
  -- Fencing token: grows with every lease of the run and of the node, see lease_token_guard.
  token bigint NOT NULL DEFAULT nextval('lease_token_seq'),
  state text NOT NULL,
  phase text NOT NULL DEFAULT 'offered',
  address text,
  rendezvous_port integer,
  step bigint,
  exit_code integer,
  exit_reason text,
  -- The node said that it wants to leave.
  is_draining boolean NOT NULL DEFAULT false,
  busy_ms bigint NOT NULL DEFAULT 0,
  energy_micro_wh bigint NOT NULL DEFAULT 0,
  energy_method text,
  -- GPU-milliseconds held in the donor's commitment for this lease; the lease can't outlive them.
  reserved_ms bigint NOT NULL,
  granted_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  -- No renewal reaches beyond this moment.
  max_expires_at timestamptz NOT NULL,
  started_at timestamptz,
  last_beat_at timestamptz,
  ended_at timestamptz,
  end_reason text,
  delivered_ms bigint,
  CONSTRAINT lease_id_pk PRIMARY KEY (id),
  CONSTRAINT lease_attempt_id_fk FOREIGN KEY (attempt_id) REFERENCES run_attempt (id),
  CONSTRAINT lease_run_id_fk FOREIGN KEY (run_id) REFERENCES run (id),
  CONSTRAINT lease_token_uq UNIQUE (token),
  CONSTRAINT lease_attempt_id_rank_uq UNIQUE (attempt_id, rank),
  CONSTRAINT lease_attempt_id_node_id_uq UNIQUE (attempt_id, node_id),
  CONSTRAINT lease_state_ck CHECK (state IN ('offered', 'active', 'released', 'expired', 'revoked')),
  CONSTRAINT lease_phase_ck CHECK (phase IN ('offered', 'ready', 'running', 'exited', 'stopped')),
  CONSTRAINT lease_ended_at_ck CHECK ((ended_at IS NOT NULL) = (state IN ('released', 'expired', 'revoked'))),
  CONSTRAINT lease_delivered_ms_ck CHECK ((delivered_ms IS NOT NULL) = (ended_at IS NOT NULL) AND delivered_ms BETWEEN 0 AND reserved_ms),
  CONSTRAINT lease_expires_at_ck CHECK (granted_at <= expires_at AND expires_at <= max_expires_at),
  CONSTRAINT lease_device_count_rank_ck CHECK (device_count > 0 AND rank >= 0 AND reserved_ms > 0)
) WITH (fillfactor = 60);
-- Nothing that a heartbeat changes is indexed, so that a renewal stays in its page.
CREATE INDEX lease_live_node_id_ix ON lease (node_id) WHERE state IN ('offered', 'active');
CREATE INDEX lease_node_id_token_ix ON lease (node_id, token);
CREATE INDEX lease_run_id_token_ix ON lease (run_id, token);
CREATE INDEX lease_pledge_id_ix ON lease (pledge_id);

-- Which devices a lease holds. One live lease for each device of a node.
CREATE TABLE lease_device (
  lease_id uuid NOT NULL,
  node_id uuid NOT NULL,
  device_index integer NOT NULL,
  is_live boolean NOT NULL,
  CONSTRAINT lease_device_lease_id_device_index_pk PRIMARY KEY (lease_id, device_index),
  CONSTRAINT lease_device_lease_id_fk FOREIGN KEY (lease_id) REFERENCES lease (id)
);
CREATE UNIQUE INDEX lease_device_live_uq ON lease_device (node_id, device_index) WHERE is_live;

CREATE FUNCTION lease_token_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM lease WHERE node_id = NEW.node_id AND token >= NEW.token)
     OR EXISTS (SELECT 1 FROM lease WHERE run_id = NEW.run_id AND token >= NEW.token) THEN
    RAISE EXCEPTION 'lease token % does not grow', NEW.token USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER lease_token_guard_tr BEFORE INSERT ON lease FOR EACH ROW EXECUTE FUNCTION lease_token_guard();

-- What ended can't be rewritten: neither the token nor an ended lease ever changes.
CREATE FUNCTION lease_ended_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.token <> OLD.token OR OLD.ended_at IS NOT NULL THEN
    RAISE EXCEPTION 'lease % has ended or its token was changed', OLD.id USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER lease_ended_guard_tr BEFORE UPDATE ON lease FOR EACH ROW EXECUTE FUNCTION lease_ended_guard();

CREATE TABLE metric_step (
  run_id uuid NOT NULL,
  attempt_id uuid NOT NULL,
  step bigint NOT NULL,
  loss double precision NOT NULL,
  tokens bigint NOT NULL,
  step_ms double precision NOT NULL,
  flop_hardware numeric(40, 0),
  reported_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  CONSTRAINT metric_step_run_id_step_attempt_id_pk PRIMARY KEY (run_id, step, attempt_id),
  CONSTRAINT metric_step_attempt_id_fk FOREIGN KEY (attempt_id) REFERENCES run_attempt (id)
);

CREATE TABLE lease_log (
  lease_id uuid NOT NULL,
  byte_offset bigint NOT NULL,
  bytes integer NOT NULL,
  dropped_bytes bigint NOT NULL,
  content text NOT NULL,
  recorded_at timestamptz NOT NULL,
  CONSTRAINT lease_log_lease_id_byte_offset_pk PRIMARY KEY (lease_id, byte_offset),
  CONSTRAINT lease_log_lease_id_fk FOREIGN KEY (lease_id) REFERENCES lease (id)
);

-- What a lease was worth: delivered when it ended, accepted when evidence is final.
CREATE TABLE usage_record (
  lease_id uuid NOT NULL,
  run_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  attempt_id uuid NOT NULL,
  node_id uuid NOT NULL,
  pledge_id uuid NOT NULL,
  contributor text NOT NULL,
  region text,
  gpu_class text NOT NULL,
  delivered_ms bigint NOT NULL,
  accepted_ms bigint,
  tokens bigint,
  flop_model numeric(40, 0),
  flop_hardware numeric(40, 0),
  energy_micro_wh bigint NOT NULL,
  energy_method text,
  delivered_at timestamptz NOT NULL,
  settled_at timestamptz,
  CONSTRAINT usage_record_lease_id_pk PRIMARY KEY (lease_id),
  CONSTRAINT usage_record_lease_id_fk FOREIGN KEY (lease_id) REFERENCES lease (id),
  CONSTRAINT usage_record_accepted_ms_ck CHECK (accepted_ms IS NULL OR accepted_ms BETWEEN 0 AND delivered_ms),
  CONSTRAINT usage_record_settled_at_ck CHECK ((settled_at IS NULL) = (accepted_ms IS NULL))
);
CREATE INDEX usage_record_run_id_ix ON usage_record (run_id);

-- Accepted compute pledges as their events told: what the scheduler may draw on.
CREATE TABLE compute_commitment (
  pledge_id uuid NOT NULL,
  campaign_id uuid NOT NULL,
  contributor text NOT NULL,
  gpu_class text NOT NULL,
  device_count integer NOT NULL,
  milliseconds bigint NOT NULL,
  is_open boolean NOT NULL,
  CONSTRAINT compute_commitment_pledge_id_pk PRIMARY KEY (pledge_id)
);
CREATE INDEX compute_commitment_campaign_id_ix ON compute_commitment (campaign_id) WHERE is_open;
