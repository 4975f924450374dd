-- Keys under which more than one row may have been sent, leaving out runs that were told to.
WITH sent AS (
    SELECT key, row_id, run_id FROM outcome
    WHERE key IS NOT NULL AND state IN (10, 11, 12, 20, 30)
    UNION
    SELECT kept_key.key, row_id, run_id FROM kept_key JOIN outcome USING (row_id)
    WHERE state IN (10, 11, 12, 20, 30)
)
SELECT count(*), coalesce(sum(row_count), 0), min(row_id)
FROM (
    SELECT count(*) AS row_count, min(sent.row_id) AS row_id
    FROM sent JOIN run ON run.id = sent.run_id
    WHERE coalesce(json_extract(run.settings, '$.duplicates'), 'skip') != 'submit'
    GROUP BY sent.key HAVING count(*) > 1
)
