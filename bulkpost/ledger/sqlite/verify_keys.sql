-- Keys under which more than one row may have been sent, leaving out runs that were told to.
SELECT count(*), coalesce(sum(row_count), 0), min(row_id)
FROM (
    SELECT count(*) AS row_count, min(outcome.row_id) AS row_id
    FROM outcome JOIN run ON run.id = outcome.run_id
    WHERE outcome.key IS NOT NULL AND outcome.state IN (10, 11, 12, 20, 30)
    AND coalesce(json_extract(run.settings, '$.duplicates'), 'skip') != 'submit'
    GROUP BY outcome.key HAVING count(*) > 1
)
