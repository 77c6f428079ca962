-- Checkpoints: what a run made, by the hash of every byte. See libs/provenance/README.md.

CREATE TABLE checkpoint (
  id uuid NOT NULL,
  run_id uuid NOT NULL,
  attempt_id uuid NOT NULL,
  lease_id uuid NOT NULL,
  -- The checkpoint that its attempt had restored; null at the beginning.
  parent_id uuid,
  step bigint NOT NULL,
  tokens bigint NOT NULL,
  loss double precision NOT NULL,
  flop numeric(40, 0) NOT NULL,
  state text NOT NULL,
  -- Canonical JSON (RFC 8785) and its SHA-256: the one name for all the files together.
  manifest text NOT NULL,
  manifest_sha256 text NOT NULL,
  rejection text,
  declared_at timestamptz NOT NULL,
  hashed_at timestamptz,
  verified_at timestamptz,
  promoted_at timestamptz,
  closed_at timestamptz,
  CONSTRAINT checkpoint_id_pk PRIMARY KEY (id),
  CONSTRAINT checkpoint_parent_id_fk FOREIGN KEY (parent_id) REFERENCES checkpoint (id),
  CONSTRAINT checkpoint_state_ck CHECK (state IN
    ('declared', 'uploading', 'hashed', 'verified', 'promoted', 'superseded', 'archived', 'rejected')),
  CONSTRAINT checkpoint_manifest_sha256_ck CHECK (manifest_sha256 = encode(sha256(convert_to(manifest, 'UTF8')), 'hex')),
  CONSTRAINT checkpoint_rejection_ck CHECK ((rejection IS NOT NULL) = (state = 'rejected')),
  CONSTRAINT checkpoint_step_tokens_ck CHECK (step >= 0 AND tokens >= 0)
);
-- Exactly one restore point a run; one checkpoint an attempt and step.
CREATE UNIQUE INDEX checkpoint_promoted_uq ON checkpoint (run_id) WHERE state = 'promoted';
CREATE UNIQUE INDEX checkpoint_attempt_id_step_uq ON checkpoint (attempt_id, step) WHERE state <> 'rejected';
CREATE INDEX checkpoint_run_id_ix ON checkpoint (run_id, id);
CREATE INDEX checkpoint_open_lease_id_ix ON checkpoint (lease_id) WHERE state IN ('declared', 'uploading', 'hashed');

CREATE TABLE checkpoint_file (
  checkpoint_id uuid NOT NULL,
  path text NOT NULL,
  bytes bigint NOT NULL,
  sha256 text NOT NULL,
  received_at timestamptz,
  CONSTRAINT checkpoint_file_checkpoint_id_path_pk PRIMARY KEY (checkpoint_id, path),
  CONSTRAINT checkpoint_file_checkpoint_id_fk FOREIGN KEY (checkpoint_id) REFERENCES checkpoint (id),
  CONSTRAINT checkpoint_file_sha256_ck CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  CONSTRAINT checkpoint_file_bytes_ck CHECK (bytes >= 0),
  CONSTRAINT checkpoint_file_path_ck CHECK (path ~ '^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$' AND path !~ '(^|/)\.\.?(/|$)')
);

-- The machine of libs/provenance/src/domain/checkpoint.machine.ts; a test compares the two.
CREATE TABLE checkpoint_edge (
  from_state text NOT NULL,
  to_state text NOT NULL,
  CONSTRAINT checkpoint_edge_from_state_to_state_pk PRIMARY KEY (from_state, to_state)
);
INSERT INTO checkpoint_edge (from_state, to_state) VALUES
  ('declared', 'uploading'), ('declared', 'rejected'),
  ('uploading', 'hashed'), ('uploading', 'rejected'),
  ('hashed', 'verified'), ('hashed', 'rejected'),
  ('verified', 'promoted'), ('verified', 'superseded'),
  ('promoted', 'superseded'), ('superseded', 'archived');

-- A checkpoint is never overwritten: only its state moves on, along the edges.
CREATE FUNCTION checkpoint_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a checkpoint is never deleted' USING ERRCODE = 'restrict_violation';
  END IF;
  IF (NEW.id, NEW.run_id, NEW.attempt_id, NEW.lease_id, NEW.parent_id, NEW.step, NEW.tokens, NEW.loss, NEW.flop, NEW.manifest)
     IS DISTINCT FROM (OLD.id, OLD.run_id, OLD.attempt_id, OLD.lease_id, OLD.parent_id, OLD.step, OLD.tokens, OLD.loss, OLD.flop, OLD.manifest) THEN
    RAISE EXCEPTION 'a declared checkpoint never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  IF NEW.state <> OLD.state
     AND NOT EXISTS (SELECT 1 FROM checkpoint_edge e WHERE e.from_state = OLD.state AND e.to_state = NEW.state) THEN
    RAISE EXCEPTION 'a checkpoint can''t become % from %', NEW.state, OLD.state USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER checkpoint_guard_tr BEFORE UPDATE OR DELETE ON checkpoint FOR EACH ROW EXECUTE FUNCTION checkpoint_guard();
CREATE FUNCTION checkpoint_file_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' OR (NEW.checkpoint_id, NEW.path, NEW.bytes, NEW.sha256) IS DISTINCT FROM (OLD.checkpoint_id, OLD.path, OLD.bytes, OLD.sha256) THEN
    RAISE EXCEPTION 'a declared file never changes' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER checkpoint_file_guard_tr BEFORE UPDATE OR DELETE ON checkpoint_file FOR EACH ROW EXECUTE FUNCTION checkpoint_file_guard();
