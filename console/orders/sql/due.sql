select id from town_order where state = 'counting' and release_at <= clock_timestamp() order by release_at, id
