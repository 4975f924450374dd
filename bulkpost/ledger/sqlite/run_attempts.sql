-- Attempts that did not end in a verdict, and those of them after which the run tried again.
SELECT
    count(*),
    coalesce(sum(EXISTS (
        SELECT 1 FROM outcome
        WHERE outcome.row_id = attempt.row_id AND outcome.run_id = attempt.run_id
        AND outcome.attempts > attempt.attempt
    )), 0)
FROM attempt
WHERE row_id BETWEEN :first AND :last AND run_id = :run_id
