-- pending, invalid, duplicate, conflict -> invalid, duplicate, conflict; deferred -> duplicate,
-- conflict. What a deferred row had for attempts stays counted.
INSERT INTO outcome (row_id, run_id, state, attempts, ambiguous, reason_id, elapsed_ms, detail)
SELECT :row_id, :run_id, :state, 0, 0, :reason_id, :elapsed_ms, :detail
WHERE NOT EXISTS (SELECT 1 FROM intent WHERE row_id = :row_id)
ON CONFLICT (row_id) DO UPDATE
SET run_id = excluded.run_id, state = excluded.state, reason_id = excluded.reason_id,
    elapsed_ms = excluded.elapsed_ms, detail = excluded.detail
WHERE outcome.state IN (40, 41, 42)
OR (outcome.state = 50 AND excluded.state IN (41, 42))
