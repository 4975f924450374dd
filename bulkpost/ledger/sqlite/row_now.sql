SELECT
    outcome.state, reason.text AS reason, lower(hex(outcome.lead_id)) AS lead_id,
    outcome.price_micros, outcome.http_status, outcome.attempts, outcome.ambiguous,
    run.started_at_ms + outcome.elapsed_ms AS at_ms, outcome.latency_ms, outcome.run_id,
    due.due_at_ms, outcome.detail
FROM outcome
LEFT JOIN run ON run.id = outcome.run_id
LEFT JOIN reason ON reason.id = outcome.reason_id
LEFT JOIN due ON due.row_id = outcome.row_id
WHERE outcome.row_id = :row_id
UNION ALL
SELECT
    intent.phase, reason.text, NULL, NULL, intent.http_status, intent.attempt, intent.ambiguous,
    run.started_at_ms + intent.elapsed_ms, NULL, intent.run_id, intent.due_at_ms,
    NULL
FROM intent
LEFT JOIN run ON run.id = intent.run_id
LEFT JOIN reason ON reason.id = intent.reason_id
WHERE intent.row_id = :row_id
