DELETE FROM evidence
WHERE row_id BETWEEN :first AND :last
AND (SELECT state FROM outcome WHERE outcome.row_id = evidence.row_id) IN (10, 11, 12, 40, 41, 42)
