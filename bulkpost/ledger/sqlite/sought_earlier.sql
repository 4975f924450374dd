-- How often a row was answered, without a lead id, before it was released: events of that carry its
-- reference, too, and nothing tells them from those of its last sending.
SELECT count(*) FROM resolution
WHERE row_id = :row_id AND state_before IN (11, 12) AND state_after = 50 AND lead_id IS NULL
