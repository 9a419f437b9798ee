select event, area from town_order_submission where order_id = $1 order by number desc limit 1
