-- Tokens, each by the SHA-256 of its text. A change takes a row out and puts another in its place.
CREATE TABLE token (
    digest     bytea PRIMARY KEY,   -- 32 bytes
    name       text NOT NULL,
    scopes     text NOT NULL,       -- with spaces between them
    bounds     text NOT NULL,       -- a JSON array of prefixes of `source`; empty: any
    created_at bigint NOT NULL,     -- microseconds since 1970, UTC, as all of these
    expires_at bigint,
    revoked_at bigint
);

-- Who sent a message that was refused, and the sources that they may write of. Null: not known.
ALTER TABLE rejected ADD COLUMN sender text;
ALTER TABLE rejected ADD COLUMN bounds text;
