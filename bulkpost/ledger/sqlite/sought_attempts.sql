-- Under which settings, and when, a row was tried: by the run named, and by those before it.
SELECT run.settings, :last_ms FROM run WHERE run.id = :run_id
UNION ALL
SELECT run.settings, run.started_at_ms + attempt.elapsed_ms
FROM attempt JOIN run ON run.id = attempt.run_id
WHERE attempt.row_id = :row_id
