-- Of each outcome the most frequent reasons, and the rows without one.
WITH counted AS (
    SELECT state, reason_id, count(*) AS row_count, sum(price_micros) AS price_micros FROM outcome
    WHERE row_id BETWEEN :first AND :last AND run_id = :run_id
    GROUP BY state, reason_id
),
ranked AS (
    SELECT
        state, reason_id, row_count, price_micros,
        row_number() OVER (
            PARTITION BY state, reason_id IS NULL ORDER BY row_count DESC, reason_id
        ) AS place
    FROM counted
)
SELECT state, reason.text, row_count, price_micros
FROM ranked LEFT JOIN reason ON reason.id = ranked.reason_id
WHERE place <= :reasons_max
ORDER BY state, reason_id IS NULL, place
