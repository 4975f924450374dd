SELECT
    outcome.row_id, outcome.state, reason.text, lower(hex(outcome.lead_id)), outcome.price_micros,
    outcome.http_status, outcome.attempts, run.started_at_ms + outcome.elapsed_ms, outcome.detail
FROM outcome
LEFT JOIN run ON run.id = outcome.run_id
LEFT JOIN reason ON reason.id = outcome.reason_id
WHERE outcome.row_id BETWEEN :first AND :last
UNION ALL
SELECT
    intent.row_id, intent.phase, reason.text, NULL, NULL,
    intent.http_status, intent.attempt, run.started_at_ms + intent.elapsed_ms, NULL
FROM intent
LEFT JOIN run ON run.id = intent.run_id
LEFT JOIN reason ON reason.id = intent.reason_id
WHERE intent.row_id BETWEEN :first AND :last
