-- Exchanges of which not all that they cost is known.
ALTER TABLE minutes ADD COLUMN unknown BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN unknown BIGINT NOT NULL DEFAULT 0;
