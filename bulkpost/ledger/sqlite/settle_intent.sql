DELETE FROM intent WHERE row_id = :row_id
