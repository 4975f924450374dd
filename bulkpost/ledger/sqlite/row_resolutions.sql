SELECT at_ms, how, who, state_before, state_after, lower(hex(lead_id)), note
FROM resolution WHERE row_id = :row_id
ORDER BY id
LIMIT :resolutions_max
