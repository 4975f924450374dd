-- Where the rows begin that may be added to the input: it grows at its end only.
DELETE FROM mark
WHERE input_id = :input_id
AND row_number < (SELECT max(row_number) FROM mark WHERE input_id = :input_id)
