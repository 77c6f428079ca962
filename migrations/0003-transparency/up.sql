-- Whose log this is. One row: the key that signed the first checkpoint signs all of them.
CREATE TABLE log_identity (
  id smallint NOT NULL,
  origin text NOT NULL,
  verifier_key text NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT log_identity_id_pk PRIMARY KEY (id),
  CONSTRAINT log_identity_id_ck CHECK (id = 1)
);

CREATE TABLE log_leaf (
  index bigint NOT NULL,
  event_id uuid NOT NULL,
  event_type text NOT NULL,
  occurred_at timestamptz NOT NULL,
  subjects text[] NOT NULL,
  data bytea NOT NULL,
  hash bytea NOT NULL,
  CONSTRAINT log_leaf_index_pk PRIMARY KEY (index),
  CONSTRAINT log_leaf_event_id_uq UNIQUE (event_id),
  CONSTRAINT log_leaf_event_id_fk FOREIGN KEY (event_id) REFERENCES event_outbox (id),
  CONSTRAINT log_leaf_index_ck CHECK (index >= 0),
  CONSTRAINT log_leaf_data_ck CHECK (octet_length(data) BETWEEN 1 AND 65535),
  CONSTRAINT log_leaf_hash_ck CHECK (octet_length(hash) = 32)
);
CREATE INDEX log_leaf_subjects_ix ON log_leaf USING gin (subjects);
CREATE INDEX log_leaf_event_type_ix ON log_leaf (event_type, index);

-- Hashes of complete subtrees above the leaves: node (level, index) covers leaves index * 2^level and the next 2^level - 1.
CREATE TABLE log_node (
  level smallint NOT NULL,
  index bigint NOT NULL,
  hash bytea NOT NULL,
  CONSTRAINT log_node_level_index_pk PRIMARY KEY (level, index),
  CONSTRAINT log_node_level_ck CHECK (level BETWEEN 1 AND 52),
  CONSTRAINT log_node_index_ck CHECK (index >= 0),
  CONSTRAINT log_node_hash_ck CHECK (octet_length(hash) = 32)
);

CREATE TABLE log_checkpoint (
  size bigint NOT NULL,
  root_hash bytea NOT NULL,
  note text NOT NULL,
  issued_at timestamptz NOT NULL,
  CONSTRAINT log_checkpoint_size_pk PRIMARY KEY (size),
  CONSTRAINT log_checkpoint_size_ck CHECK (size > 0),
  CONSTRAINT log_checkpoint_root_hash_ck CHECK (octet_length(root_hash) = 32)
);

CREATE FUNCTION log_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER log_identity_guard_tr BEFORE UPDATE OR DELETE OR TRUNCATE ON log_identity EXECUTE FUNCTION log_guard();
CREATE TRIGGER log_leaf_guard_tr BEFORE UPDATE OR DELETE OR TRUNCATE ON log_leaf EXECUTE FUNCTION log_guard();
CREATE TRIGGER log_node_guard_tr BEFORE UPDATE OR DELETE OR TRUNCATE ON log_node EXECUTE FUNCTION log_guard();
CREATE TRIGGER log_checkpoint_guard_tr BEFORE UPDATE OR DELETE OR TRUNCATE ON log_checkpoint EXECUTE FUNCTION log_guard();
