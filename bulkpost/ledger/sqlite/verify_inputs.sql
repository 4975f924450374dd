WITH ended AS (
    SELECT
        outcome.row_id >> 40 AS input_id, count(*) AS row_count,
        sum((outcome.row_id & 0xFFFFFFFFFF) <= input.low_water) AS below,
        max(outcome.row_id & 0xFFFFFFFFFF) AS last_row
    FROM outcome LEFT JOIN input ON input.id = outcome.row_id >> 40
    GROUP BY 1
),
armed AS (
    SELECT
        intent.row_id >> 40 AS input_id, count(*) AS row_count,
        sum((intent.row_id & 0xFFFFFFFFFF) <= input.low_water) AS below,
        max(intent.row_id & 0xFFFFFFFFFF) AS last_row
    FROM intent LEFT JOIN input ON input.id = intent.row_id >> 40
    GROUP BY 1
)
SELECT
    input.id, input.path, input.rows, input.low_water,
    coalesce(ended.row_count, 0), coalesce(armed.row_count, 0),
    coalesce(ended.below, 0) + coalesce(armed.below, 0),
    max(coalesce(ended.last_row, 0), coalesce(armed.last_row, 0))
FROM input
LEFT JOIN ended ON ended.input_id = input.id
LEFT JOIN armed ON armed.input_id = input.id
ORDER BY input.id
