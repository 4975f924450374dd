INSERT OR REPLACE INTO due (row_id, due_at_ms) VALUES (:row_id, :due_at_ms)
