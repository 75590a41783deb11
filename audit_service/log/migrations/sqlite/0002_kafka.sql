-- Where the messages are that brought events from Kafka. Beside the events and not among their
-- columns, so that those that come over HTTP pay nothing for it.
CREATE TABLE origin (
    position        INTEGER PRIMARY KEY REFERENCES event,
    kafka_topic     TEXT NOT NULL,
    kafka_partition INTEGER NOT NULL,
    kafka_offset    INTEGER NOT NULL
) STRICT;

CREATE TRIGGER origin_is_never_changed BEFORE UPDATE ON origin
BEGIN SELECT RAISE(ABORT, 'an origin is never changed'); END;

CREATE TRIGGER origin_is_never_deleted BEFORE DELETE ON origin
BEGIN SELECT RAISE(ABORT, 'an origin is never deleted'); END;

-- Messages that are no events, whole, until somebody looks at them. Those of HTTP have no topic.
CREATE TABLE rejected (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at     INTEGER NOT NULL,   -- microseconds since 1970, UTC
    kafka_topic     TEXT,
    kafka_partition INTEGER,
    kafka_offset    INTEGER,
    headers         TEXT NOT NULL,  -- a JSON array of [name, value in Base64 or null]
    key             BLOB,
    value           BLOB,
    digest          BLOB NOT NULL,  -- 32 bytes: SHA-256 of headers, key and value
    reason          TEXT NOT NULL
) STRICT;

-- Offsets repeat when a topic is made anew; the digest tells two such messages apart.
CREATE UNIQUE INDEX rejected_of_kafka
ON rejected (kafka_topic, kafka_partition, kafka_offset, digest) WHERE kafka_topic IS NOT NULL;

CREATE UNIQUE INDEX rejected_of_http ON rejected (digest) WHERE kafka_topic IS NULL;
