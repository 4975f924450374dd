-- Attempts that did not end in a verdict, and those of them after which the run tried again.
SELECT sum(attempts), sum(retries) FROM (
    SELECT
        count(*) AS attempts,
        coalesce(sum(
            EXISTS (
                SELECT 1 FROM outcome
                WHERE outcome.row_id = attempt.row_id AND outcome.run_id = attempt.run_id
                AND outcome.attempts > attempt.attempt
            ) OR EXISTS (
                SELECT 1 FROM intent
                WHERE intent.row_id = attempt.row_id AND intent.run_id = attempt.run_id
                AND intent.attempt > attempt.attempt
            )
        ), 0) AS retries
    FROM attempt
    WHERE row_id BETWEEN :first AND :last AND run_id = :run_id
    UNION ALL
    SELECT attempts, retries FROM pruned WHERE run_id = :run_id
)
