-- In the order of the keys, so that they fill the pages of their table. What a row that was released
-- was sent with last takes the place of what was kept of it before.
INSERT OR REPLACE INTO kept_key (key, row_id, content)
SELECT key, row_id, content FROM outcome
WHERE row_id BETWEEN :first AND :last AND state IN (10, 11, 12) AND key IS NOT NULL
ORDER BY key
