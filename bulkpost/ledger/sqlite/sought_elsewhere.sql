-- Of some lead ids, those that are known to come from another sending: of a row with the same key, or
-- one that LeadConduit had answered before it was released.
SELECT lower(hex(lead_id)) FROM outcome
WHERE key = :key AND key IS NOT NULL AND row_id != :row_id
AND lower(hex(lead_id)) IN (SELECT value FROM json_each(:lead_ids))
UNION
SELECT lower(hex(outcome.lead_id)) FROM kept_key JOIN outcome ON outcome.row_id = kept_key.row_id
WHERE kept_key.key = :key AND kept_key.row_id != :row_id
AND lower(hex(outcome.lead_id)) IN (SELECT value FROM json_each(:lead_ids))
UNION
SELECT lower(hex(lead_id)) FROM resolution
WHERE state_before IN (11, 12) AND lower(hex(lead_id)) IN (SELECT value FROM json_each(:lead_ids))
