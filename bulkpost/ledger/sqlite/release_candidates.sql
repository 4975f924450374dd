SELECT row_id FROM outcome
WHERE row_id > :after AND row_id <= :last AND state = :state
AND (:run_id IS NULL OR run_id = :run_id)
ORDER BY row_id
LIMIT :rows_max
