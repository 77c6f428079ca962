-- Outbox: every state change writes its events here, in its own transaction. See libs/platform/README.md.

CREATE TABLE event_outbox (
  id uuid NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  type text NOT NULL,
  aggregate_type text NOT NULL,
  aggregate_id text NOT NULL,
  payload jsonb NOT NULL,
  is_public boolean NOT NULL,
  occurred_at timestamptz NOT NULL,
  position bigint,
  relayed_at timestamptz,
  CONSTRAINT event_outbox_id_pk PRIMARY KEY (id),
  CONSTRAINT event_outbox_position_uq UNIQUE (position),
  CONSTRAINT event_outbox_position_relayed_at_ck CHECK ((position IS NULL) = (relayed_at IS NULL))
);
CREATE INDEX event_outbox_waiting_ix ON event_outbox (seq) WHERE position IS NULL;
CREATE INDEX event_outbox_aggregate_ix ON event_outbox (aggregate_type, aggregate_id, position);
CREATE INDEX event_outbox_type_ix ON event_outbox (type, position);

-- The next position to give out. One row; the relay holds it while it works, so there is one relay at a time.
CREATE TABLE event_counter (
  id smallint NOT NULL,
  next_position bigint NOT NULL,
  CONSTRAINT event_counter_id_pk PRIMARY KEY (id),
  CONSTRAINT event_counter_id_ck CHECK (id = 1)
);
INSERT INTO event_counter (id, next_position) VALUES (1, 0);

CREATE TABLE event_delivery (
  event_id uuid NOT NULL,
  subscriber text NOT NULL,
  state text NOT NULL DEFAULT 'waiting',
  attempts integer NOT NULL DEFAULT 0,
  last_error text,
  enqueued_at timestamptz NOT NULL,
  done_at timestamptz,
  CONSTRAINT event_delivery_event_id_subscriber_pk PRIMARY KEY (event_id, subscriber),
  CONSTRAINT event_delivery_event_id_fk FOREIGN KEY (event_id) REFERENCES event_outbox (id),
  CONSTRAINT event_delivery_state_ck CHECK (state IN ('waiting', 'done'))
);
CREATE INDEX event_delivery_waiting_ix ON event_delivery (enqueued_at) WHERE state = 'waiting';

-- What happened can't be edited: only the relay's two marks may be set, once.
CREATE FUNCTION event_outbox_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'event_outbox is append-only' USING ERRCODE = 'restrict_violation';
  END IF;
  IF OLD.position IS NOT NULL OR (NEW.id, NEW.type, NEW.aggregate_type, NEW.aggregate_id, NEW.payload, NEW.is_public, NEW.occurred_at)
     IS DISTINCT FROM (OLD.id, OLD.type, OLD.aggregate_type, OLD.aggregate_id, OLD.payload, OLD.is_public, OLD.occurred_at) THEN
    RAISE EXCEPTION 'event_outbox is append-only' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER event_outbox_guard_tr BEFORE UPDATE OR DELETE ON event_outbox FOR EACH ROW EXECUTE FUNCTION event_outbox_guard();
