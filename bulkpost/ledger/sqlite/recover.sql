-- What a run that died left behind: armed -> in doubt, back-off -> deferred.
INSERT INTO outcome (
    row_id, run_id, state, http_status, attempts, ambiguous, reason_id, elapsed_ms, key, content
)
SELECT
    row_id, run_id, CASE phase WHEN 0 THEN 20 ELSE 50 END,
    CASE phase WHEN 0 THEN NULL ELSE http_status END, attempt, ambiguous,
    CASE phase WHEN 0 THEN :reason_id ELSE reason_id END, elapsed_ms, key, content
FROM intent
