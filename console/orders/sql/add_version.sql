insert into town_order_version (order_id, number, document, officer, key) values ($1, $2, $3, $4, $5)
