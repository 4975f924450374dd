INSERT OR REPLACE INTO attempt (row_id, attempt, run_id, state, reason_id, elapsed_ms)
SELECT row_id, attempt, run_id, 20, :reason_id, elapsed_ms FROM intent WHERE phase = 0
