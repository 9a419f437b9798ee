update town_order
set state = 'released', dispatch = $2, release_at = null, changed_at = clock_timestamp()
where id = $1
