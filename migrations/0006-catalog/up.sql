-- What a training may use: datasets by the hash of their bytes, recipes by the hash of their canonical text.

CREATE TABLE dataset (
  id uuid NOT NULL,
  name text NOT NULL,
  licence text NOT NULL,
  source text NOT NULL,
  sha256 text NOT NULL,
  bytes bigint NOT NULL,
  tokens bigint,
  registered_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT dataset_id_pk PRIMARY KEY (id),
  CONSTRAINT dataset_sha256_uq UNIQUE (sha256),
  CONSTRAINT dataset_registered_by_fk FOREIGN KEY (registered_by) REFERENCES contributor (id),
  CONSTRAINT dataset_sha256_ck CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  CONSTRAINT dataset_bytes_ck CHECK (bytes > 0),
  CONSTRAINT dataset_tokens_ck CHECK (tokens > 0),
  CONSTRAINT dataset_name_ck CHECK (char_length(name) BETWEEN 1 AND 120)
);

CREATE TABLE recipe (
  id uuid NOT NULL,
  digest text NOT NULL,
  -- The canonical text that the digest is of; the columns after it repeat what queries need.
  content text NOT NULL,
  project_id uuid NOT NULL,
  dataset_id uuid NOT NULL,
  name text NOT NULL,
  workload text NOT NULL,
  driver text NOT NULL,
  gpu_class text NOT NULL,
  parameters bigint NOT NULL,
  active_parameters bigint,
  tokens bigint NOT NULL,
  min_workers integer NOT NULL,
  max_workers integer NOT NULL,
  checkpoint_every_steps integer NOT NULL,
  hyperparameters jsonb NOT NULL,
  registered_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT recipe_id_pk PRIMARY KEY (id),
  CONSTRAINT recipe_digest_uq UNIQUE (digest),
  CONSTRAINT recipe_project_id_fk FOREIGN KEY (project_id) REFERENCES project (id),
  CONSTRAINT recipe_dataset_id_fk FOREIGN KEY (dataset_id) REFERENCES dataset (id),
  CONSTRAINT recipe_registered_by_fk FOREIGN KEY (registered_by) REFERENCES contributor (id),
  CONSTRAINT recipe_digest_ck CHECK (digest = encode(sha256(convert_to(content, 'UTF8')), 'hex')),
  CONSTRAINT recipe_driver_ck CHECK (driver IN ('process', 'torchrun')),
  CONSTRAINT recipe_parameters_ck CHECK (parameters > 0 AND active_parameters BETWEEN 1 AND parameters),
  CONSTRAINT recipe_tokens_ck CHECK (tokens > 0),
  CONSTRAINT recipe_workers_ck CHECK (min_workers >= 1 AND max_workers >= min_workers),
  CONSTRAINT recipe_checkpoint_every_steps_ck CHECK (checkpoint_every_steps >= 1)
);
CREATE INDEX recipe_project_id_ix ON recipe (project_id);
CREATE INDEX recipe_dataset_id_ix ON recipe (dataset_id);

-- A recipe or dataset that somebody relied on can't be changed under him.
CREATE FUNCTION catalog_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is content-addressed and never changes', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER dataset_frozen_tr BEFORE UPDATE OR DELETE ON dataset FOR EACH ROW EXECUTE FUNCTION catalog_frozen();
CREATE TRIGGER recipe_frozen_tr BEFORE UPDATE OR DELETE ON recipe FOR EACH ROW EXECUTE FUNCTION catalog_frozen();
