-- Whether rows of other inputs from the same file may still be sent: the same list went to another
-- destination, too.
SELECT 1 FROM input AS other
WHERE other.path = (SELECT path FROM input WHERE id = :input_id) AND other.id != :input_id
AND (
    other.rows > (
        SELECT count(*) FROM outcome
        WHERE row_id > other.id << 40 AND row_id < (other.id + 1) << 40
    )
    OR EXISTS (
        SELECT 1 FROM outcome
        WHERE row_id > other.id << 40 AND row_id < (other.id + 1) << 40
        AND state IN (20, 30, 50) AND state >= 20
    )
)
LIMIT 1
