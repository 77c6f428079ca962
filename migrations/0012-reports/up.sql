CREATE TABLE report (
  id uuid NOT NULL,
  slug text NOT NULL,
  title text NOT NULL,
  definition text NOT NULL,
  campaign_id uuid NOT NULL,
  run_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT report_id_pk PRIMARY KEY (id),
  CONSTRAINT report_slug_uq UNIQUE (slug),
  CONSTRAINT report_definition_run_id_uq UNIQUE (definition, run_id),
  CONSTRAINT report_slug_ck CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(slug) <= 120),
  CONSTRAINT report_definition_ck CHECK (definition IN ('run-transparency'))
);
CREATE INDEX report_campaign_id_ix ON report (campaign_id, id);
CREATE INDEX report_run_id_ix ON report (run_id, id);

CREATE TABLE report_publication (
  report_id uuid NOT NULL,
  version integer NOT NULL,
  log_size bigint NOT NULL,
  -- Of the report's canonical JSON, without signature and evidence.
  sha256 text NOT NULL,
  corrects_version integer,
  cause text,
  published_at timestamptz NOT NULL,
  CONSTRAINT report_publication_report_id_version_pk PRIMARY KEY (report_id, version),
  CONSTRAINT report_publication_report_id_fk FOREIGN KEY (report_id) REFERENCES report (id),
  CONSTRAINT report_publication_log_size_fk FOREIGN KEY (log_size) REFERENCES log_checkpoint (size),
  CONSTRAINT report_publication_cause_uq UNIQUE (cause),
  CONSTRAINT report_publication_version_ck CHECK (version > 0),
  CONSTRAINT report_publication_corrects_version_ck CHECK (corrects_version IS NULL OR corrects_version < version),
  CONSTRAINT report_publication_sha256_ck CHECK (sha256 ~ '^[0-9a-f]{64}$')
);
CREATE INDEX report_publication_published_at_ix ON report_publication (published_at);

CREATE TABLE report_file (
  report_id uuid NOT NULL,
  version integer NOT NULL,
  format text NOT NULL,
  sha256 text NOT NULL,
  bytes bigint NOT NULL,
  CONSTRAINT report_file_report_id_version_format_pk PRIMARY KEY (report_id, version, format),
  CONSTRAINT report_file_report_id_version_fk FOREIGN KEY (report_id, version) REFERENCES report_publication (report_id, version),
  CONSTRAINT report_file_format_ck CHECK (format IN ('json', 'html', 'csv', 'pdf')),
  CONSTRAINT report_file_sha256_ck CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  CONSTRAINT report_file_bytes_ck CHECK (bytes > 0)
);

CREATE FUNCTION report_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% never changes once published; publish a new version', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER report_guard_tr BEFORE UPDATE OR DELETE OR TRUNCATE ON report EXECUTE FUNCTION report_guard();
CREATE TRIGGER report_publication_guard_tr BEFORE UPDATE OR DELETE OR TRUNCATE ON report_publication EXECUTE FUNCTION report_guard();
CREATE TRIGGER report_file_guard_tr BEFORE UPDATE OR DELETE OR TRUNCATE ON report_file EXECUTE FUNCTION report_guard();

-- Receipts of pledges that brought money. Numbers run without gaps within a year: the counter is held until the commit.
CREATE TABLE receipt_counter (
  year integer NOT NULL,
  last_number integer NOT NULL,
  CONSTRAINT receipt_counter_year_pk PRIMARY KEY (year)
);
CREATE TABLE receipt (
  pledge_id uuid NOT NULL,
  contributor_id uuid NOT NULL,
  year integer NOT NULL,
  number integer NOT NULL,
  CONSTRAINT receipt_pledge_id_pk PRIMARY KEY (pledge_id),
  CONSTRAINT receipt_year_number_uq UNIQUE (year, number),
  CONSTRAINT receipt_pledge_id_fk FOREIGN KEY (pledge_id) REFERENCES cash_pledge (id),
  CONSTRAINT receipt_number_ck CHECK (number > 0)
);
CREATE INDEX receipt_contributor_id_ix ON receipt (contributor_id, pledge_id DESC);
-- What a receipt said, and its corrections. The text names its payer: it goes with its person, number and digest stay.
CREATE TABLE receipt_version (
  pledge_id uuid NOT NULL,
  version integer NOT NULL,
  -- Of the canonical JSON of the statement, without its signature.
  sha256 text NOT NULL,
  signed text,
  issued_at timestamptz NOT NULL,
  CONSTRAINT receipt_version_pledge_id_version_pk PRIMARY KEY (pledge_id, version),
  CONSTRAINT receipt_version_pledge_id_fk FOREIGN KEY (pledge_id) REFERENCES receipt (pledge_id),
  CONSTRAINT receipt_version_version_ck CHECK (version > 0),
  CONSTRAINT receipt_version_sha256_ck CHECK (sha256 ~ '^[0-9a-f]{64}$')
);
CREATE FUNCTION receipt_version_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'UPDATE' OR NEW.signed IS NOT NULL OR (NEW.pledge_id, NEW.version, NEW.sha256, NEW.issued_at)
     IS DISTINCT FROM (OLD.pledge_id, OLD.version, OLD.sha256, OLD.issued_at) THEN
    RAISE EXCEPTION 'a receipt never changes once issued; a correction is its next version' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER receipt_version_guard_tr BEFORE UPDATE OR DELETE ON receipt_version
  FOR EACH ROW EXECUTE FUNCTION receipt_version_guard();
CREATE TRIGGER receipt_guard_tr BEFORE UPDATE OR DELETE OR TRUNCATE ON receipt EXECUTE FUNCTION report_guard();
