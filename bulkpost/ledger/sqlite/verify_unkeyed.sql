-- Rows that were sent and of which no key is kept: nothing protects their leads. A row that was pruned,
-- released and sent under another key has two.
SELECT
    (SELECT count(*) FROM outcome WHERE key IS NULL AND state IN (10, 11, 12, 20, 30))
    - (SELECT count(DISTINCT row_id) FROM kept_key JOIN outcome USING (row_id)
       WHERE outcome.key IS NULL AND state IN (10, 11, 12, 20, 30))
