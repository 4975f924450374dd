INSERT OR REPLACE INTO due (row_id, due_at_ms)
SELECT row_id, due_at_ms FROM intent WHERE phase = 1 AND due_at_ms IS NOT NULL
