-- The event log. `position` is gapless and rises in commit order; see Backend.commit.
CREATE TABLE event (
    position        INTEGER PRIMARY KEY,
    received_at     INTEGER NOT NULL,  -- microseconds since 1970, UTC
    conflicts_with  INTEGER,           -- position of the first event of this source and id
    identity        BLOB NOT NULL,     -- 16 bytes, more since 0003: which source and id
    digest          BLOB NOT NULL,     -- 32 bytes: SHA-256 of the canonical form
    specversion     TEXT NOT NULL,
    source          TEXT NOT NULL,
    type            TEXT NOT NULL,
    subject         TEXT,
    id              TEXT NOT NULL,
    time            TEXT,              -- as it came, every digit of it
    datacontenttype TEXT,
    extensions      TEXT,              -- the other attributes, a JSON object
    data            BLOB,              -- as it came
    data_is_json    INTEGER NOT NULL
) STRICT;

-- One index answers both questions of an append: is this event here, and is there another
-- of its source and id? Hashes are shorter than what they stand for.
CREATE UNIQUE INDEX event_identity ON event (identity, digest);

CREATE TRIGGER event_is_never_changed BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;

CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;
