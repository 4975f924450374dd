-- The ledger, version 1. No lead field is ever stored here.
--
-- row_id = input id << 40 | row number. Times are milliseconds; `elapsed_ms` counts from the start of
-- the run named beside it, which is half the size of a full time in the one table that grows.

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value
) WITHOUT ROWID;

CREATE TABLE commit_count (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL,
    -- The same as in meta. Every commit writes this page, so a log of another ledger shows here.
    ledger_id BLOB NOT NULL
);

CREATE TABLE destination (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    first_used_at_ms INTEGER NOT NULL,
    UNIQUE (kind, name)
);

CREATE TABLE input (
    id INTEGER PRIMARY KEY,
    destination_id INTEGER NOT NULL REFERENCES destination (id),
    digest BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    -- Every row up to this one has an outcome or an intent.
    low_water INTEGER NOT NULL DEFAULT 0,
    key_spec TEXT NOT NULL,
    map_digest TEXT NOT NULL,
    duplicates TEXT NOT NULL,
    path TEXT NOT NULL,
    format TEXT NOT NULL,
    first_seen_at_ms INTEGER NOT NULL,
    UNIQUE (destination_id, digest)
);

CREATE TABLE mark (
    input_id INTEGER NOT NULL REFERENCES input (id),
    row_number INTEGER NOT NULL,
    offset_bytes INTEGER NOT NULL,
    line_number INTEGER NOT NULL,
    digest BLOB NOT NULL,
    PRIMARY KEY (input_id, row_number)
) WITHOUT ROWID;

CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    input_id INTEGER NOT NULL REFERENCES input (id),
    command TEXT NOT NULL,
    started_at_ms INTEGER NOT NULL,
    ended_at_ms INTEGER,
    -- NULL: running, or it died.
    ending TEXT,
    exit_status INTEGER,
    rows_before INTEGER NOT NULL,
    settings TEXT NOT NULL,
    version TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL
);

-- What was found in the values of the leads that a run sent, by the codes of `bulkpost check`.
CREATE TABLE finding (
    run_id INTEGER NOT NULL REFERENCES run (id),
    field TEXT NOT NULL,
    code TEXT NOT NULL,
    leads INTEGER NOT NULL,
    PRIMARY KEY (run_id, field, code)
) WITHOUT ROWID;

CREATE TABLE reason (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
);

CREATE TABLE intent (
    row_id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL,
    key BLOB NOT NULL,
    content BLOB,
    phase INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    ambiguous INTEGER NOT NULL,
    elapsed_ms INTEGER NOT NULL,
    due_at_ms INTEGER,
    http_status INTEGER,
    reason_id INTEGER
);

CREATE INDEX intent_key ON intent (key);

CREATE TABLE outcome (
    row_id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL,
    state INTEGER NOT NULL,
    http_status INTEGER,
    attempts INTEGER NOT NULL,
    ambiguous INTEGER NOT NULL,
    reason_id INTEGER,
    lead_id BLOB,
    price_micros INTEGER,
    -- NULL: pruned.
    elapsed_ms INTEGER,
    latency_ms INTEGER,
    -- Of a pruned row: in kept_key.
    key BLOB,
    content BLOB,
    -- invalid: the line of the file; duplicate, conflict: the row_id that has the key.
    detail INTEGER
);

-- Rows never sent carry no key: they protect nothing.
CREATE INDEX outcome_key ON outcome (key) WHERE key IS NOT NULL;

-- The few rows that ask for attention, without a scan of all.
CREATE INDEX outcome_open ON outcome (state) WHERE state >= 20;

-- Keys of pruned rows, which were sent: once, where outcome and its index hold each twice.
CREATE TABLE kept_key (
    key BLOB NOT NULL,
    row_id INTEGER NOT NULL,
    content BLOB,
    PRIMARY KEY (key, row_id)
) WITHOUT ROWID;

-- Runs of which rows were pruned, and what had been counted of them that is gone.
CREATE TABLE pruned (
    run_id INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    retries INTEGER NOT NULL
);

CREATE TABLE due (
    row_id INTEGER PRIMARY KEY,
    due_at_ms INTEGER NOT NULL
);

-- Only attempts that did not end in a verdict.
CREATE TABLE attempt (
    row_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    run_id INTEGER NOT NULL,
    state INTEGER NOT NULL,
    http_status INTEGER,
    reason_id INTEGER,
    -- NULL: of a row that was pruned before it was released.
    elapsed_ms INTEGER,
    latency_ms INTEGER,
    PRIMARY KEY (row_id, attempt)
) WITHOUT ROWID;

-- What LeadConduit's support asks for, scrubbed. Of thousands of refused rows the requests are alike
-- but for their values, which are not kept, and so are the replies: each half is stored once.
CREATE TABLE evidence (
    row_id INTEGER PRIMARY KEY,
    request_id INTEGER NOT NULL,
    reply_id INTEGER NOT NULL
);

-- A request or a reply, as JSON.
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    document TEXT NOT NULL
);

CREATE TABLE resolution (
    id INTEGER PRIMARY KEY,
    row_id INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    how TEXT NOT NULL,
    who TEXT NOT NULL,
    state_before INTEGER NOT NULL,
    state_after INTEGER NOT NULL,
    lead_id BLOB,
    note TEXT
);

CREATE INDEX resolution_row ON resolution (row_id);

CREATE VIEW rows AS
SELECT
    outcome.row_id >> 40 AS input,
    outcome.row_id & 0xFFFFFFFFFF AS row,
    CASE outcome.state
        WHEN 10 THEN 'success' WHEN 11 THEN 'failure' WHEN 12 THEN 'error'
        WHEN 20 THEN 'in_doubt' WHEN 30 THEN 'http_error'
        WHEN 40 THEN 'invalid' WHEN 41 THEN 'duplicate' WHEN 42 THEN 'conflict'
        WHEN 50 THEN 'deferred'
    END AS outcome,
    reason.text AS reason,
    nullif(lower(hex(outcome.lead_id)), '') AS lead_id,
    outcome.price_micros / 1e6 AS price,
    outcome.http_status,
    outcome.attempts,
    outcome.ambiguous AS ambiguous_retries,
    strftime('%Y-%m-%dT%H:%M:%fZ', (run.started_at_ms + outcome.elapsed_ms) / 1000.0, 'unixepoch')
        AS at,
    outcome.latency_ms,
    outcome.run_id AS run,
    CASE outcome.state WHEN 40 THEN outcome.detail END AS line,
    CASE WHEN outcome.state IN (41, 42) THEN outcome.detail >> 40 END AS same_as_input,
    CASE WHEN outcome.state IN (41, 42) THEN outcome.detail & 0xFFFFFFFFFF END AS same_as_row
FROM outcome
LEFT JOIN run ON run.id = outcome.run_id
LEFT JOIN reason ON reason.id = outcome.reason_id;

CREATE VIEW exchanges AS
SELECT
    evidence.row_id,
    evidence.row_id >> 40 AS input,
    evidence.row_id & 0xFFFFFFFFFF AS row,
    request.document AS request,
    reply.document AS reply
FROM evidence
JOIN message AS request ON request.id = evidence.request_id
JOIN message AS reply ON reply.id = evidence.reply_id;

CREATE VIEW doubts AS
SELECT * FROM rows WHERE outcome = 'in_doubt';

CREATE VIEW runs AS
SELECT
    run.id AS run,
    run.command,
    input.path AS input,
    lower(hex(input.digest)) AS input_sha256,
    destination.name AS destination,
    strftime('%Y-%m-%dT%H:%M:%fZ', run.started_at_ms / 1000.0, 'unixepoch') AS started_at,
    strftime('%Y-%m-%dT%H:%M:%fZ', run.ended_at_ms / 1000.0, 'unixepoch') AS ended_at,
    run.ending,
    run.exit_status
FROM run
JOIN input ON input.id = run.input_id
JOIN destination ON destination.id = input.destination_id;
