-- Rows whose fate is to be found out: in doubt, left armed by a run that died, and if asked for
-- http_error. The first condition names the partial index.
SELECT * FROM (
    SELECT
        outcome.row_id AS row_id, outcome.state, destination.kind, destination.name, outcome.key,
        run.started_at_ms + outcome.elapsed_ms AS last_ms,
        nullif(lower(hex(outcome.lead_id)), ''), outcome.run_id AS run_id
    FROM outcome
    JOIN run ON run.id = outcome.run_id
    JOIN input ON input.id = outcome.row_id >> 40
    JOIN destination ON destination.id = input.destination_id
    WHERE outcome.state >= 20 AND (outcome.state = 20 OR (:with_http_errors AND outcome.state = 30))
    UNION ALL
    SELECT
        intent.row_id, 20, destination.kind, destination.name, intent.key,
        run.started_at_ms + intent.elapsed_ms, NULL, intent.run_id
    FROM intent
    JOIN run ON run.id = intent.run_id
    JOIN input ON input.id = intent.row_id >> 40
    JOIN destination ON destination.id = input.destination_id
    WHERE intent.phase = 0 AND :with_armed
)
WHERE row_id > :after
AND (:run_id IS NULL OR run_id = :run_id)
AND (:since_ms IS NULL OR last_ms >= :since_ms)
ORDER BY row_id
LIMIT :rows_max
