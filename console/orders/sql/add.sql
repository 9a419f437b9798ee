insert into town_order (mode, start_at, prepared_for) values ($1, $2, $3) returning id
