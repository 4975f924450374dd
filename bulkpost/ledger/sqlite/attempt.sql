INSERT OR REPLACE INTO attempt (
    row_id, attempt, run_id, state, http_status, reason_id, elapsed_ms, latency_ms
)
VALUES (
    :row_id, :attempt, :run_id, :state, :http_status, :reason_id, :elapsed_ms, :latency_ms
)
