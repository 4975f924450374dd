-- pending, deferred, invalid, duplicate, conflict -> armed. Refused (no row) where the row or its key
-- was sent before: the last guard against a double, in the same transaction as the intent.
INSERT INTO intent (row_id, run_id, key, content, phase, attempt, ambiguous, elapsed_ms)
SELECT :row_id, :run_id, :key, :content, 0, :attempt, :ambiguous, :elapsed_ms
WHERE NOT EXISTS (
    SELECT 1 FROM outcome WHERE row_id = :row_id AND state NOT IN (40, 41, 42, 50)
)
AND NOT EXISTS (SELECT 1 FROM intent WHERE row_id = :row_id)
AND (
    :duplicates
    OR NOT EXISTS (SELECT 1 FROM intent WHERE key = :key)
)
AND NOT EXISTS (
    SELECT 1 FROM outcome
    WHERE key = :key AND key IS NOT NULL AND row_id != :row_id
    AND (state = 20 OR (state IN (10, 11, 12, 30) AND NOT :duplicates))
)
AND NOT EXISTS (
    SELECT 1 FROM kept_key JOIN outcome USING (row_id)
    WHERE kept_key.key = :key AND row_id != :row_id
    AND (state = 20 OR (state IN (10, 11, 12, 30) AND NOT :duplicates))
)
