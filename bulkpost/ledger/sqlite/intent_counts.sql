SELECT phase, count(*) FROM intent WHERE row_id BETWEEN :first AND :last GROUP BY phase
