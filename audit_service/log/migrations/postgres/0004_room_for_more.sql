-- Columns beside an event. All are null in the rows of before, of which nothing is rewritten.
ALTER TABLE event ADD COLUMN digest_version INTEGER;  -- of the canonical form; null is 1
ALTER TABLE event ADD COLUMN tolerated TEXT;          -- deviations that were let in, with commas
ALTER TABLE event ADD COLUMN sender TEXT;             -- who sent it
ALTER TABLE event ADD COLUMN salt_a BYTEA;             -- 16 random bytes each, for commitments to
ALTER TABLE event ADD COLUMN salt_d BYTEA;             -- attributes and to data
