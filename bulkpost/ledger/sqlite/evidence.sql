INSERT OR REPLACE INTO evidence (row_id, document) VALUES (:row_id, :document)
