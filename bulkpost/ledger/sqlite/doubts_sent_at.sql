SELECT outcome.row_id, run.started_at_ms + outcome.elapsed_ms
FROM outcome JOIN run ON run.id = outcome.run_id
WHERE outcome.state = 20 AND outcome.state >= 20
AND outcome.row_id > :after
AND (:run_id IS NULL OR outcome.run_id = :run_id)
ORDER BY outcome.row_id
LIMIT :rows_max
