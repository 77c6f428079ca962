-- Donated machines. See libs/nodes/README.md.

CREATE TABLE node_join_token (
  id uuid NOT NULL,
  -- SHA-256 of 256 random bits; the text is shown once.
  secret_sha256 bytea NOT NULL,
  owner_id uuid NOT NULL,
  name text,
  -- The pledge that this node will deliver; checked by whoever spends the node's time.
  compute_pledge_id uuid,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at timestamptz,
  CONSTRAINT node_join_token_id_pk PRIMARY KEY (id),
  CONSTRAINT node_join_token_secret_sha256_uq UNIQUE (secret_sha256),
  CONSTRAINT node_join_token_owner_id_fk FOREIGN KEY (owner_id) REFERENCES contributor (id),
  CONSTRAINT node_join_token_name_ck CHECK (char_length(name) BETWEEN 1 AND 80),
  CONSTRAINT node_join_token_expires_at_ck CHECK (expires_at > created_at)
);
CREATE INDEX node_join_token_owner_id_ix ON node_join_token (owner_id);

-- Which state may follow which.
CREATE TABLE node_state_edge (
  from_state text NOT NULL,
  to_state text NOT NULL,
  CONSTRAINT node_state_edge_from_state_to_state_pk PRIMARY KEY (from_state, to_state)
);
INSERT INTO node_state_edge (from_state, to_state) VALUES
  ('registered', 'attesting'), ('registered', 'idle'), ('registered', 'draining'), ('registered', 'suspect'), ('registered', 'lost'),
  ('registered', 'offline'), ('registered', 'retired'),
  ('attesting', 'benchmarking'), ('attesting', 'quarantined'), ('attesting', 'suspect'), ('attesting', 'lost'), ('attesting', 'offline'), ('attesting', 'retired'),
  ('benchmarking', 'idle'), ('benchmarking', 'quarantined'), ('benchmarking', 'suspect'), ('benchmarking', 'lost'), ('benchmarking', 'offline'), ('benchmarking', 'retired'),
  ('idle', 'leased'), ('idle', 'attesting'), ('idle', 'draining'), ('idle', 'suspect'), ('idle', 'lost'), ('idle', 'offline'), ('idle', 'quarantined'), ('idle', 'retired'),
  ('leased', 'idle'), ('leased', 'draining'), ('leased', 'suspect'), ('leased', 'lost'), ('leased', 'offline'), ('leased', 'quarantined'), ('leased', 'retired'),
  ('draining', 'idle'), ('draining', 'attesting'), ('draining', 'suspect'), ('draining', 'lost'), ('draining', 'offline'), ('draining', 'quarantined'), ('draining', 'retired'),
  ('suspect', 'idle'), ('suspect', 'attesting'), ('suspect', 'leased'), ('suspect', 'draining'), ('suspect', 'lost'), ('suspect', 'offline'), ('suspect', 'quarantined'), ('suspect', 'retired'),
  ('lost', 'idle'), ('lost', 'attesting'), ('lost', 'draining'), ('lost', 'offline'), ('lost', 'quarantined'), ('lost', 'retired'),
  ('offline', 'idle'), ('offline', 'attesting'), ('offline', 'draining'), ('offline', 'quarantined'), ('offline', 'retired'),
  ('quarantined', 'attesting'), ('quarantined', 'offline'), ('quarantined', 'retired');

CREATE TABLE node (
  id uuid NOT NULL,
  owner_id uuid NOT NULL,
  join_token_id uuid NOT NULL,
  compute_pledge_id uuid,
  name text NOT NULL,
  gpu_class text NOT NULL,
  device_count integer NOT NULL,
  region text,
  -- Raw Ed25519 public key, base64url, and its RFC 7638 thumbprint.
  public_key text NOT NULL,
  key_thumbprint text NOT NULL,
  agent_version text NOT NULL,
  inventory jsonb NOT NULL,
  state text NOT NULL,
  -- Who and what brought it into this state; the history trigger copies them.
  state_actor text NOT NULL,
  state_cause text NOT NULL,
  state_since timestamptz NOT NULL,
  desired_state text NOT NULL DEFAULT 'available',
  joined_at timestamptz NOT NULL,
  -- When each of its devices had passed its last hardware challenge; none while it has to be challenged (again).
  verified_at timestamptz,
  -- When it is challenged again, which nobody is told before.
  challenge_due_at timestamptz,
  CONSTRAINT node_id_pk PRIMARY KEY (id),
  CONSTRAINT node_public_key_uq UNIQUE (public_key),
  CONSTRAINT node_join_token_id_uq UNIQUE (join_token_id),
  CONSTRAINT node_owner_id_fk FOREIGN KEY (owner_id) REFERENCES contributor (id),
  CONSTRAINT node_join_token_id_fk FOREIGN KEY (join_token_id) REFERENCES node_join_token (id),
  CONSTRAINT node_name_ck CHECK (char_length(name) BETWEEN 1 AND 80),
  CONSTRAINT node_device_count_ck CHECK (device_count BETWEEN 1 AND 1024),
  CONSTRAINT node_gpu_class_ck CHECK (gpu_class ~ '^[a-z0-9]+([.-][a-z0-9]+)*$'),
  CONSTRAINT node_state_ck CHECK (state IN ('registered', 'attesting', 'benchmarking', 'idle', 'leased', 'draining', 'suspect', 'lost', 'offline', 'quarantined', 'retired')),
  CONSTRAINT node_desired_state_ck CHECK (desired_state IN ('available', 'draining'))
);
CREATE INDEX node_owner_id_ix ON node (owner_id);
CREATE INDEX node_live_ix ON node (id) WHERE state IN ('registered', 'attesting', 'benchmarking', 'idle', 'leased', 'draining', 'suspect');

-- One small row a node, rewritten by heartbeats. No column but the key is indexed, so that the write stays in its page.
CREATE TABLE node_liveness (
  node_id uuid NOT NULL,
  boot_id uuid,
  seq bigint NOT NULL DEFAULT 0,
  address text,
  last_seen_at timestamptz NOT NULL,
  CONSTRAINT node_liveness_node_id_pk PRIMARY KEY (node_id),
  CONSTRAINT node_liveness_node_id_fk FOREIGN KEY (node_id) REFERENCES node (id)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0.05);

-- Nonces of accepted signatures, kept longer than a signature stays valid.
CREATE TABLE node_nonce (
  key_id text NOT NULL,
  nonce text NOT NULL,
  expires_at timestamptz NOT NULL,
  CONSTRAINT node_nonce_key_id_nonce_pk PRIMARY KEY (key_id, nonce)
);
CREATE INDEX node_nonce_expires_at_ix ON node_nonce (expires_at);

-- History: one row for each edge taken, chained by hash so that a removed or changed row shows.
CREATE TABLE node_event (
  node_id uuid NOT NULL,
  seq integer NOT NULL,
  from_state text NOT NULL,
  to_state text NOT NULL,
  actor text NOT NULL,
  cause text NOT NULL,
  at timestamptz NOT NULL,
  previous_hash bytea NOT NULL,
  hash bytea NOT NULL,
  CONSTRAINT node_event_node_id_seq_pk PRIMARY KEY (node_id, seq),
  CONSTRAINT node_event_node_id_fk FOREIGN KEY (node_id) REFERENCES node (id),
  CONSTRAINT node_event_from_state_to_state_fk FOREIGN KEY (from_state, to_state) REFERENCES node_state_edge (from_state, to_state)
);

CREATE FUNCTION node_event_digest(previous bytea, node_id uuid, seq integer, from_state text, to_state text, actor text, cause text, at timestamptz)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT sha256(previous || convert_to(concat_ws('|', node_id, seq, from_state, to_state, actor, cause, extract(epoch FROM at)), 'UTF8'))
$$;

-- Writes the history with the change itself: no code path can take an edge without it, nor an edge that isn't allowed.
CREATE FUNCTION node_state_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  last_seq integer;
  last_hash bytea;
BEGIN
  SELECT e.seq, e.hash INTO last_seq, last_hash FROM node_event e WHERE e.node_id = NEW.id ORDER BY e.seq DESC LIMIT 1;
  last_seq := coalesce(last_seq, 0) + 1;
  last_hash := coalesce(last_hash, ''::bytea);
  INSERT INTO node_event (node_id, seq, from_state, to_state, actor, cause, at, previous_hash, hash)
  VALUES (NEW.id, last_seq, OLD.state, NEW.state, NEW.state_actor, NEW.state_cause, NEW.state_since, last_hash,
          node_event_digest(last_hash, NEW.id, last_seq, OLD.state, NEW.state, NEW.state_actor, NEW.state_cause, NEW.state_since));
  RETURN NULL;
END $$;
CREATE TRIGGER node_state_guard_tr AFTER UPDATE OF state ON node FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION node_state_guard();

CREATE FUNCTION node_event_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'node_event is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER node_event_frozen_tr BEFORE UPDATE OR DELETE ON node_event FOR EACH ROW EXECUTE FUNCTION node_event_frozen();

-- Hours at which a donor lends a node; none means always. Recurrences are RFC 5545 rules, in UTC.
CREATE TABLE node_window (
  node_id uuid NOT NULL,
  position smallint NOT NULL,
  rrule text NOT NULL,
  duration_minutes integer NOT NULL,
  CONSTRAINT node_window_node_id_position_pk PRIMARY KEY (node_id, position),
  CONSTRAINT node_window_node_id_fk FOREIGN KEY (node_id) REFERENCES node (id),
  CONSTRAINT node_window_rrule_ck CHECK (char_length(rrule) BETWEEN 1 AND 400),
  CONSTRAINT node_window_duration_minutes_ck CHECK (duration_minutes BETWEEN 15 AND 10080)
);

-- Hardware challenges: see libs/protocol/src/challenge/challenge.plan.ts.
CREATE TABLE node_challenge (
  id uuid NOT NULL,
  node_id uuid NOT NULL,
  device smallint NOT NULL,
  cause text NOT NULL,
  state text NOT NULL,
  plan jsonb NOT NULL,
  issued_at timestamptz NOT NULL,
  -- Drawn when the node says that it is ready, from when its time counts.
  nonce bytea,
  started_at timestamptz,
  answer_by timestamptz NOT NULL,
  commitment bytea,
  committed_at timestamptz,
  -- Drawn after the commitment.
  reveal bytea,
  opening jsonb,
  ended_at timestamptz,
  fault text,
  detail text,
  CONSTRAINT node_challenge_id_pk PRIMARY KEY (id),
  CONSTRAINT node_challenge_node_id_fk FOREIGN KEY (node_id) REFERENCES node (id),
  CONSTRAINT node_challenge_cause_ck CHECK (cause IN ('join', 'repeat', 'appeal')),
  CONSTRAINT node_challenge_state_ck CHECK (state IN ('issued', 'started', 'committed', 'opened', 'passed', 'failed', 'expired')),
  CONSTRAINT node_challenge_fault_ck CHECK (fault IN ('shape', 'commitment', 'rows', 'chain', 'late', 'silent')),
  CONSTRAINT node_challenge_started_ck CHECK (state = 'issued' OR state = 'expired' OR (nonce IS NOT NULL AND started_at IS NOT NULL)),
  CONSTRAINT node_challenge_committed_ck CHECK (state NOT IN ('committed', 'opened', 'passed') OR (commitment IS NOT NULL AND committed_at <= answer_by AND reveal IS NOT NULL)),
  CONSTRAINT node_challenge_ended_ck CHECK ((state IN ('passed', 'failed', 'expired')) = (ended_at IS NOT NULL)),
  CONSTRAINT node_challenge_fault_state_ck CHECK ((state IN ('failed', 'expired')) = (fault IS NOT NULL))
);
CREATE UNIQUE INDEX node_challenge_live_uq ON node_challenge (node_id, device) WHERE state IN ('issued', 'started', 'committed', 'opened');
CREATE INDEX node_challenge_live_ix ON node_challenge (answer_by) WHERE state IN ('issued', 'started', 'committed', 'opened');
CREATE INDEX node_challenge_node_id_ix ON node_challenge (node_id, id DESC);
CREATE INDEX node_challenge_due_at_ix ON node (challenge_due_at) WHERE state = 'idle';

-- What was challenged stays as it was once it is over, and a commitment as it was once it is made.
CREATE FUNCTION node_challenge_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.ended_at IS NOT NULL THEN
    RAISE EXCEPTION 'a challenge that has ended does not change' USING ERRCODE = 'restrict_violation';
  END IF;
  IF (OLD.nonce IS NOT NULL AND OLD.nonce IS DISTINCT FROM NEW.nonce)
     OR (OLD.started_at IS NOT NULL AND (OLD.started_at, OLD.plan) IS DISTINCT FROM (NEW.started_at, NEW.plan))
     OR (OLD.commitment IS NOT NULL AND (OLD.commitment, OLD.committed_at, OLD.reveal) IS DISTINCT FROM (NEW.commitment, NEW.committed_at, NEW.reveal)) THEN
    RAISE EXCEPTION 'what a challenge was about does not change' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER node_challenge_guard_tr BEFORE UPDATE ON node_challenge FOR EACH ROW EXECUTE FUNCTION node_challenge_guard();

-- A donor's word against a quarantine, and what an operator made of it.
CREATE TABLE node_appeal (
  id uuid NOT NULL,
  node_id uuid NOT NULL,
  statement text NOT NULL,
  filed_at timestamptz NOT NULL,
  decision text,
  decided_by uuid,
  reason text,
  decided_at timestamptz,
  CONSTRAINT node_appeal_id_pk PRIMARY KEY (id),
  CONSTRAINT node_appeal_node_id_fk FOREIGN KEY (node_id) REFERENCES node (id),
  CONSTRAINT node_appeal_decided_by_fk FOREIGN KEY (decided_by) REFERENCES contributor (id),
  CONSTRAINT node_appeal_statement_ck CHECK (char_length(statement) BETWEEN 10 AND 2000),
  CONSTRAINT node_appeal_reason_ck CHECK (char_length(reason) BETWEEN 10 AND 2000),
  CONSTRAINT node_appeal_decision_ck CHECK (decision IN ('lifted', 'upheld')),
  CONSTRAINT node_appeal_decided_ck CHECK (num_nonnulls(decision, decided_by, reason, decided_at) IN (0, 4))
);
CREATE UNIQUE INDEX node_appeal_open_uq ON node_appeal (node_id) WHERE decided_at IS NULL;
CREATE INDEX node_appeal_node_id_ix ON node_appeal (node_id);
