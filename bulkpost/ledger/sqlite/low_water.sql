UPDATE input SET low_water = :low_water WHERE id = :input_id AND low_water < :low_water
