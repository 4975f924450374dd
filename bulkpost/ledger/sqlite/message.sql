INSERT INTO message (document) VALUES (:document)
