-- Rows that were sent and of which no key is kept: nothing protects their leads.
SELECT
    (SELECT count(*) FROM outcome WHERE key IS NULL AND state IN (10, 11, 12, 20, 30))
    - (SELECT count(*) FROM kept_key JOIN outcome USING (row_id)
       WHERE outcome.key IS NULL AND state IN (10, 11, 12, 20, 30))
