SELECT
    attempt.attempt, attempt.run_id, attempt.state, attempt.http_status, reason.text,
    run.started_at_ms + attempt.elapsed_ms, attempt.latency_ms
FROM attempt
LEFT JOIN run ON run.id = attempt.run_id
LEFT JOIN reason ON reason.id = attempt.reason_id
WHERE attempt.row_id = :row_id
ORDER BY attempt.attempt
LIMIT :attempts_max
