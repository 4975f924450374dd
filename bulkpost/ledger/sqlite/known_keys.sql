-- Many keys at once, as one blob of 16-byte keys: one step of the database, no list of parameters.
WITH RECURSIVE nth (i) AS (
    SELECT 0 UNION ALL SELECT i + 1 FROM nth WHERE i + 1 < :count
)
SELECT outcome.key, outcome.row_id, outcome.state, outcome.content
FROM nth
JOIN outcome ON outcome.key = substr(:keys, nth.i * 16 + 1, 16) AND outcome.key IS NOT NULL
WHERE outcome.state IN (10, 11, 12, 20, 30)
UNION ALL
SELECT kept_key.key, kept_key.row_id, outcome.state, kept_key.content
FROM nth
JOIN kept_key ON kept_key.key = substr(:keys, nth.i * 16 + 1, 16)
JOIN outcome ON outcome.row_id = kept_key.row_id
WHERE outcome.state IN (10, 11, 12, 20, 30)
