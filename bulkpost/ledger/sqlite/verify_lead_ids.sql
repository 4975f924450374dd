SELECT lower(hex(lead_id)), count(*) FROM outcome
WHERE lead_id IS NOT NULL
-- Feedback names the lead that a submission made, and perhaps another time.
AND row_id >> 40 IN (
    SELECT input.id FROM input
    JOIN destination ON destination.id = input.destination_id
    WHERE destination.kind = 'submission'
)
GROUP BY lead_id HAVING count(*) > 1
LIMIT :ids_max
