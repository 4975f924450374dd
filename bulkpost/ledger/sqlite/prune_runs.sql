-- What was counted of an input's runs, before the rows that it was counted from go. An attempt that
-- a person has resolved is counted with its row's verdict from now on, as every answer is.
INSERT INTO pruned (run_id, at_ms, attempts, retries)
SELECT
    run.id, :at_ms,
    coalesce(sum(
        outcome.state NOT IN (10, 11, 12)
        OR outcome.attempts != attempt.attempt OR outcome.run_id != attempt.run_id
    ), 0),
    coalesce(sum(outcome.run_id = attempt.run_id AND outcome.attempts > attempt.attempt), 0)
FROM run
LEFT JOIN attempt ON attempt.row_id BETWEEN :first AND :last AND attempt.run_id = run.id
    AND (SELECT state FROM outcome WHERE outcome.row_id = attempt.row_id)
        IN (10, 11, 12, 40, 41, 42)
LEFT JOIN outcome ON outcome.row_id = attempt.row_id
WHERE run.input_id = :input_id
GROUP BY run.id
ON CONFLICT (run_id) DO UPDATE
SET at_ms = excluded.at_ms, attempts = attempts + excluded.attempts,
    retries = retries + excluded.retries
