-- A lead of the same run that LeadConduit surely has: the nearest one answered with a lead id.
SELECT row_id, key, lower(hex(lead_id)), at_ms FROM (
    SELECT * FROM (
        SELECT outcome.row_id, outcome.key, outcome.lead_id,
               run.started_at_ms + outcome.elapsed_ms AS at_ms
        FROM outcome JOIN run ON run.id = outcome.run_id
        WHERE outcome.row_id BETWEEN :first AND :row_id - 1 AND outcome.run_id = :run_id
        AND outcome.state IN (10, 11, 12) AND outcome.lead_id IS NOT NULL AND outcome.key IS NOT NULL
        ORDER BY outcome.row_id DESC LIMIT 1
    )
    UNION ALL
    SELECT * FROM (
        SELECT outcome.row_id, outcome.key, outcome.lead_id,
               run.started_at_ms + outcome.elapsed_ms AS at_ms
        FROM outcome JOIN run ON run.id = outcome.run_id
        WHERE outcome.row_id BETWEEN :row_id + 1 AND :last AND outcome.run_id = :run_id
        AND outcome.state IN (10, 11, 12) AND outcome.lead_id IS NOT NULL AND outcome.key IS NOT NULL
        ORDER BY outcome.row_id LIMIT 1
    )
)
ORDER BY abs(row_id - :row_id)
LIMIT 1
