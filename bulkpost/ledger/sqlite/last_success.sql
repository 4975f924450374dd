-- Exit statuses 0 and 3: the list was gone through.
SELECT max(ended_at_ms) FROM run WHERE exit_status IN (0, 3)
