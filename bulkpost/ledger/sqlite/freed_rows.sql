-- Duplicates and conflicts of a row that holds their lead no more.
SELECT refused.row_id, refused.state
FROM outcome AS refused JOIN outcome AS holder ON holder.row_id = refused.detail
WHERE refused.state IN (41, 42) AND refused.state >= 20
AND refused.row_id BETWEEN :first AND :last
AND holder.state IN (41, 42, 50)
