-- armed, back-off -> the row's ending.
INSERT INTO outcome (
    row_id, run_id, state, http_status, attempts, ambiguous, reason_id, lead_id, price_micros,
    elapsed_ms, latency_ms, key, content
)
SELECT
    row_id, run_id, :state, :http_status, :attempts, :ambiguous, :reason_id, :lead_id,
    :price_micros, :elapsed_ms, :latency_ms, key, content
FROM intent WHERE row_id = :row_id
