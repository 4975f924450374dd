-- The answer that gives way stays in the row's history.
INSERT OR IGNORE INTO attempt (
    row_id, attempt, run_id, state, http_status, reason_id, elapsed_ms, latency_ms
)
SELECT row_id, attempts, run_id, state, http_status, reason_id, elapsed_ms, latency_ms
FROM outcome WHERE row_id = :row_id AND attempts > 0
