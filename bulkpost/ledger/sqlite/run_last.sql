-- When the last request of a run ended, from its start; NULL if there was none.
SELECT max(last_ms) FROM (
    SELECT max(elapsed_ms) AS last_ms FROM outcome
    WHERE row_id BETWEEN :first AND :last AND run_id = :run_id AND attempts > 0
    UNION ALL
    SELECT max(elapsed_ms) FROM attempt
    WHERE row_id BETWEEN :first AND :last AND run_id = :run_id
)
