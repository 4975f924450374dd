-- The row's earlier ending gives way to its new intent.
DELETE FROM outcome
WHERE row_id = :row_id AND state IN (40, 41, 42, 50)
AND EXISTS (SELECT 1 FROM intent WHERE row_id = :row_id)
