SELECT state, count(*), sum(price_micros) FROM outcome
WHERE row_id BETWEEN :first AND :last AND (:run_id IS NULL OR run_id = :run_id)
GROUP BY state
