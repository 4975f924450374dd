-- armed -> the row's ending; back-off -> deferred.
INSERT INTO outcome (
    row_id, run_id, state, http_status, attempts, ambiguous, reason_id, lead_id, price_micros,
    elapsed_ms, latency_ms, key, content
)
SELECT
    row_id, run_id, :state, :http_status, :attempts, :ambiguous, :reason_id, :lead_id,
    :price_micros, :elapsed_ms, :latency_ms, key, content
FROM intent
WHERE row_id = :row_id
AND ((phase = 0 AND :state IN (10, 11, 12, 20, 30, 50)) OR (phase = 1 AND :state = 50))
