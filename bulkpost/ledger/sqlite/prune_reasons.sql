DELETE FROM reason
WHERE id NOT IN (
    SELECT reason_id FROM outcome WHERE reason_id IS NOT NULL
    UNION SELECT reason_id FROM attempt WHERE reason_id IS NOT NULL
    UNION SELECT reason_id FROM intent WHERE reason_id IS NOT NULL
)
