SELECT outcome.row_id, state, attempts, ambiguous, due.due_at_ms
FROM outcome LEFT JOIN due USING (row_id)
WHERE outcome.row_id BETWEEN :first AND :last
