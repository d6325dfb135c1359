-- What people think of answers. `source` is where it came from: `caller`, `console`, `traffic`. `score` is in thousandths.
-- `digest` is of all that was sent: the same sent again is the same, and something else under the same name is refused.

CREATE TABLE feedback (
    tenant         TEXT NOT NULL,
    id             TEXT NOT NULL,
    exchange       TEXT,
    session        TEXT,
    at             BIGINT NOT NULL,
    source         TEXT NOT NULL,
    author         TEXT,
    score          BIGINT,
    is_corrected   BIGINT NOT NULL,
    preferred_over TEXT,
    is_regenerated BIGINT NOT NULL,
    regenerated_by TEXT,
    comment        TEXT,
    corrected      TEXT,
    expires        BIGINT,
    digest         TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX feedback_exchange ON feedback (exchange) WHERE exchange IS NOT NULL;
CREATE INDEX feedback_preferred_over ON feedback (preferred_over) WHERE preferred_over IS NOT NULL;
CREATE INDEX feedback_session ON feedback (tenant, session) WHERE session IS NOT NULL;
CREATE INDEX feedback_at ON feedback (at);
CREATE INDEX feedback_expires ON feedback (expires) WHERE expires IS NOT NULL;
