-- The event log. `position` is gapless and rises in commit order; see Backend.commit.
CREATE TABLE event (
    position        bigint PRIMARY KEY,
    received_at     bigint NOT NULL,   -- microseconds since 1970, UTC
    conflicts_with  bigint,            -- position of the first event of this source and id
    identity        bytea NOT NULL,    -- 16 bytes, more since 0003: which source and id
    digest          bytea NOT NULL,    -- 32 bytes: SHA-256 of the canonical form
    specversion     text NOT NULL,
    source          text NOT NULL,
    type            text NOT NULL,
    subject         text,
    id              text NOT NULL,
    time            text,              -- as it came, every digit of it
    datacontenttype text,
    extensions      text,              -- the other attributes, a JSON object
    data            bytea,             -- as it came
    data_is_json    boolean NOT NULL
);

-- One index answers both questions of an append: is this event here, and is there another
-- of its source and id? Hashes are shorter than what they stand for.
CREATE UNIQUE INDEX event_identity ON event (identity, digest);

CREATE FUNCTION event_is_immutable() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'an event is never changed or deleted'; END $$;

CREATE TRIGGER event_is_never_changed BEFORE UPDATE OR DELETE ON event
FOR EACH ROW EXECUTE FUNCTION event_is_immutable();

CREATE TRIGGER event_is_never_truncated BEFORE TRUNCATE ON event
FOR EACH STATEMENT EXECUTE FUNCTION event_is_immutable();
