INSERT INTO resolution (row_id, at_ms, how, who, state_before, state_after, lead_id, note)
SELECT
    row_id, :at_ms, :how, :who, state, :state_after, coalesce(:lead_id, lead_id),
    CASE
        WHEN :note IS NULL AND :state_after = 50 AND price_micros != 0
        THEN printf('price before: %.6f', price_micros / 1e6)
        ELSE :note
    END
FROM outcome WHERE row_id = :row_id
