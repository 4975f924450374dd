-- Keys under which more than one row may have been sent, leaving out inputs that asked for it.
SELECT count(*), coalesce(sum(row_count), 0), min(row_id)
FROM (
    SELECT count(*) AS row_count, min(outcome.row_id) AS row_id
    FROM outcome JOIN input ON input.id = outcome.row_id >> 40
    WHERE outcome.key IS NOT NULL AND outcome.state IN (10, 11, 12, 20, 30)
    AND input.duplicates != 'submit'
    GROUP BY outcome.key HAVING count(*) > 1
)
