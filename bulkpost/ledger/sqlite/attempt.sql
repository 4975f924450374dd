-- What an attempt brought is written once: a row that is deferred while it waits keeps it.
INSERT INTO attempt (
    row_id, attempt, run_id, state, http_status, reason_id, elapsed_ms, latency_ms
)
VALUES (
    :row_id, :attempt, :run_id, :state, :http_status, :reason_id, :elapsed_ms, :latency_ms
)
ON CONFLICT (row_id, attempt) DO NOTHING
