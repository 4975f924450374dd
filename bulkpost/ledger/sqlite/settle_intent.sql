DELETE FROM intent
WHERE row_id = :row_id AND EXISTS (SELECT 1 FROM outcome WHERE row_id = :row_id)
