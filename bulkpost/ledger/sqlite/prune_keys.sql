-- In the order of the keys, so that they fill the pages of their table.
INSERT OR IGNORE INTO kept_key (key, row_id, content)
SELECT key, row_id, content FROM outcome
WHERE row_id BETWEEN :first AND :last AND state IN (10, 11, 12) AND key IS NOT NULL
ORDER BY key
