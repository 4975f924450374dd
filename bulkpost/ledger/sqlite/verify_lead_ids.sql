SELECT lower(hex(lead_id)), count(*) FROM outcome
WHERE lead_id IS NOT NULL
GROUP BY lead_id HAVING count(*) > 1
LIMIT :ids_max
