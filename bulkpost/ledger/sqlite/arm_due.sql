DELETE FROM due
WHERE row_id = :row_id AND EXISTS (SELECT 1 FROM intent WHERE row_id = :row_id)
