SELECT
    (SELECT count(*) FROM outcome
     WHERE state = 20 AND state >= 20 AND (:run_id IS NULL OR run_id = :run_id))
    + (SELECT count(*) FROM intent
       WHERE phase = 0 AND :with_armed AND (:run_id IS NULL OR run_id = :run_id))
