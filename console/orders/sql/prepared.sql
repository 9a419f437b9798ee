select id from town_order where prepared_for = $1
