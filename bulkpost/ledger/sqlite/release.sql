-- failure, error, in doubt, http_error -> deferred: a person asked for it to be sent again. What was
-- in doubt may have been taken, which is the same risk as an ambiguous answer, and is counted with it.
UPDATE outcome
SET state = 50, ambiguous = ambiguous + (state = 20), reason_id = :reason_id, lead_id = NULL,
    price_micros = NULL
WHERE row_id = :row_id AND state = :state_before AND state IN (11, 12, 20, 30)
