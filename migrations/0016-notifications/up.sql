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
