-- Read by SQLite and by PostgreSQL alike. Moments are milliseconds since 1970, spans of time microseconds, money
-- nanodollars, truth 0 or 1. What was published is never changed: a change is one more file.

CREATE TABLE exchanges (
    id                  TEXT PRIMARY KEY NOT NULL,
    began               BIGINT NOT NULL,
    took                BIGINT NOT NULL,
    first_text          BIGINT,
    tenant              TEXT NOT NULL,
    api_key             TEXT,
    person              TEXT,
    tags                TEXT,
    session             TEXT,
    trace               TEXT,
    within              TEXT,
    asked_by            TEXT,
    task                TEXT NOT NULL,
    dialect             TEXT NOT NULL,
    model               TEXT NOT NULL,
    streaming           BIGINT NOT NULL,
    outcome             TEXT NOT NULL,
    status              BIGINT,
    code                TEXT,
    plugin              TEXT,
    detail              TEXT,
    intent              TEXT,
    routed              TEXT,
    escalation          TEXT,
    queue               TEXT,
    cache               TEXT,
    age                 BIGINT,
    saved               BIGINT NOT NULL,
    target              TEXT,
    provider            TEXT,
    attempts            BIGINT NOT NULL,
    verdict             TEXT,
    findings            BIGINT NOT NULL,
    not_inspected       BIGINT NOT NULL,
    input_tokens        BIGINT,
    cached_input_tokens BIGINT,
    cache_write_tokens  BIGINT,
    output_tokens       BIGINT,
    reasoning_tokens    BIGINT,
    cost                BIGINT NOT NULL,
    plugins_cost        BIGINT NOT NULL,
    is_cost_known       BIGINT NOT NULL,
    generation          BIGINT NOT NULL,
    is_unmetered        BIGINT NOT NULL,
    details             TEXT NOT NULL
);

-- Ids are sorted by time. What nearly all exchanges have in common needs no index: looking through the newest finds it.
CREATE INDEX exchanges_tenant ON exchanges (tenant, id);
CREATE INDEX exchanges_model ON exchanges (model, id);
CREATE INDEX exchanges_unanswered ON exchanges (id) WHERE outcome <> 'answered';
CREATE INDEX exchanges_verdict ON exchanges (verdict, id) WHERE verdict IS NOT NULL;
CREATE INDEX exchanges_cache ON exchanges (cache, id) WHERE cache IS NOT NULL;
CREATE INDEX exchanges_session ON exchanges (session, id) WHERE session IS NOT NULL;
CREATE INDEX exchanges_within ON exchanges (within, id) WHERE within IS NOT NULL;
CREATE INDEX exchanges_escalation ON exchanges (escalation, id) WHERE escalation IS NOT NULL;

-- Which rule of which plugin has found something in which exchange.
CREATE TABLE findings (
    rule     TEXT NOT NULL,
    plugin   TEXT NOT NULL,
    exchange TEXT NOT NULL,
    found    BIGINT NOT NULL,
    PRIMARY KEY (rule, exchange, plugin)
);
CREATE INDEX findings_exchange ON findings (exchange);
CREATE INDEX findings_plugin ON findings (plugin, exchange);

-- What was said, where the operator wants that to be kept.
CREATE TABLE texts (
    exchange TEXT PRIMARY KEY NOT NULL,
    dialect  TEXT NOT NULL,
    request  TEXT,
    answer   TEXT,
    is_cut   BIGINT NOT NULL,
    expires  BIGINT NOT NULL
);
CREATE INDEX texts_expires ON texts (expires);

-- Sums of each minute, so that nobody has to look through all exchanges for them.
CREATE TABLE minutes (
    minute        BIGINT NOT NULL,
    tenant        TEXT NOT NULL,
    model         TEXT NOT NULL,
    exchanges     BIGINT NOT NULL,
    failures      BIGINT NOT NULL,
    refusals       BIGINT NOT NULL,
    hits          BIGINT NOT NULL,
    input_tokens  BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost          BIGINT NOT NULL,
    saved         BIGINT NOT NULL,
    PRIMARY KEY (minute, tenant, model)
);

-- What the steps of an agent's run come to.
CREATE TABLE sessions (
    tenant        TEXT NOT NULL,
    session       TEXT NOT NULL,
    began         BIGINT NOT NULL,
    last          BIGINT NOT NULL,
    steps         BIGINT NOT NULL,
    failures      BIGINT NOT NULL,
    input_tokens  BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    cost          BIGINT NOT NULL,
    model         TEXT NOT NULL,
    PRIMARY KEY (tenant, session)
);
CREATE INDEX sessions_last ON sessions (last);

-- How many of a minute lie in which part of a scale: `measure` is what is measured, `name` of whom.
CREATE TABLE distributions (
    minute  BIGINT NOT NULL,
    measure TEXT NOT NULL,
    name    TEXT NOT NULL,
    bucket  BIGINT NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (measure, name, minute, bucket)
);
CREATE INDEX distributions_minute ON distributions (minute);

-- What plugins have said in each minute.
CREATE TABLE verdicts (
    minute  BIGINT NOT NULL,
    plugin  TEXT NOT NULL,
    verdict TEXT NOT NULL,
    outcome TEXT NOT NULL,
    count   BIGINT NOT NULL,
    PRIMARY KEY (plugin, minute, verdict, outcome)
);
CREATE INDEX verdicts_minute ON verdicts (minute);
