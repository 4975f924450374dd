-- One row of each kind of http_error in a run, the most frequent kind first.
WITH kinds AS (
    SELECT http_status, reason_id, min(row_id) AS row_id, count(*) AS row_count
    FROM outcome
    WHERE state = 30 AND state >= 20 AND run_id = :run_id
    GROUP BY http_status, reason_id
)
SELECT kinds.row_id, kinds.row_count, kinds.http_status, reason.text,
    run.started_at_ms + outcome.elapsed_ms, exchanges.request, exchanges.reply
FROM kinds
JOIN outcome ON outcome.row_id = kinds.row_id
JOIN run ON run.id = outcome.run_id
LEFT JOIN reason ON reason.id = kinds.reason_id
LEFT JOIN exchanges ON exchanges.row_id = kinds.row_id
ORDER BY kinds.row_count DESC, kinds.row_id
LIMIT :kinds_max
