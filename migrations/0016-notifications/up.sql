-- What people are told, in the product and by mail. See libs/notifications/README.md.

-- One message for each event and group of people; what it says to them is the same words.
CREATE TABLE notification_message (
  id uuid NOT NULL,
  event_id uuid NOT NULL,
  audience text NOT NULL,
  kind text NOT NULL,
  title text NOT NULL,
  body text NOT NULL,
  -- A path of this site.
  link text NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT notification_message_id_pk PRIMARY KEY (id),
  CONSTRAINT notification_message_event_id_audience_uq UNIQUE (event_id, audience),
  CONSTRAINT notification_message_kind_ck CHECK (kind IN
    ('payment', 'outcome', 'treasury', 'receipt', 'update', 'compute', 'report')),
  CONSTRAINT notification_message_title_ck CHECK (char_length(title) BETWEEN 1 AND 200),
  CONSTRAINT notification_message_link_ck CHECK (link ~ '^/[^/\\]')
);

-- A person is told a message once, however often its event is delivered.
CREATE TABLE notification (
  contributor_id uuid NOT NULL,
  message_id uuid NOT NULL,
  read_at timestamptz,
  CONSTRAINT notification_contributor_id_message_id_pk PRIMARY KEY (contributor_id, message_id),
  CONSTRAINT notification_message_id_fk FOREIGN KEY (message_id) REFERENCES notification_message (id),
  CONSTRAINT notification_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id)
) WITH (fillfactor = 90);
CREATE INDEX notification_unread_ix ON notification (contributor_id) WHERE read_at IS NULL;

-- Kinds that a person does not want by mail. Absent means wanted.
CREATE TABLE notification_silence (
  contributor_id uuid NOT NULL,
  kind text NOT NULL,
  CONSTRAINT notification_silence_pk PRIMARY KEY (contributor_id, kind),
  CONSTRAINT notification_silence_contributor_id_fk FOREIGN KEY (contributor_id) REFERENCES contributor (id),
  -- What concerns one's money, or a duty that one took on, can't be silenced.
  CONSTRAINT notification_silence_kind_ck CHECK (kind IN ('receipt', 'update', 'compute', 'report'))
);

-- Mail to be sent. The address is read from the contributor in the moment of sending and stands nowhere here.
CREATE TABLE notification_mail (
  contributor_id uuid NOT NULL,
  message_id uuid NOT NULL,
  state text NOT NULL DEFAULT 'waiting',
  attempts smallint NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  ended_at timestamptz,
  last_error text,
  CONSTRAINT notification_mail_contributor_id_message_id_pk PRIMARY KEY (contributor_id, message_id),
  CONSTRAINT notification_mail_notification_fk FOREIGN KEY (contributor_id, message_id)
    REFERENCES notification (contributor_id, message_id) ON DELETE CASCADE,
  CONSTRAINT notification_mail_state_ck CHECK (state IN ('waiting', 'sending', 'sent', 'failed')),
  CONSTRAINT notification_mail_ended_at_ck CHECK ((ended_at IS NOT NULL) = (state IN ('sent', 'failed')))
) WITH (fillfactor = 80);
CREATE INDEX notification_mail_next_attempt_at_ix ON notification_mail (next_attempt_at) WHERE state IN ('waiting', 'sending');

-- Where programs of a project hear of its public events. See "Webhooks" in libs/notifications/README.md.
CREATE TABLE webhook_endpoint (
  id uuid NOT NULL,
  project_id uuid NOT NULL,
  url text NOT NULL,
  -- Types of events that are sent; empty for all.
  event_types text[] NOT NULL,
  -- The secret is derived from the platform's key, this id and this number, and stored nowhere.
  secret_number integer NOT NULL DEFAULT 1,
  state text NOT NULL,
  state_reason text,
  -- Every public event below this position of the outbox was delivered, or is none of this endpoint's.
  next_position bigint NOT NULL,
  failing_since timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  created_by uuid NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT webhook_endpoint_id_pk PRIMARY KEY (id),
  CONSTRAINT webhook_endpoint_project_id_url_uq UNIQUE (project_id, url),
  CONSTRAINT webhook_endpoint_project_id_fk FOREIGN KEY (project_id) REFERENCES project (id),
  CONSTRAINT webhook_endpoint_created_by_fk FOREIGN KEY (created_by) REFERENCES contributor (id),
  CONSTRAINT webhook_endpoint_state_ck CHECK (state IN ('active', 'disabled')),
  CONSTRAINT webhook_endpoint_next_position_ck CHECK (next_position >= 0),
  CONSTRAINT webhook_endpoint_secret_number_ck CHECK (secret_number > 0),
  CONSTRAINT webhook_endpoint_attempts_ck CHECK ((attempts = 0) = (failing_since IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX webhook_endpoint_next_attempt_at_ix ON webhook_endpoint (next_attempt_at) WHERE state = 'active';

-- What was answered, for those who look for a mistake. The newest of each endpoint are kept.
CREATE TABLE webhook_attempt (
  endpoint_id uuid NOT NULL,
  id uuid NOT NULL,
  event_id uuid NOT NULL,
  event_type text NOT NULL,
  at timestamptz NOT NULL,
  duration_ms integer NOT NULL,
  status integer,
  error text,
  CONSTRAINT webhook_attempt_endpoint_id_id_pk PRIMARY KEY (endpoint_id, id),
  CONSTRAINT webhook_attempt_endpoint_id_fk FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoint (id)
);
