-- armed -> back-off: the attempt's fate is known, and the row waits.
UPDATE intent
SET phase = 1, ambiguous = :ambiguous, due_at_ms = :due_at_ms, http_status = :http_status,
    reason_id = :reason_id
WHERE row_id = :row_id AND phase = 0
