INSERT OR REPLACE INTO evidence (row_id, request_id, reply_id)
VALUES (:row_id, :request_id, :reply_id)
