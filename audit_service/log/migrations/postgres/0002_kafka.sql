-- Where the messages are that brought events from Kafka. Beside the events and not among their
-- columns, so that those that come over HTTP pay nothing for it.
CREATE TABLE origin (
    position        bigint PRIMARY KEY REFERENCES event,
    kafka_topic     text NOT NULL,
    kafka_partition integer NOT NULL,
    kafka_offset    bigint NOT NULL
);

CREATE TRIGGER origin_is_never_changed BEFORE UPDATE OR DELETE ON origin
FOR EACH ROW EXECUTE FUNCTION event_is_immutable();

CREATE TRIGGER origin_is_never_truncated BEFORE TRUNCATE ON origin
FOR EACH STATEMENT EXECUTE FUNCTION event_is_immutable();

-- Messages that are no events, whole, until somebody looks at them. Those of HTTP have no topic.
CREATE TABLE rejected (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at     bigint NOT NULL,   -- microseconds since 1970, UTC
    kafka_topic     text,
    kafka_partition integer,
    kafka_offset    bigint,
    headers         text NOT NULL,  -- a JSON array of [name, value in Base64 or null]
    key             bytea,
    value           bytea,
    digest          bytea NOT NULL,  -- 32 bytes: SHA-256 of headers, key and value
    reason          text NOT NULL
);

-- Offsets repeat when a topic is made anew; the digest tells two such messages apart.
CREATE UNIQUE INDEX rejected_of_kafka
ON rejected (kafka_topic, kafka_partition, kafka_offset, digest) WHERE kafka_topic IS NOT NULL;

CREATE UNIQUE INDEX rejected_of_http ON rejected (digest) WHERE kafka_topic IS NULL;
