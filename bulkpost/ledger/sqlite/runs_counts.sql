-- What became of the rows of an input, by run.
SELECT run_id, state, count(*), sum(price_micros), sum(latency_ms), count(latency_ms)
FROM outcome
WHERE row_id BETWEEN :first AND :last AND run_id IN (SELECT value FROM json_each(:runs))
GROUP BY run_id, state
