-- in doubt -> success, failure, error, deferred; http_error -> success, failure, error: a person or
-- LeadConduit's records know.
UPDATE outcome
SET state = :state_after, reason_id = :reason_id,
    price_micros = coalesce(:price_micros, price_micros),
    lead_id = CASE :state_after WHEN 50 THEN NULL ELSE coalesce(:lead_id, lead_id) END
WHERE row_id = :row_id
AND ((state = 20 AND :state_after IN (10, 11, 12, 50))
  OR (state = 30 AND :state_after IN (10, 11, 12)))
