select id from town_order where id = $1 for update
