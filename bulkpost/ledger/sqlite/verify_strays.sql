-- Rows of no input, rows both ended and under way, rows in a state that no bulkpost writes.
SELECT
    (SELECT count(*) FROM outcome WHERE row_id >> 40 NOT IN (SELECT id FROM input))
    + (SELECT count(*) FROM intent WHERE row_id >> 40 NOT IN (SELECT id FROM input)),
    (SELECT count(*) FROM intent JOIN outcome USING (row_id)),
    (SELECT count(*) FROM outcome WHERE state NOT IN (10, 11, 12, 20, 30, 40, 41, 42, 50))
    + (SELECT count(*) FROM intent WHERE phase NOT IN (0, 1))
