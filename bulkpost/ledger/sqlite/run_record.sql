-- Runs, newest first. A parameter that is NULL wants all:
--   run_id        this run
--   up_to         this run and those before it, to the same destination
--   destination   part of the destination's name, in lower case
--   since_ms      started then or later
--   states        JSON list of endings, "running" and "died" among them
--   live          the run that is going on, which only `states` asks for
SELECT
    run.id, run.command, input.id AS input_id, input.path, input.format,
    lower(hex(input.digest)) AS sha256, input.rows, destination.name AS destination,
    run.started_at_ms, run.ended_at_ms, run.ending, run.exit_status, run.settings,
    run.host, run.pid, run.version, destination.kind, pruned.at_ms
FROM run
JOIN input ON input.id = run.input_id
JOIN destination ON destination.id = input.destination_id
LEFT JOIN pruned ON pruned.run_id = run.id
WHERE (:run_id IS NULL OR run.id = :run_id)
AND (:up_to IS NULL OR (
    run.id <= :up_to
    AND destination.id = (
        SELECT own.destination_id FROM input AS own
        WHERE own.id = (SELECT input_id FROM run AS this WHERE this.id = :up_to)
    )
))
AND (:destination IS NULL OR instr(lower(destination.name), :destination) > 0)
AND (:since_ms IS NULL OR run.started_at_ms >= :since_ms)
AND (:states IS NULL OR coalesce(
        run.ending, CASE WHEN run.id = :live THEN 'running' ELSE 'died' END
    ) IN (SELECT value FROM json_each(:states)))
ORDER BY run.id DESC
LIMIT :runs_max
