-- What explains that a lead was sent more than once.
SELECT
    (SELECT count(*) FROM outcome WHERE ambiguous > 0),
    (SELECT coalesce(sum(ambiguous), 0) FROM outcome),
    (SELECT count(DISTINCT row_id) FROM resolution WHERE state_after = 50)
