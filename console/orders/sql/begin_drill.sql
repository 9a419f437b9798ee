update town_order
set state = 'counting', release_at = clock_timestamp() + $2 * interval '1 second', changed_at = clock_timestamp()
where id = $1
