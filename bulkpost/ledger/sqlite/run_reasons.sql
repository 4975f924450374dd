WITH counted AS (
    SELECT state, reason_id, count(*) AS row_count FROM outcome
    WHERE row_id BETWEEN :first AND :last AND run_id = :run_id AND reason_id IS NOT NULL
    GROUP BY state, reason_id
),
ranked AS (
    SELECT
        state, reason_id, row_count,
        row_number() OVER (PARTITION BY state ORDER BY row_count DESC, reason_id) AS place
    FROM counted
)
SELECT state, reason.text, row_count
FROM ranked JOIN reason ON reason.id = ranked.reason_id
WHERE place <= :reasons_max
ORDER BY state, place
