-- Tokens, each by the SHA-256 of its text. A change takes a row out and puts another in its place.
CREATE TABLE token (
    digest     BLOB PRIMARY KEY,    -- 32 bytes
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL,       -- with spaces between them
    bounds     TEXT NOT NULL,       -- a JSON array of prefixes of `source`; empty: any
    created_at INTEGER NOT NULL,    -- microseconds since 1970, UTC, as all of these
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;

-- Who sent a message that was refused, and the sources that they may write of. Null: not known.
ALTER TABLE rejected ADD COLUMN sender TEXT;
ALTER TABLE rejected ADD COLUMN bounds TEXT;
