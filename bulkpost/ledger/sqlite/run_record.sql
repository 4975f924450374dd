SELECT
    run.id, run.command, input.id AS input_id, input.path, input.format,
    lower(hex(input.digest)) AS sha256, input.rows, destination.name AS destination,
    run.started_at_ms, run.ended_at_ms, run.ending, run.exit_status, run.settings,
    run.host, run.pid, run.version, destination.kind, pruned.at_ms
FROM run
JOIN input ON input.id = run.input_id
JOIN destination ON destination.id = input.destination_id
LEFT JOIN pruned ON pruned.run_id = run.id
WHERE :run_id IS NULL OR run.id = :run_id
ORDER BY run.id DESC
LIMIT :runs_max
