-- Rows in doubt, and what a run that died has left armed: the next run puts that in doubt.
SELECT * FROM (
    SELECT
        outcome.row_id, input.path, outcome.run_id,
        run.started_at_ms + outcome.elapsed_ms AS since_ms, outcome.attempts, outcome.http_status,
        reason.text AS reason, lower(hex(outcome.lead_id)) AS lead_id, run.settings, 0 AS is_armed,
        destination.kind AS kind
    FROM outcome
    JOIN run ON run.id = outcome.run_id
    JOIN input ON input.id = outcome.row_id >> 40
    JOIN destination ON destination.id = input.destination_id
    LEFT JOIN reason ON reason.id = outcome.reason_id
    WHERE outcome.state = 20 AND outcome.state >= 20
    UNION ALL
    SELECT
        intent.row_id, input.path, intent.run_id, run.started_at_ms + intent.elapsed_ms,
        intent.attempt, NULL, NULL, NULL, run.settings, 1, destination.kind
    FROM intent
    JOIN run ON run.id = intent.run_id
    JOIN input ON input.id = intent.row_id >> 40
    JOIN destination ON destination.id = input.destination_id
    WHERE intent.phase = 0 AND :with_armed
)
WHERE :run_id IS NULL OR run_id = :run_id
ORDER BY row_id
LIMIT :rows_max
