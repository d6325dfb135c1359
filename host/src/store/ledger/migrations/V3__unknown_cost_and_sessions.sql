-- Exchanges of which not all that they cost is known.
ALTER TABLE minutes ADD COLUMN unknown BIGINT NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN unknown BIGINT NOT NULL DEFAULT 0;

-- What a session has taken is read by its tenant too: others may have sessions of the same name.
DROP INDEX exchanges_session;
CREATE INDEX exchanges_session ON exchanges (session, tenant, id) WHERE session IS NOT NULL;
