-- A row that will not be sent is due no more.
DELETE FROM due
WHERE row_id = :row_id
AND EXISTS (SELECT 1 FROM outcome WHERE row_id = :row_id AND state IN (41, 42))
