-- Salts of events from before the append filled the columns of 0004, added beside them step by
-- step: of the events nothing is rewritten. Each 16 random bytes.
CREATE TABLE salt (
    position INTEGER PRIMARY KEY REFERENCES event,
    late_a   BLOB NOT NULL,
    late_d   BLOB NOT NULL
) STRICT;

CREATE TRIGGER salt_is_never_changed BEFORE UPDATE ON salt
BEGIN SELECT RAISE(ABORT, 'a salt is never changed'); END;

CREATE TRIGGER salt_is_never_deleted BEFORE DELETE ON salt
BEGIN SELECT RAISE(ABORT, 'a salt is never deleted'); END;
