-- Row, run, state, reason, lead id, price, and the numbers of its attempts stay.
UPDATE outcome
SET key = NULL, content = NULL, http_status = NULL, elapsed_ms = NULL, latency_ms = NULL
WHERE row_id BETWEEN :first AND :last AND state IN (10, 11, 12, 40, 41, 42)
AND (state IN (40, 41, 42) OR EXISTS (
    SELECT 1 FROM kept_key WHERE kept_key.key = outcome.key AND kept_key.row_id = outcome.row_id
))
AND elapsed_ms IS NOT NULL
