DELETE FROM message
WHERE id NOT IN (SELECT request_id FROM evidence UNION SELECT reply_id FROM evidence)
