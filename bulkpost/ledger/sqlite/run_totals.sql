SELECT
    coalesce(sum(price_micros), 0),
    coalesce(sum(
        state IN (10, 11, 12) AND attempts > 0
        AND NOT EXISTS (
            SELECT 1 FROM attempt
            WHERE attempt.row_id = outcome.row_id AND attempt.attempt = outcome.attempts
        )
    ), 0),
    coalesce(sum(ambiguous > 0), 0),
    -- A lead that was sent again and failed as a duplicate may be a duplicate of itself.
    coalesce(sum(
        ambiguous > 0 AND state = 11
        AND EXISTS (
            SELECT 1 FROM reason
            WHERE reason.id = outcome.reason_id AND reason.text LIKE '%duplicate%'
        )
    ), 0)
FROM outcome
WHERE row_id BETWEEN :first AND :last AND run_id = :run_id
