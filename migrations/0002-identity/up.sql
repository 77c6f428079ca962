-- People, organisations, projects and what opens the door to them. See libs/identity/README.md.

CREATE TABLE contributor (
  id uuid NOT NULL,
  -- The only id of a person that ledger and log may hold. Setting it free of `id` (erasure) leaves those records whole.
  pseudonym uuid NOT NULL,
  display_name text,
  email text,
  kind text NOT NULL DEFAULT 'person',
  created_at timestamptz NOT NULL,
  erased_at timestamptz,
  CONSTRAINT contributor_id_pk PRIMARY KEY (id),
  CONSTRAINT contributor_pseudonym_uq UNIQUE (pseudonym),
  CONSTRAINT contributor_kind_ck CHECK (kind IN ('person', 'organisation')),
  CONSTRAINT contributor_display_name_ck CHECK (char_length(display_name) BETWEEN 1 AND 80),
  CONSTRAINT contributor_erased_at_ck CHECK (erased_at IS NULL OR (display_name IS NULL AND email IS NULL))
);
CREATE UNIQUE INDEX contributor_email_uq ON contributor (lower(email));

CREATE TABLE contributor_platform_role (
  contributor_id uuid NOT NULL,
  role text NOT NULL,
  granted_at timestamptz NOT NULL,
  CONSTRAINT contributor_platform_role_contributor_id_role_pk PRIMARY KEY (contributor_id, role),
  CONSTRAINT contributor_platform_role_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id),
  CONSTRAINT contributor_platform_role_role_ck CHECK (role IN ('operator', 'regulator'))
);

CREATE TABLE organisation (
  id uuid NOT NULL,
  slug text NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT organisation_id_pk PRIMARY KEY (id),
  CONSTRAINT organisation_slug_uq UNIQUE (slug),
  CONSTRAINT organisation_name_ck CHECK (char_length(name) BETWEEN 1 AND 120)
);

CREATE TABLE project (
  id uuid NOT NULL,
  organisation_id uuid NOT NULL,
  slug text NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT project_id_pk PRIMARY KEY (id),
  CONSTRAINT project_slug_uq UNIQUE (slug),
  CONSTRAINT project_organisation_id_fk FOREIGN KEY (organisation_id) REFERENCES organisation (id),
  CONSTRAINT project_name_ck CHECK (char_length(name) BETWEEN 1 AND 120)
);
CREATE INDEX project_organisation_id_ix ON project (organisation_id);

CREATE TABLE project_member (
  project_id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  role text NOT NULL,
  granted_by uuid,
  granted_at timestamptz NOT NULL,
  CONSTRAINT project_member_project_id_contributor_id_role_pk PRIMARY KEY (project_id, contributor_id, role),
  CONSTRAINT project_member_project_id_fk FOREIGN KEY (project_id) REFERENCES project (id),
  CONSTRAINT project_member_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id),
  CONSTRAINT project_member_granted_by_fk FOREIGN KEY (granted_by) REFERENCES contributor (id),
  CONSTRAINT project_member_role_ck CHECK (role IN ('owner', 'maintainer', 'treasurer', 'reviewer', 'auditor'))
);
CREATE INDEX project_member_contributor_id_ix ON project_member (contributor_id);

-- Secrets are stored as SHA-256 of 256 random bits: nothing to guess, so nothing to stretch.
CREATE TABLE session (
  id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  secret_sha256 bytea NOT NULL,
  method text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  CONSTRAINT session_id_pk PRIMARY KEY (id),
  CONSTRAINT session_secret_sha256_uq UNIQUE (secret_sha256),
  CONSTRAINT session_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id),
  CONSTRAINT session_method_ck CHECK (method IN ('developer', 'passkey', 'oidc'))
);

CREATE TABLE api_token (
  id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  name text NOT NULL,
  secret_sha256 bytea NOT NULL,
  -- The first characters, so that a person can tell his tokens apart.
  hint text NOT NULL,
  scopes text[] NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz,
  CONSTRAINT api_token_id_pk PRIMARY KEY (id),
  CONSTRAINT api_token_secret_sha256_uq UNIQUE (secret_sha256),
  CONSTRAINT api_token_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id),
  CONSTRAINT api_token_name_ck CHECK (char_length(name) BETWEEN 1 AND 80)
);
CREATE INDEX api_token_contributor_id_ix ON api_token (contributor_id);
