-- Under which settings, and when, a row was tried: by the run named, and by those before it. Of an
-- attempt that was pruned before its row was released is known that its run had begun.
SELECT run.settings, :last_ms FROM run WHERE run.id = :run_id
UNION ALL
SELECT run.settings, run.started_at_ms + coalesce(attempt.elapsed_ms, 0)
FROM attempt JOIN run ON run.id = attempt.run_id
WHERE attempt.row_id = :row_id
