SELECT field, code, leads FROM finding WHERE run_id = :run_id
ORDER BY leads DESC, field, code
LIMIT :findings_max
