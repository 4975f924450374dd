-- What a run's requests brought, by time and latency. Latencies are counted in classes that are at
-- most one per cent wide, so the number of lines has a limit, however many requests there were. What
-- has no time was pruned.
WITH request AS (
    SELECT elapsed_ms, latency_ms, state, 0 AS is_repeated, 0 AS is_5xx
    FROM outcome
    WHERE row_id BETWEEN :first AND :last AND run_id = :run_id
    AND state IN (10, 11, 12) AND attempts > 0 AND elapsed_ms IS NOT NULL
    AND NOT EXISTS (
        SELECT 1 FROM attempt
        WHERE attempt.row_id = outcome.row_id AND attempt.attempt = outcome.attempts
    )
    UNION ALL
    SELECT
        elapsed_ms, latency_ms, state,
        EXISTS (
            SELECT 1 FROM outcome
            WHERE outcome.row_id = attempt.row_id AND outcome.run_id = attempt.run_id
            AND outcome.attempts > attempt.attempt
        ) OR EXISTS (
            SELECT 1 FROM intent
            WHERE intent.row_id = attempt.row_id AND intent.run_id = attempt.run_id
            AND intent.attempt > attempt.attempt
        ),
        coalesce(http_status BETWEEN 500 AND 599, 0)
    FROM attempt
    WHERE row_id BETWEEN :first AND :last AND run_id = :run_id AND elapsed_ms IS NOT NULL
)
SELECT
    min(max(elapsed_ms, 0) / :span_ms, :spans_max - 1) AS span,
    CASE
        WHEN latency_ms < 1000 THEN latency_ms
        WHEN latency_ms < 10000 THEN latency_ms / 10 * 10
        WHEN latency_ms < 100000 THEN latency_ms / 100 * 100
        ELSE latency_ms / 1000 * 1000
    END AS latency_class_ms,
    count(*), sum(state = 10), sum(state IN (11, 12)), sum(is_repeated), sum(is_5xx)
FROM request
GROUP BY span, latency_class_ms
ORDER BY span, latency_class_ms
