-- Salts of events from before the append filled the columns of 0004, added beside them step by
-- step: of the events nothing is rewritten. Each 16 random bytes.
CREATE TABLE salt (
    position bigint PRIMARY KEY REFERENCES event,
    late_a   bytea NOT NULL,
    late_d   bytea NOT NULL
);

CREATE TRIGGER salt_is_never_changed BEFORE UPDATE OR DELETE ON salt
FOR EACH ROW EXECUTE FUNCTION event_is_immutable();

CREATE TRIGGER salt_is_never_truncated BEFORE TRUNCATE ON salt
FOR EACH STATEMENT EXECUTE FUNCTION event_is_immutable();

-- The tree over the events, as evidence/store describes it. On SQLite it has a file of its own. A
-- change takes a row out and puts another in its place.
CREATE TABLE tree_identity (
    only_one     integer PRIMARY KEY CHECK (only_one = 1),
    origin       text NOT NULL,
    verifier_key text NOT NULL
);

CREATE TABLE tree_tile (
    level  integer NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,         -- 32 bytes each, 256 at most
    PRIMARY KEY (level, number)
);
-- Hashes are not to be compressed.
ALTER TABLE tree_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE TABLE tree_checkpoint (
    size      bigint PRIMARY KEY,  -- how many leaves
    root      bytea NOT NULL,
    signed_at bigint NOT NULL,     -- microseconds since 1970, UTC
    note      bytea NOT NULL       -- the signed note
);

-- Sizes of checkpoints that others have, and that are kept.
CREATE TABLE tree_published (
    size bigint PRIMARY KEY
);

CREATE TABLE tree_cosignature (
    size        bigint NOT NULL,
    witness     text NOT NULL,     -- its verifier key
    cosigned_at bigint NOT NULL,   -- seconds since 1970
    line        text NOT NULL,     -- of the note, with its line break
    PRIMARY KEY (size, witness)
);

-- Witnesses that take the log for another.
CREATE TABLE tree_objection (
    witness text PRIMARY KEY,
    reason  text NOT NULL
);
