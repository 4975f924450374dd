-- Inputs of which every row has ended, and nothing has happened since a time; and what of each can
-- go: it says less of rows that are final, not of those that a person or a later run may still touch.
WITH span AS (
    SELECT id, path, rows, id << 40 AS first, (id + 1) << 40 AS beyond FROM input
    WHERE rows > 0
    AND NOT EXISTS (
        SELECT 1 FROM run
        WHERE run.input_id = input.id AND coalesce(run.ended_at_ms, run.started_at_ms) >= :before_ms
    )
),
whole AS (
    SELECT * FROM span
    WHERE rows = (SELECT count(*) FROM outcome WHERE row_id > first AND row_id < beyond)
    AND NOT EXISTS (SELECT 1 FROM intent WHERE row_id > first AND row_id < beyond)
    AND NOT EXISTS (
        SELECT 1 FROM resolution
        WHERE row_id > first AND row_id < beyond AND at_ms >= :before_ms
    )
)
SELECT
    id, path,
    (SELECT count(*) FROM outcome
     WHERE row_id > first AND row_id < beyond AND state IN (10, 11, 12, 40, 41, 42)
     AND elapsed_ms IS NOT NULL) AS rows_full,
    (SELECT count(*) FROM outcome
     WHERE row_id > first AND row_id < beyond AND state IN (10, 11, 12) AND key IS NOT NULL)
        AS keys_full,
    (SELECT count(*) FROM attempt JOIN outcome USING (row_id)
     WHERE attempt.row_id > first AND attempt.row_id < beyond
     AND outcome.state IN (10, 11, 12, 40, 41, 42)) AS attempts,
    (SELECT count(*) FROM evidence JOIN outcome USING (row_id)
     WHERE evidence.row_id > first AND evidence.row_id < beyond
     AND outcome.state IN (10, 11, 12, 40, 41, 42)) AS exchanges,
    (SELECT max(0, count(*) - 1) FROM mark WHERE input_id = id) AS marks,
    (SELECT count(*) FROM outcome
     WHERE row_id > first AND row_id < beyond AND state IN (20, 30, 50) AND state >= 20) AS open_rows
FROM whole
ORDER BY id
