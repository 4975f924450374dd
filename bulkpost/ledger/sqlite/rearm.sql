-- back-off -> armed.
UPDATE intent
SET phase = 0, attempt = :attempt, elapsed_ms = :elapsed_ms, due_at_ms = NULL
WHERE row_id = :row_id AND phase = 1
